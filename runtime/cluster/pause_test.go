package cluster_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/database"
)

// holderEnv makes a test a process that holds the lease, as its value says: name, time and where the database is.
const holderEnv = "PARLEY_TEST_HOLDER"

const pausedTTL = 500 * time.Millisecond

// holdUntilTold is such a process. It writes under the lease as often as it can, and says what became of that.
func holdUntilTold(t *testing.T, name, where string) {
	t.Helper()
	db, err := database.OpenPostgres(where, database.Options{Durable: true, Connections: 2})
	require.NoError(t, err)
	leases := cluster.NewLeases(db)
	leases.Hold(t.Context(), "queue", name, pausedTTL, silent(), func(ctx context.Context, lease cluster.Lease) {
		for told := false; ; {
			// A careless holder: it looks at no context, as one that stood still between the look and the write.
			err := leases.Write(context.WithoutCancel(ctx), lease, func(ctx context.Context, tx database.Conn) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO change_log SELECT COUNT(*) + 1, '', $1, '', '', $2, '', '' FROM change_log", name, lease.Token)
				return err
			})
			switch {
			case errors.Is(err, cluster.ErrLost):
				fmt.Println("refused", lease.Token)
				return
			case err == nil && !told:
				told = true
				fmt.Println("wrote", lease.Token)
			}
		}
	})
}

// holder starts such a process; said gives its lines.
func holder(t *testing.T, name, where string) (process *os.Process, said <-chan string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), holderEnv+"="+name+" "+where)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	return cmd.Process, lines
}

func hear(t *testing.T, said <-chan string, what string) {
	t.Helper()
	patience := time.After(2 * time.Minute)
	for {
		select {
		case line, open := <-said:
			if strings.HasPrefix(line, what+" ") {
				return
			}
			require.True(t, open, "the process ended, and never said %q", what)
		case <-patience:
			require.Fail(t, "the process never said "+what)
		}
	}
}

// testPausedHolder stops the process that holds the lease (SIGSTOP) past its lease and lets it go on, again and again: what
// it was about to write is refused, for another holds the lease by then.
func testPausedHolder(t *testing.T, where string, db *database.DB) {
	t.Helper()
	one, oneSaid := holder(t, "server1", where)
	hear(t, oneSaid, "wrote")
	two, twoSaid := holder(t, "server2", where)
	for range fixtures.Times("F9", 10) {
		require.NoError(t, one.Signal(syscall.SIGSTOP))
		hear(t, twoSaid, "wrote") // it has the lease, under a token of its own
		require.NoError(t, one.Signal(syscall.SIGCONT))
		hear(t, oneSaid, "refused")
		one, two, oneSaid, twoSaid = two, one, twoSaid, oneSaid
	}
	var writes, backwards int
	require.NoError(t, db.QueryRowContext(t.Context(), `
SELECT COUNT(*), COUNT(CASE WHEN at < before THEN 1 END) FROM
	(SELECT at, LAG(at) OVER (ORDER BY revision) AS before FROM change_log) AS log`).Scan(&writes, &backwards))
	assert.Greater(t, writes, fixtures.Times("F9", 10))
	assert.Zero(t, backwards, "writes of an older token after those of a newer one")
}

// TestPausedHolderIsRefused is of PostgreSQL alone: it ends the transaction that a paused process is in the midst of. Nobody
// else can write to a SQLite file meanwhile.
func TestPausedHolderIsRefused(t *testing.T) {
	if as := os.Getenv(holderEnv); as != "" {
		name, where, _ := strings.Cut(as, " ")
		holdUntilTold(t, name, where)
		return
	}
	p := fixtures.NewPostgres(t)
	db, err := database.OpenPostgres(p.URL(), database.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.Prepare(t.Context()))
	testPausedHolder(t, p.URL(), db)
}

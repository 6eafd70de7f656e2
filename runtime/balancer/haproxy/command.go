package haproxy

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// askTime bounds a command to HAProxy: it answers within milliseconds, or hangs.
const askTime = 3 * time.Second

// ask gives HAProxy a command over the socket at path, and is what it answers.
func ask(ctx context.Context, path, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return "", fmt.Errorf("HAProxy's socket %s: %w", path, errors.Unwrap(err))
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err = io.WriteString(conn, command+"\n"); err == nil {
		if half, ok := conn.(*net.UnixConn); ok {
			err = half.CloseWrite() // the master answers once nothing more can come
		}
	}
	if err != nil {
		return "", fmt.Errorf("HAProxy's socket %s: %w", path, err)
	}
	raw, err := io.ReadAll(io.LimitReader(conn, 16<<20))
	if err != nil {
		return "", fmt.Errorf("HAProxy does not answer %q on %s: %w", command, path, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// order gives a command that answers nothing where it is obeyed.
func order(ctx context.Context, path, command string) error {
	answer, err := ask(ctx, path, command)
	if err == nil && answer != "" {
		err = fmt.Errorf("HAProxy refuses %q: %s", command, clip(answer))
	}
	return err
}

// processes are what the master's "show proc" lists.
type processes struct {
	master  int
	reloads int
	failed  int // reloads that failed
	worker  int // the one that serves; 0: none
	old     []int
}

func listProcesses(ctx context.Context, master string) (processes, error) {
	var p processes
	text, err := ask(ctx, master, "show proc")
	if err != nil {
		return p, err
	}
	old := false
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			old = strings.HasPrefix(lines.Text(), "# old")
			continue
		}
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		if err != nil {
			continue
		}
		switch {
		case fields[1] == "master":
			p.master = pid
			p.reloads, _ = strconv.Atoi(fields[2]) // 0 where it says nothing
			if _, after, ok := strings.Cut(lines.Text(), "[failed:"); ok {
				number, _, _ := strings.Cut(after, "]")
				p.failed, _ = strconv.Atoi(strings.TrimSpace(number))
			}
		case fields[1] == "worker" && old:
			p.old = append(p.old, pid)
		case fields[1] == "worker":
			p.worker = pid
		}
	}
	if p.master == 0 {
		return p, fmt.Errorf("HAProxy's master on %s answers show proc with %q", master, clip(text))
	}
	return p, nil
}

// row is one line of HAProxy's statistics, by the names of its columns.
type row map[string]string

func (r row) number(columns ...string) int64 {
	var sum int64
	for _, c := range columns {
		n, _ := strconv.ParseInt(r[c], 10, 64) // a column that is empty, or not there, counts nothing
		sum += n
	}
	return sum
}

// check is how the last check ended, such as L7OK. A star before it says that the next is under way.
func (r row) check() string { return strings.TrimPrefix(r["check_status"], "* ") }

// readStats are the lines of "show stat", by proxy and name, such as servers/server1.
func readStats(text string) (map[string]row, error) {
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "# ")))
	in.FieldsPerRecord = -1
	in.LazyQuotes = true
	all, err := in.ReadAll()
	if err != nil || len(all) == 0 {
		return nil, errors.Join(fmt.Errorf("HAProxy's statistics cannot be read: %q", clip(text)), err)
	}
	out := map[string]row{}
	for _, fields := range all[1:] {
		r := row{}
		for i, field := range fields {
			if i < len(all[0]) {
				r[all[0][i]] = field
			}
		}
		out[r["pxname"]+"/"+r["svname"]] = r
	}
	return out, nil
}

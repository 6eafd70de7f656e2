package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Away says that the database cannot be reached, does not answer, or takes no connections or changes now. It comes back
// by itself, or its operator brings it back.
type Away struct {
	Where string // host:port/name
	Err   error
}

func (a *Away) Error() string {
	return fmt.Sprintf("the database %s cannot be used: %s", a.Where, reason(a.Err))
}

func (a *Away) Unwrap() error { return a.Err }

// judge turns an error of PostgreSQL's that means that it is away into an *Away. ctx is the caller's own.
func (d *DB) judge(ctx context.Context, err error) error {
	if err == nil || d.patience == 0 {
		return err
	}
	if d.missing(err) { // somebody has put another database in its place
		d.current.Store(false)
	}
	var known *Away
	if errors.As(err, &known) || errors.Is(ctx.Err(), context.Canceled) || !isAway(err) {
		return err
	}
	return &Away{Where: d.where, Err: err}
}

// awayCodes are the SQLSTATEs, or their classes, of a server that cannot do what it otherwise does.
func awayCodes() []string {
	return []string{
		"08",    // connection exception
		"53",    // insufficient resources: too many connections, a full disk
		"57P",   // it shuts down, starts, or ended our connection
		"58",    // its system fails
		"25006", // it is a standby by now, or read-only
		"25P03", // we took too long
		"28",    // it does not let us in
		"3D000", // the database is not there
		"40P01", // a deadlock: worth another try
		"55P03", // another program holds a table's lock, such as a backup while we change the schema
	}
}

func isAway(err error) bool {
	var refused *pgconn.ConnectError
	var network net.Error
	var fault *pgconn.PgError
	switch {
	case errors.As(err, &fault):
		for _, code := range awayCodes() {
			if strings.HasPrefix(fault.Code, code) {
				return true
			}
		}
		return false
	case errors.As(err, &refused), errors.As(err, &network), pgconn.Timeout(err):
		return true
	}
	for _, one := range []error{context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, driver.ErrBadConn, pgconn.ErrConnClosed, net.ErrClosed} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// reason is why, in few words.
func reason(err error) string {
	var fault *pgconn.PgError
	var dial *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &fault):
		return fault.Message
	case errors.As(err, &name):
		return name.Error()
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return "it does not answer"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closed the connection"
	case errors.As(err, &dial):
		return strings.TrimPrefix(dial.Err.Error(), "connect: ")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn), errors.Is(err, pgconn.ErrConnClosed):
		return "it closed the connection"
	}
	return err.Error()
}

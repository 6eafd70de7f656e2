package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/parley-run/parley/steps/sqlconn"
)

// cassandra is a connection to a keyspace.
type cassandra struct {
	sqlconn.Names
	session *gocql.Session
	shown   string
	ended   sync.Once
}

// Where Cassandra is when nothing else is said.
const (
	cassandraHost = "127.0.0.1"
	cassandraPort = 9042
)

// openCassandra connects to a keyspace. It takes no longer than ctx allows, and a statement no longer than limit.
func openCassandra(ctx context.Context, at cassandraAddress, keyspace string, limit time.Duration) (*cassandra, error) {
	hosts := at.hosts
	if len(hosts) == 0 {
		hosts = []string{cassandraHost}
	}
	config := gocql.NewCluster(hosts...)
	config.Port = cmp.Or(at.port, cassandraPort)
	config.ProtoVersion = at.version
	config.Keyspace = keyspace
	later := limit + time.Second // ctx has ended before
	config.Timeout, config.ConnectTimeout, config.WriteTimeout = later, later, later
	config.NumConns = 1
	config.Consistency = gocql.LocalOne // as the Python driver has it
	config.Metadata.CacheMode = gocql.Disabled
	config.Events.DisableNodeStatusEvents = true
	config.Events.DisableTopologyEvents = true
	config.Events.DisableSchemaEvents = true
	c := &cassandra{
		Names: sqlconn.Names{Quote: `"`, Folds: true},
		shown: fmt.Sprintf("keyspace %s of Cassandra at %s, port %d", keyspace, strings.Join(hosts, ", "), config.Port),
	}
	// The driver takes no context while it connects: where ours ends, its connections are closed.
	var sockets openSockets
	config.Dialer = dialer(sockets.dial)
	stop := context.AfterFunc(ctx, sockets.close)
	var err error
	c.session, err = config.CreateSession()
	if stop() || c.session == nil {
		sockets.forget()
	}
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
		c.session.Close()
	}
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return c, nil
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext is what the driver calls.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// openSockets are the connections of a session that begins.
type openSockets struct {
	mu     sync.Mutex
	conns  []net.Conn
	cancel []context.CancelFunc
	ended  bool // no more may be opened
	begun  bool // the session has begun: they are its own
}

func (o *openSockets) dial(ctx context.Context, network, address string) (net.Conn, error) {
	o.mu.Lock()
	if o.ended {
		o.mu.Unlock()
		return nil, net.ErrClosed
	}
	if !o.begun {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		o.cancel = append(o.cancel, cancel)
	}
	o.mu.Unlock()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	if !o.begun {
		o.conns = append(o.conns, conn)
	}
	return conn, nil
}

// close ends them all, and what is being dialled.
func (o *openSockets) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	for _, cancel := range o.cancel {
		cancel()
	}
	for _, conn := range o.conns {
		_ = conn.Close()
	}
}

// forget leaves them to the session.
func (o *openSockets) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun, o.conns = true, nil
	for _, cancel := range o.cancel {
		cancel() // dialling is over
	}
	o.cancel = nil
}

// MarshalText is what people see.
func (c *cassandra) MarshalText() ([]byte, error) { return []byte(c.shown), nil }

func (c *cassandra) close() error {
	c.ended.Do(c.session.Close)
	return nil
}

func (c *cassandra) failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gocql.ErrSessionClosed):
		return fmt.Errorf("the connection to %s is closed", c.shown)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w", c.shown, err)
}

// exec runs a statement. Its values become what the types of its parameters ask for.
func (c *cassandra) exec(ctx context.Context, cql string, values []any) error {
	bind := func(q *gocql.QueryInfo) ([]any, error) {
		if len(q.Args) != len(values) {
			return nil, errors.New("the statement has " + strconv.Itoa(len(q.Args)) + " parameters for " + strconv.Itoa(len(values)) + " values")
		}
		bound := make([]any, len(values))
		for i, column := range q.Args {
			v, err := toCQL(column.TypeInfo, values[i])
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", column.Name, err)
			}
			bound[i] = v
		}
		return bound, nil
	}
	return c.failed(ctx, c.session.Bind(cql, bind).ExecContext(ctx))
}

// query gives a query's rows as JSON trees.
func (c *cassandra) query(ctx context.Context, cql string) ([][]any, error) {
	iter := c.session.Query(cql).IterContext(ctx)
	var rows [][]any
	var fault error
	for fault == nil {
		var cells []*cqlCell
		var into []any
		for _, column := range iter.Columns() {
			cell := newCQLCell(column.TypeInfo)
			cells = append(cells, cell)
			for i := range cell.parts {
				into = append(into, &cell.parts[i])
			}
		}
		if len(into) == 0 || !iter.Scan(into...) {
			break
		}
		row := make([]any, len(cells))
		for i, cell := range cells {
			if row[i], fault = cell.value(); fault != nil {
				break
			}
		}
		rows = append(rows, row)
	}
	if err := errors.Join(fault, iter.Close()); err != nil {
		return nil, c.failed(ctx, err)
	}
	return rows, nil
}

package steps_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// cassandraServer speaks version 4 of Cassandra's protocol (native_protocol_v4.spec), as far as the driver asks: it
// knows one node, itself, and the tables of one keyspace.
type cassandraServer struct {
	listener net.Listener
	running  sync.WaitGroup

	mu       sync.Mutex
	tables   map[string]*cassandraTable
	prepared []*cassandraStatement
	conns    map[net.Conn]bool
	refused  int // requests of other versions

	asked chan struct{} // told when it was asked something that it never answers; nil: it answers all
}

// What requests and replies are.
const (
	opError = iota
	opStartup
	opReady
	opAuthenticate
	_
	opOptions
	opSupported
	opQuery
	opResult
	opPrepare
	opExecute
	opRegister
)

const (
	faultProtocol = 0x000a
	faultSyntax   = 0x2000
	faultInvalid  = 0x2200
)

func startCassandra(t *testing.T) *cassandraServer {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &cassandraServer{listener: l, tables: cassandraTables(), conns: map[net.Conn]bool{}}
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.running.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for conn := range s.conns {
			_ = conn.Close()
		}
		s.mu.Unlock()
		s.running.Wait()
	})
	return s
}

func (s *cassandraServer) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// open is how many connections there are.
func (s *cassandraServer) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *cassandraServer) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	for {
		var head [9]byte // version, flags, stream (2), opcode, length (4)
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[5:]))
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		if s.asked != nil && strings.Contains(string(body), "slow") {
			s.asked <- struct{}{}
			continue
		}
		op, reply := s.answer(head[0], head[4], &cassandraReader{body: body})
		out := []byte{0x84, 0, head[2], head[3], op}
		if head[0] != 4 {
			out[2], out[3] = 0, 0 // as Cassandra, which has not read any further
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(reply.body))), reply.body...)
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// cassandraFault is an error that the client is told.
type cassandraFault struct {
	code    int
	message string
}

func (f *cassandraFault) Error() string { return f.message }

func invalid(format string, args ...any) error {
	return &cassandraFault{faultInvalid, fmt.Sprintf(format, args...)}
}

func (s *cassandraServer) answer(version, op byte, r *cassandraReader) (byte, *cassandraWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &cassandraWriter{}
	if version != 4 {
		s.refused++
		w.int(faultProtocol)
		w.text(fmt.Sprintf("Invalid or unsupported protocol version (%d); supported versions are (4/v4)", version))
		return opError, w
	}
	switch op {
	case opOptions:
		w.short(1)
		w.text("CQL_VERSION")
		w.short(1)
		w.text("3.4.4")
		return opSupported, w
	case opStartup, opRegister:
		return opReady, w
	}
	err := s.result(op, r, w)
	fault, told := err.(*cassandraFault) //nolint:errorlint // it is never wrapped
	if told {
		w.body = nil
		w.int(fault.code)
		w.text(fault.message)
		return opError, w
	}
	return opResult, w
}

// Kinds of results.
const (
	resultVoid     = 1
	resultRows     = 2
	resultKeyspace = 3
	resultPrepared = 4
)

func (s *cassandraServer) result(op byte, r *cassandraReader, w *cassandraWriter) error {
	switch op {
	case opQuery:
		cql := r.longText()
		if keyspace, isUse := strings.CutPrefix(cql, "USE "); isUse {
			name := strings.Trim(keyspace, `"; `)
			if name != "shop" {
				return invalid("Keyspace '%s' does not exist", name)
			}
			w.int(resultKeyspace)
			w.text(name)
			return nil
		}
		statement, err := s.parse(cql)
		if err != nil {
			return err
		}
		return s.run(statement, r.values(), w)
	case opPrepare:
		statement, err := s.parse(r.longText())
		if err != nil {
			return err
		}
		s.prepared = append(s.prepared, statement)
		w.int(resultPrepared)
		w.short(2)
		w.short(len(s.prepared) - 1)
		parameters := statement.parameters()
		w.int(1) // one table for all columns
		w.int(len(parameters))
		w.int(0) // no parameter is said to be a part of the key
		w.text("shop")
		w.text(statement.table.name)
		for _, c := range parameters {
			w.column(c)
		}
		if statement.verb == "SELECT" {
			w.metadata(statement.table.name, statement.columns)
		} else {
			w.int(4) // nothing is said of columns
			w.int(0)
		}
		return nil
	case opExecute:
		r.short()
		id := r.short()
		if id >= len(s.prepared) {
			return invalid("no statement is prepared as %d", id)
		}
		return s.run(s.prepared[id], r.values(), w)
	}
	return &cassandraFault{faultProtocol, fmt.Sprintf("no such request: %d", op)}
}

// cassandraReader reads a request's body.
type cassandraReader struct{ body []byte }

func (r *cassandraReader) take(n int) []byte {
	taken := r.body[:n]
	r.body = r.body[n:]
	return taken
}

func (r *cassandraReader) short() int { return int(binary.BigEndian.Uint16(r.take(2))) }
func (r *cassandraReader) longText() string {
	return string(r.take(int(binary.BigEndian.Uint32(r.take(4)))))
}

// values reads the parameters that come behind a statement.
func (r *cassandraReader) values() [][]byte {
	r.short() // consistency
	if flags := r.take(1)[0]; flags&1 == 0 {
		return nil
	}
	var all [][]byte
	for range r.short() {
		if n := int32(binary.BigEndian.Uint32(r.take(4))); n >= 0 {
			all = append(all, slices.Clone(r.take(int(n))))
		} else {
			all = append(all, nil)
		}
	}
	return all
}

// cassandraWriter writes a reply's body.
type cassandraWriter struct{ body []byte }

func (w *cassandraWriter) int(n int)   { w.body = binary.BigEndian.AppendUint32(w.body, uint32(n)) }
func (w *cassandraWriter) short(n int) { w.body = binary.BigEndian.AppendUint16(w.body, uint16(n)) }

func (w *cassandraWriter) text(s string) {
	w.short(len(s))
	w.body = append(w.body, s...)
}

func (w *cassandraWriter) bytes(raw []byte) {
	if raw == nil {
		w.int(-1)
		return
	}
	w.int(len(raw))
	w.body = append(w.body, raw...)
}

func (w *cassandraWriter) column(c cassandraColumn) {
	w.text(c.name)
	w.body = append(w.body, cassandraType(c.kind)...)
}

func (w *cassandraWriter) metadata(table string, columns []cassandraColumn) {
	w.int(1)
	w.int(len(columns))
	w.text("shop")
	w.text(table)
	for _, c := range columns {
		w.column(c)
	}
}

// cassandraType writes a type such as map<text, int>.
func cassandraType(kind string) []byte {
	w := &cassandraWriter{}
	name, inner, _ := strings.Cut(strings.TrimSuffix(kind, ">"), "<")
	simple := map[string]int{
		"ascii": 1, "bigint": 2, "blob": 3, "boolean": 4, "decimal": 6, "double": 7, "float": 8, "int": 9, "timestamp": 0xb, "uuid": 0xc, "text": 0xd,
		"varint": 0xe, "timeuuid": 0xf, "inet": 0x10, "date": 0x11, "time": 0x12, "smallint": 0x13, "tinyint": 0x14,
		"list": 0x20, "map": 0x21, "set": 0x22, "address": 0x30, "tuple": 0x31,
	}
	w.short(simple[name])
	var parts []string
	if inner != "" {
		parts = strings.Split(inner, ", ")
	}
	if name == "tuple" {
		w.short(len(parts))
	}
	for _, part := range parts {
		w.body = append(w.body, cassandraType(part)...)
	}
	if name == "address" { // a user-defined type
		w.text("shop")
		w.text("address")
		w.short(2)
		w.column(cassandraColumn{"street", "text"})
		w.column(cassandraColumn{"number", "int"})
	}
	return w.body
}

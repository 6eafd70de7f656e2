package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// wire is one kept-alive HTTP/1.1 connection that sends the same request again and again. It costs a fraction of
// net/http's client, so that on a machine with few cores more of the time measured is the server's.
type wire struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
	body    []byte // of the last reply; valid until the next
}

// answerTime bounds how long a reply may take.
const answerTime = 10 * time.Second

// requestOf is a request as it goes over the wire, with headers such as "X-A: 1". An empty body is none.
func requestOf(method, address, path, body string, headers ...string) []byte {
	head := method + " " + path + " HTTP/1.1\r\nHost: " + address + "\r\n"
	for _, line := range headers {
		head += line + "\r\n"
	}
	if body != "" {
		head += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	return []byte(head + "\r\n" + body)
}

func dial(ctx context.Context, address string, request []byte) (*wire, error) {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, in: bufio.NewReader(conn), request: request}, nil
}

func (w *wire) close() { _ = w.conn.Close() }

// roundTrip sends the request and gives the reply's status and body.
func (w *wire) roundTrip() (int, []byte, error) {
	if err := w.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, nil, err
	}
	if _, err := w.conn.Write(w.request); err != nil {
		return 0, nil, err
	}
	return w.read()
}

// read takes one reply from the connection, whose length must be said.
func (w *wire) read() (status int, body []byte, err error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, nil, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("%q is no status line", line)
	}
	length := -1
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if len(name) == len("Content-Length") && strings.EqualFold(string(name), "Content-Length") {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, fmt.Errorf("%q is no length", line)
			}
		}
	}
	if length < 0 {
		return 0, nil, errors.New("a reply without Content-Length")
	}
	w.body = append(w.body[:0], make([]byte, length)...)
	_, err = io.ReadFull(w.in, w.body)
	return status, w.body, err
}

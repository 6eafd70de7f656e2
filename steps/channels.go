package steps

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

func channelSteps() []Step {
	return []Step{
		given(`a free address "{name}"`, "An address of this machine where nothing listens, such as 127.0.0.1:35155, for a channel with a port of its own. Definitions name it as ${NAME}, steps as #NAME.",
			`a free address "ORDERS_ADDRESS"`, freeAddress),
		given(`a folder "{name}"`, "A folder that the cluster's servers see, without files, for a channel that picks files up. Definitions name it as ${NAME}, steps as #NAME. It comes after the step that starts the cluster.",
			`a folder "ORDERS_FOLDER"`, sharedFolder),
		when(`"{message}" is pushed to ZeroMQ address "{address}"`, "Sends that text, as a PUSH socket that connects. Where nobody listens yet, it is tried for 20 seconds.",
			`"{"id": 7}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"`, pushMessage),
		when(`file "{file}" is copied into folder "{folder}"`, "A file beside the feature file, or above it; into a folder of the step: Given a folder.",
			`file "orders.csv" is copied into folder "#ORDERS_FOLDER"`, copyIntoFolder),
		then(`folder "{folder}" holds file "{path}"`, "The folder, or one in it, holds that file.", `folder "#ORDERS_FOLDER" holds file "done/orders.csv"`, assertHolds),
		then(`folder "{folder}" does not hold file "{path}"`, "The folder has no such file.", `folder "#ORDERS_FOLDER" does not hold file "orders.csv"`, assertHoldsNot),
		then(`file "{path}" of folder "{folder}" contains "{text}"`, "The text occurs in that file.",
			`file "failed/orders.csv.error" of folder "#ORDERS_FOLDER" contains "no such customer"`, assertFileContains),
	}
}

// name keeps what definitions may name, for all scenarios of the file: the definitions are imported once.
func (w *World) name(name string, make func() (string, error)) error {
	value, ok := w.file.named[name]
	if !ok {
		var err error
		if value, err = make(); err != nil {
			return err
		}
		w.file.named[name] = value
	}
	w.Store(name, value)
	return nil
}

func freeAddress(ctx context.Context, w *World, a Args) error {
	return w.name(a.Text(0), func() (string, error) {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		return l.Addr().String(), l.Close()
	})
}

func sharedFolder(_ context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	folder := filepath.Join(c.Dir(), "shared", filepath.Base(a.Text(0)))
	return errors.Join(os.MkdirAll(folder, 0o755), withoutFiles(folder), w.name(a.Text(0), func() (string, error) { return folder, nil }))
}

// withoutFiles removes the files of a folder and of those in it: what a scenario before has left. Hidden ones stay.
func withoutFiles(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		at := filepath.Join(folder, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			err = errors.Join(err, withoutFiles(at))
		default:
			err = errors.Join(err, os.Remove(at))
		}
	}
	return err
}

// pushTime bounds how long a message may take to reach its address.
const pushTime = 20 * time.Second

func pushMessage(ctx context.Context, _ *World, a Args) error {
	address := strings.TrimPrefix(a.Text(1), "tcp://")
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	for {
		tcp, socket, err := openPush(ctx, address)
		if err == nil {
			return push(tcp, socket, a.Text(0))
		}
		if wait(ctx, 50*time.Millisecond) != nil {
			return failf("the message could not be pushed to tcp://%s within %s: %v", address, pushTime, err)
		}
	}
}

func openPush(ctx context.Context, address string) (net.Conn, *zmq4.Conn, error) {
	var d net.Dialer
	tcp, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	until, _ := ctx.Deadline()
	err = tcp.SetDeadline(until)
	if err == nil {
		var socket *zmq4.Conn
		if socket, err = zmq4.Open(tcp, null.Security(), zmq4.Push, nil, false, nil); err == nil {
			return tcp, socket, nil
		}
	}
	_ = tcp.Close() // nothing was sent
	return nil, nil, err
}

// push returns when the other side has read the message and ended the connection; one that does not end it has a second.
func push(tcp net.Conn, socket *zmq4.Conn, message string) error {
	defer func() { _ = tcp.Close() }()
	if err := socket.SendMsg(zmq4.NewMsgString(message)); err != nil {
		return err
	}
	if half, ok := tcp.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil && tcp.SetReadDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = io.Copy(io.Discard, tcp)
	}
	return nil
}

func copyIntoFolder(_ context.Context, w *World, a Args) error {
	text, _, err := w.read(a.Text(0))
	if err != nil {
		return err
	}
	to := filepath.Join(a.Text(1), path.Base(a.Text(0)))
	hidden := filepath.Join(a.Text(1), ".copy-"+path.Base(a.Text(0)))
	if err := os.WriteFile(hidden, text, 0o644); err != nil {
		return err
	}
	return os.Rename(hidden, to)
}

func assertHolds(_ context.Context, _ *World, a Args) error {
	_, err := os.Stat(filepath.Join(a.Text(0), a.Text(1)))
	if err == nil {
		return nil
	}
	return failf("folder %s does not hold file %s; it holds: %s", a.Text(0), a.Text(1), strings.Join(filesOf(a.Text(0)), ", "))
}

func assertHoldsNot(_ context.Context, _ *World, a Args) error {
	if _, err := os.Stat(filepath.Join(a.Text(0), a.Text(1))); err == nil {
		return failf("folder %s holds file %s", a.Text(0), a.Text(1))
	}
	return nil
}

// filesOf are the files of a folder and of those in it, hidden ones left out.
func filesOf(folder string) []string {
	var found []string
	for _, depth := range []string{"*", "*/*"} {
		names, _ := filepath.Glob(filepath.Join(folder, depth))
		for _, name := range names {
			if info, err := os.Stat(name); err == nil && !info.IsDir() {
				short, _ := filepath.Rel(folder, name)
				found = append(found, short)
			}
		}
	}
	return found
}

func assertFileContains(_ context.Context, _ *World, a Args) error {
	text, err := os.ReadFile(filepath.Join(a.Text(1), a.Text(0)))
	if err != nil {
		return failf("no file %s in folder %s; it holds: %s", a.Text(0), a.Text(1), strings.Join(filesOf(a.Text(1)), ", "))
	}
	if !strings.Contains(string(text), a.Text(2)) {
		return differs("file "+a.Text(0)+" does not contain the text", a.Text(2), string(text))
	}
	return nil
}

package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// Body says how a channel over HTTP reads the bodies of its requests.
type Body struct {
	Channel string        // its name, for messages
	Max     int64         // bytes
	Timeout time.Duration // within which ctx ends, for messages
}

const (
	// trustedLength is up to which Content-Length memory is set aside before any of the body is there.
	trustedLength = 64 << 10
	// skipTime is how long the rest of a body that nobody reads may take to arrive.
	skipTime = 500 * time.Millisecond
)

// Read is the body of r, up to the limit and ctx's deadline. A length over the limit is refused before anything is read.
// Its errors are *service.Error, of code TooLarge or Invalid.
func (b Body) Read(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > b.Max {
		skipRest(w)
		return nil, b.tooLarge(nil)
	}
	if r.ContentLength == 0 || r.Body == nil {
		return nil, nil
	}
	// A context cannot end a read, so its deadline moves the connection's. Past the body nobody may touch that any more:
	// the server watches the connection for the client's going.
	interrupt := http.NewResponseController(w)
	stop := context.AfterFunc(ctx, func() { _ = interrupt.SetReadDeadline(time.Unix(1, 0)) })
	raw, err := readAll(http.MaxBytesReader(w, r.Body, b.Max), r.ContentLength)
	stop()
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return raw, nil
	case errors.As(err, &over):
		skipRest(w)
		return nil, b.tooLarge(err)
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, service.Errorf(service.Invalid, "the request's body did not arrive within %s: %w", b.Timeout, err)
	}
	return nil, service.Errorf(service.Invalid, "the request's body could not be read: %w", err)
}

// skipRest bounds how long net/http waits for the rest of a body that nobody reads, before it sends the reply.
func skipRest(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(skipTime)) // a recorder has none
}

func (b Body) tooLarge(err error) error {
	return &service.Error{
		Code: service.TooLarge, Err: err, Message: fmt.Sprintf("the request's body is over the limit of %d bytes of channel %s", b.Max, b.Channel),
	}
}

// readAll reads exactly length bytes, or to the end where it is not known.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length > 0 && length <= trustedLength {
		raw := make([]byte, length)
		_, err := io.ReadFull(body, raw)
		return raw, err
	}
	var buf bytes.Buffer
	_, err := buf.ReadFrom(body)
	return buf.Bytes(), err
}

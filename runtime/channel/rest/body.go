package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// trustedLength is up to which Content-Length memory is set aside before any of the body is there.
const trustedLength = 64 << 10

// skipTime is how long the rest of a body that nobody reads may take to arrive.
const skipTime = 500 * time.Millisecond

// SkipBody is for a reply to a request whose body was not read to its end. net/http takes the rest of up to
// 256 KB before it sends the reply; this bounds how long it waits for that, and it closes the connection where
// the body does not come. It must not be called once the body was read to its end.
func SkipBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(skipTime)) // a recorder has none
	}
}

// readBody reads the body up to the channel's limit and ctx's deadline. A length over the limit is refused
// before anything is read.
func (c *rest) readBody(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > c.config.MaxBody {
		SkipBody(w, r)
		return nil, c.tooLarge(nil)
	}
	gzipped, err := codings(r.Header)
	if err != nil {
		SkipBody(w, r)
		return nil, err
	}
	if r.ContentLength == 0 || r.Body == nil {
		return nil, nil
	}
	// A context cannot end a read, so its deadline moves the connection's. Past the body nobody may touch that
	// any more: the server watches the connection for the client's going.
	interrupt := http.NewResponseController(w)
	stop := context.AfterFunc(ctx, func() { _ = interrupt.SetReadDeadline(time.Unix(1, 0)) })
	raw, err := readAll(http.MaxBytesReader(w, r.Body, c.config.MaxBody), r.ContentLength)
	stop()
	if err == nil && gzipped {
		return c.inflated(r, raw)
	}
	if err == nil {
		return raw, nil
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		SkipBody(w, r)
		return nil, c.tooLarge(err)
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, service.Errorf(service.Invalid, "the request's body did not arrive within %s: %w", c.config.Timeout.Std(), err)
	default:
		return nil, service.Errorf(service.Invalid, "the request's body could not be read: %w", err)
	}
}

// inflated is a body that came as gzip. The request is as if it had come as it is.
func (c *rest) inflated(r *http.Request, raw []byte) ([]byte, error) {
	plain, err := c.gzips.inflate(raw, c.config.MaxBody)
	switch {
	case errors.Is(err, errInflated):
		return nil, c.tooLarge(err)
	case err != nil:
		return nil, service.Errorf(service.Invalid, "the request's body is said to be gzip, and is not: %w", err)
	}
	delete(r.Header, "Content-Encoding")
	return plain, nil
}

func (c *rest) tooLarge(err error) error {
	return &service.Error{
		Code:    service.TooLarge,
		Message: "the request's body is over the limit of " + bytesText(c.config.MaxBody) + " of channel " + c.deps.Name,
		Err:     err,
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

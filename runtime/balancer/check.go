package balancer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Run checks the servers until ctx ends, then closes the connections kept to them.
func (b *Balancer) Run(ctx context.Context) error {
	// A new connection for each check: it also shows that the server accepts one.
	dialer := &net.Dialer{Timeout: b.o.DialTimeout}
	transport := &http.Transport{DisableKeepAlives: true, DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialTLS(ctx, dialer, network, address, b.o)
	}}
	client := &http.Client{Transport: transport, Timeout: b.o.CheckTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	var all sync.WaitGroup
	for _, s := range b.servers {
		all.Go(func() { b.watch(ctx, client, s) })
	}
	all.Wait()
	for _, s := range b.servers {
		s.transport.CloseIdleConnections()
	}
	return nil
}

func (b *Balancer) watch(ctx context.Context, client *http.Client, s *server) {
	good, bad := 0, 0
	var silent time.Time // since when checks have run out of time
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := b.check(ctx, client, s)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			good, bad = good+1, 0
			if good >= b.o.Rise {
				b.markUp(s)
			}
		} else {
			good, bad = 0, bad+1
			if bad >= b.o.Fall || errors.Is(err, errNotReady) || errors.Is(err, syscall.ECONNREFUSED) {
				b.markDown(s, err.Error())
			}
		}
		silent = b.breakOff(s, err, silent)
		if s.up.Load() {
			timer.Reset(b.o.CheckInterval)
		} else {
			timer.Reset(b.o.DownInterval)
		}
	}
}

// breakOff ends what is in flight on a server that has answered no check for a while, such as one that is
// paused. One that refuses connections, or says that it is not ready, may be at the end of its work. It gives
// since when the server is silent.
func (b *Balancer) breakOff(s *server, err error, since time.Time) time.Time {
	var late net.Error
	if !errors.As(err, &late) || !late.Timeout() {
		return time.Time{}
	}
	if since.IsZero() {
		return time.Now().Add(-b.o.CheckTimeout)
	}
	if !s.up.Load() && time.Since(since) >= b.o.Silence {
		if n := s.conns.cut(); n > 0 {
			b.o.Log.Warn("server is silent; its connections are closed", "server", s.Name, "connections", n)
		}
	}
	return since
}

// errNotReady is a server's own word that it takes no requests, such as while it starts or stops.
var errNotReady = errors.New("it answers that it is not ready")

func (b *Balancer) check(ctx context.Context, client *http.Client, s *server) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.scheme()+"://"+s.Address+b.o.Names.Prefix+"/ready", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1024))
	_ = res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusServiceUnavailable:
		return errNotReady
	default:
		return fmt.Errorf("%s answered %s", req.URL, res.Status)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
)

// open is the cluster's folder: from the first argument where a command takes one, else as --dir says.
func (o *options) open(arg string) (*folder.Folder, error) {
	if o.address != "" {
		return nil, usage(errors.New("this command works in the cluster's folder: give --dir in place of --address"))
	}
	if arg == "" {
		arg = o.dir
	}
	dir, err := folder.Find(arg)
	if err != nil {
		return nil, usage(err)
	}
	f, err := folder.Open(dir)
	return f, usage(err)
}

// How long a process that listens may take to answer a knock. Where every server is slow they get more time.
const (
	knockTime  = time.Second
	knockAgain = 5 * time.Second
)

// call invokes an internal service on the first server of the cluster that answers.
func (o *options) call(ctx context.Context, name string, in, out any) error {
	if o.address != "" {
		return o.callAt(ctx, name, in, out)
	}
	f, err := o.open("")
	if err != nil {
		return err
	}
	token, err := f.Token()
	if err != nil {
		return err
	}
	left := f.Cluster.Servers
	for _, patience := range []time.Duration{knockTime, knockAgain} {
		var silent []folder.Server
		for _, s := range left {
			switch knock(ctx, f, s.Admin, patience) {
			case answers:
				return admin.NewClient(s.Admin, token).Secured(f.AdminTLS(s.Admin)).Call(ctx, name, in, out)
			case listens:
				silent = append(silent, s)
				line(o.stderr, "parley: %s did not answer within %s", s.Name, patience)
			}
		}
		left = silent
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("no server of the cluster in %s answers; see %s", f.Dir, f.LogFile(left[0].Name))
	}
	return fmt.Errorf("no server of the cluster in %s is running; start it: parley start %s", f.Dir, f.Dir)
}

// dialSupervisor is a client of the process that holds the cluster, and whether it runs. One that runs and does not
// answer is an error.
func dialSupervisor(ctx context.Context, f *folder.Folder) (*admin.Client, bool, error) {
	token, err := f.Token()
	if err != nil {
		return nil, false, err
	}
	address := f.Cluster.Supervisor.Admin
	found := knock(ctx, f, address, knockAgain)
	if found == listens {
		return nil, true, fmt.Errorf("the supervisor of the cluster in %s listens on %s but did not answer within %s; see %s",
			f.Dir, address, knockAgain, f.LogFile("supervisor"))
	}
	return admin.NewClient(address, token).Secured(f.AdminTLS(address)), found == answers, nil
}

// presence is what was found at an address.
type presence int

const (
	absent  presence = iota // nobody listens
	listens                 // a connection can be made, but nobody answers on it: its process hangs, or was paused
	answers
)

// knock finds out whether an admin API is at address. A connection alone proves nothing: the system makes it for a
// process that was paused, too.
func knock(ctx context.Context, f *folder.Folder, address string, patience time.Duration) presence {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	scheme, secured := "http://", f.AdminTLS(address)
	if secured != nil {
		scheme = "https://"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+address+admin.Path, nil)
	if err != nil {
		return absent
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: secured}}
	res, err := client.Do(req)
	switch {
	case err == nil:
		_ = res.Body.Close() // that there is an answer says all
		return answers
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return listens
	default:
		return absent
	}
}

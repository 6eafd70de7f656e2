package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
)

// elsewhere is a server of another machine that shares the database.
type elsewhere struct {
	Name        string    `json:"name"`
	Address     string    `json:"address"` // host:port as its own machine knows it
	Admin       string    `json:"admin"`   // likewise
	SeenAt      time.Time `json:"seen_at"`
	Counts      bool      `json:"counts"` // neither silent for 6 s nor draining
	Draining    bool      `json:"draining"`
	Revision    int64     `json:"revision"`
	Hash        string    `json:"hash"`
	Quarantined []struct {
		Object string `json:"object"`
		Error  string `json:"error"`
	} `json:"quarantined"`
	Problem string `json:"problem"`
}

func (e elsewhere) state() string {
	switch {
	case e.Draining:
		return "draining"
	case e.Counts:
		return "up"
	default:
		return "silent"
	}
}

// readElsewhere asks the servers here, until one answers, for those that are not. While the database is away nobody knows,
// and one is enough to say so.
func readElsewhere(ctx context.Context, f *folder.Folder, here []serverStatus, token string) []elsewhere {
	ours := map[string]bool{}
	for _, s := range here {
		ours[s.Name] = true
	}
	for _, s := range here {
		if s.State != "up" && s.State != "draining" {
			continue
		}
		var all []elsewhere
		asked, cancel := context.WithTimeout(ctx, 2*time.Second)
		server := admin.NewClient(s.Admin, token).Secured(f.AdminTLS(s.Admin))
		err := server.Call(asked, "parley.cluster.members", struct{}{}, &all)
		server.CloseIdle()
		cancel()
		if err == nil {
			return slices.DeleteFunc(all, func(e elsewhere) bool { return ours[e.Name] })
		}
		if errors.Is(asked.Err(), context.DeadlineExceeded) || service.AsError(err).Code == service.Unavailable {
			return nil
		}
	}
	return nil
}

// differing says which servers serve other content than most at the same revision do.
func differing(here []serverStatus, there []elsewhere) []string {
	at := map[int64]map[string][]string{} // revision, hash: names
	add := func(revision int64, hash, name string) {
		if hash == "" {
			return // it tells nothing
		}
		if at[revision] == nil {
			at[revision] = map[string][]string{}
		}
		at[revision][hash] = append(at[revision][hash], name)
	}
	for _, s := range here {
		add(s.Revision, s.Hash, s.Name)
	}
	for _, s := range there {
		if s.Counts {
			add(s.Revision, s.Hash, s.Name)
		}
	}
	var out []string
	for _, revision := range slices.Sorted(maps.Keys(at)) {
		for _, names := range at[revision] {
			slices.Sort(names)
		}
		groups := slices.SortedFunc(maps.Values(at[revision]), func(a, b []string) int {
			return cmp.Or(cmp.Compare(len(b), len(a)), slices.Compare(a, b))
		})
		for _, group := range groups[1:] {
			out = append(out, fmt.Sprintf("%s: other content than %s at revision %d; restart it with parley stop and parley start: it then reads all of the catalog",
				strings.Join(group, ", "), strings.Join(groups[0], ", "), revision))
		}
	}
	return out
}

// writeElsewhere lists servers under a title.
func writeElsewhere(w io.Writer, title string, servers []elsewhere) {
	if len(servers) == 0 {
		return
	}
	line(w, "")
	rows := make([][]string, len(servers))
	for i, s := range servers {
		rows[i] = []string{s.Name, s.state(), s.Address, s.SeenAt.UTC().Format(time.TimeOnly) + " UTC", strconv.FormatInt(s.Revision, 10), s.Hash}
	}
	table(w, []string{"  " + title, "STATE", "ADDRESS", "SEEN", "REVISION", "CONTENT"}, indent(rows))
	for _, s := range servers {
		for _, q := range s.Quarantined {
			line(w, "  %s does not run %s: %s", s.Name, q.Object, q.Error)
		}
		if s.Problem != "" {
			line(w, "  %s cannot follow the catalog: %s", s.Name, s.Problem)
		}
	}
}

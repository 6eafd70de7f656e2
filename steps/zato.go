package steps

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

func zatoSteps() []Step { return slices.Concat(zatoUploadSteps(), zatoSocketSteps()) }

func zatoUploadSteps() []Step {
	return []Step{
		given(`I store "{cluster_id}" "{url_path}" "{username}" "{password}" under Zato "{conn_name}"`,
			"Keeps where services of a Zato cluster are uploaded to: a URL, or a path behind the address.",
			`I store "1" "http://127.0.0.1:11223/zato/json/zato.service.upload-package" "pubapi" "secret" under Zato "conn"`, storeZato),
		when(`I upload a Zato service from "{module_path}" to "{conn_name}"`, "Uploads a file as a Zato service; Zato must answer 200.",
			`I upload a Zato service from "my_service.py" to "#conn"`, uploadZato),
	}
}

// The parts of a stored connection, by the names that zato-apitest gives them.
const (
	zatoCluster  = "cluster_id"
	zatoURL      = "url_path"
	zatoUser     = "username"
	zatoPassword = "password"
)

func storeZato(_ context.Context, w *World, a Args) error {
	conn := newObject()
	for i, name := range []string{zatoCluster, zatoURL, zatoUser, zatoPassword} {
		conn.set(name, a.Value(i))
	}
	w.suite.mask.Add("zato_password", a.Text(3))
	w.Store(a.Text(4), conn)
	return nil
}

// zatoConn is a stored connection, given as #name, or by its name alone.
func (w *World) zatoConn(given any) (*object, error) {
	if name, isName := given.(string); isName {
		given = w.vars[name]
	}
	conn, ok := given.(*object)
	if !ok || conn.values[zatoURL] == nil {
		return nil, errors.New(`this is no connection to Zato; keep one with: Given I store "cluster_id" "url_path" "username" "password" under Zato "conn", and name it "#conn"`)
	}
	return conn, nil
}

func uploadZato(ctx context.Context, w *World, a Args) error {
	conn, err := w.zatoConn(a.Value(1))
	if err != nil {
		return err
	}
	code, err := w.module(a.Text(0))
	if err != nil {
		return err
	}
	target := textOf(conn.values[zatoURL])
	if !strings.Contains(target, "://") {
		address, err := w.addressOf(0)
		if err != nil {
			return err
		}
		target = address + target
	}
	payload := newObject()
	payload.set("cluster_id", conn.values[zatoCluster])
	payload.set("payload", base64.StdEncoding.EncodeToString(code))
	payload.set("payload_name", path.Base(filepath.ToSlash(a.Text(0))))
	// Zato takes the service in the body of a GET.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, requote(target), bytes.NewReader(encodeJSON(payload, "")))
	if err != nil {
		return fmt.Errorf("the URL of the connection: %w", err)
	}
	req.SetBasicAuth(textOf(conn.values[zatoUser]), textOf(conn.values[zatoPassword]))
	req.Header.Set("Content-Type", typeJSON)
	req.Header.Set("User-Agent", w.suite.options.UserAgent)
	e, err := exchange(w.session(), req, w.suite.largest())
	if err != nil {
		w.last = e
		return err
	}
	if e.Status != http.StatusOK {
		w.last = e
		return differs(fmt.Sprintf("Zato did not take %s", a.Text(0)), plain(statusText(http.StatusOK)), plain(statusText(e.Status)))
	}
	return nil
}

// module is a file that a step names: as other files are found, or as zato-apitest finds it, from the working folder.
func (w *World) module(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		text, _, err := w.read(name)
		if err == nil {
			return text, nil
		}
		if text, here := w.readFile(name); here == nil {
			return text, nil
		}
		return nil, err
	}
	return w.readFile(name)
}

package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"

	"github.com/parley-run/parley/uplot"
)

// files are what browsers load; uPlot comes beside them.
//
//go:embed assets
var files embed.FS

type asset struct {
	body        []byte
	contentType string
	version     string // changes with the body; addresses carry it, so that browsers may keep what they have
}

func loadAssets() (map[string]asset, error) {
	out := map[string]asset{}
	add := func(name string, body []byte) {
		sum := sha256.Sum256(body)
		out[name] = asset{body, typeOf(path.Ext(name)), base64.RawURLEncoding.EncodeToString(sum[:9])}
	}
	add("uplot.js", []byte(uplot.Script()))
	add("uplot.css", []byte(uplot.Style()))
	add("uplot.LICENSE", []byte(uplot.Licence()))
	err := fs.WalkDir(files, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		add(path.Base(name), body)
		return nil
	})
	return out, err
}

func (d *Dashboard) serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := d.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.contentType)
	if r.URL.Query().Get("v") == a.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(a.body)))
	_, _ = w.Write(a.body) // the browser may have gone
}

// address is where an asset is, for templates.
func (d *Dashboard) address(name string) (string, error) {
	a, ok := d.assets[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return "/assets/" + name + "?v=" + a.version, nil
}

// typeOf does not ask the machine's own table, which may say anything.
func typeOf(extension string) string {
	switch extension {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "text/plain; charset=utf-8"
	}
}

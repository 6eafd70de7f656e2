package steps_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// zatoSample is the reply to /sample: a value of each kind that an assertion may meet.
const zatoSample = `{"text": "Sean O'Brien", "empty": "", "blank": " ", "word": "abc", "int": 1, "zero": 0, "negative": -7,
"big": 12345678901234567890, "float": 1.5, "whole": 1.0, "exponent": 1e3, "true": true, "false": false, "null": null,
"list": ["a", "b", "c"], "numbers": [1, 2, 3], "mixed": ["a", 1, null, false, {"n": 2}, [5]], "empty_list": [],
"dict": {"a": {"c": null}, "b": [10, 20]}, "empty_dict": {}, "objects": [{"n": 1}, {"n": 2, "m": "x"}], "nested": [[1, 2], [3]],
"a/b": "slash", "m~n": "tilde", "": "no name", "0": "zero", "unicode": "Zażółć", "comma": "a,b", "quoted": "say \"hi\"", "digit": "1",
"float_text": "1.5", "yes": "true", "code": "16J", "checked": "16JD", "dashed": "16-J-D", "lower": "i6jd", "wrong": "16JE", "foreign": "1!6",
"marked": "16U", "date": "2020-03-04T05:06:07"}`

// zatoXML is the reply to /xml.
const zatoXML = `<?xml version="1.0" encoding="UTF-8"?>
<o:order xmlns:o="urn:orders" xmlns:x="urn:extra" version="2"><o:id>1</o:id><o:name x:kind="short">Sean</o:name>` +
	`<o:price>1.50</o:price><o:spaced> 7 </o:spaced><o:mixed>before<o:b>bold</o:b>after</o:mixed><o:holder><o:inner>in</o:inner></o:holder>` +
	`<x:note/><o:full></o:full><o:blank> </o:blank><o:cdata><![CDATA[a<b]]></o:cdata><o:unicode>Zażółć</o:unicode><o:type>B</o:type><o:line>a</o:line><o:line>b</o:line><plain>p</plain></o:order>`

// zatoServer is the API that the features in testdata/zato speak to. Its replies depend on the request alone.
func zatoServer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/sample", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Server", "sample/1")
		h.Set("X-Text", "Hello World")
		h.Set("X-Empty", "")
		h["X-Many"] = []string{"one", "two"}
		_, _ = io.WriteString(w, zatoSample)
	})
	mux.HandleFunc("/xml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, zatoXML)
	})
	mux.HandleFunc("/echo", zatoEcho)
	mux.HandleFunc("/echo/", zatoEcho)
	mux.HandleFunc("/back", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/say", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", q.Get("type"))
		if status, err := strconv.Atoi(q.Get("status")); err == nil {
			w.WriteHeader(status)
		}
		_, _ = io.WriteString(w, q.Get("body"))
	})
	mux.HandleFunc("/auth", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		user, password, there := r.BasicAuth()
		if user != "ann" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = fmt.Fprintf(w, `{"given": %t, "user": %q}`, there, user)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/kept", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/echo", http.StatusTemporaryRedirect)
	})
	return mux
}

// zatoEcho tells what was sent, less the headers that every client writes in its own way.
func zatoEcho(w http.ResponseWriter, r *http.Request) {
	told := map[string]any{"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "raw_path": r.URL.EscapedPath()}
	headers, values := map[string]string{}, map[string][]string{}
	for name := range r.Header {
		headers[name] = strings.Join(r.Header[name], ", ")
	}
	delete(headers, "Connection")
	if kind, _, _ := strings.Cut(headers["Content-Type"], ";"); kind == "multipart/form-data" {
		headers["Content-Type"] = kind
		delete(headers, "Content-Length")
	}
	told["headers"] = headers
	if err := r.ParseMultipartForm(1 << 20); err == nil {
		told["values"], told["files"] = r.MultipartForm.Value, zatoFiles(r)
	} else {
		body, _ := io.ReadAll(r.Body)
		if len(body) == 0 && len(r.PostForm) > 0 {
			values = r.PostForm
		}
		told["body"], told["form"] = string(body), values
		var tree any
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber() // 1.0 is told as 1.0
		if decoder.Decode(&tree) == nil {
			told["json"] = tree
		}
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(told)
}

// zatoFiles are the files of a multipart request: name, file name and content.
func zatoFiles(r *http.Request) map[string]any {
	files := map[string]any{}
	for name, list := range r.MultipartForm.File {
		for _, file := range list {
			content, err := file.Open()
			if err != nil {
				continue
			}
			text, _ := io.ReadAll(content)
			_ = content.Close()
			files[name] = map[string]string{"name": file.Filename, "content": string(text)}
		}
	}
	return files
}

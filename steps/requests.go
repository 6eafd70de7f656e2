package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strings"
)

// The formats of requests and replies.
const (
	formatJSON = "JSON"
	formatXML  = "XML"
	formatRaw  = "RAW"
	formatForm = "FORM"
)

func requestSteps() []Step {
	method := given(`HTTP method "{method}"`, "GET, POST, PUT, DELETE or another; GET where nothing is said. $, # and @ mean nothing in it.",
		`HTTP method "POST"`, setMethod)
	method.Literal = true
	rest := given(`REST method "{method}"`, "The HTTP method of the request, in the words of zato-apitest 24.10.", `REST method "POST"`, setMethod)
	rest.Literal = true
	onServer := when(`the URL is invoked on server {n}`, "Sends the request to one server of the cluster, past the balancer.",
		`the URL is invoked on server 2`, invokeOn)
	onServer.Shares = true
	return []Step{
		given(`address "{address}"`, "Where the API is: http:// or https://, the machine's name and its port. In a scenario with a cluster it is the cluster's balancer, unless said.",
			`address "http://127.0.0.1:11223"`, setAddress),
		given(`URL path "{url_path}"`, "What stands behind the address, with the slash it begins with; / where nothing is said.", `URL path "/tutorial/first-service"`, setPath),
		given(`query string "{query_string}"`, "What stands behind the URL path, with the question mark it begins with.", `query string "?page=2"`, setQuery),
		method, rest,
		given(`format "{format}"`, "How bodies are written, in requests and replies: JSON, XML, RAW (text as it is) or FORM (a web form). Another word is an error, for nothing could be sent in it.",
			`format "JSON"`, setFormat),
		given(`request format "{format}"`, "The format of requests, and of replies where none is said for these: the same as the step format \"JSON\".", `request format "RAW"`, setFormat),
		given(`response format "{format}"`, "The format of replies, where it is another than that of requests.", `response format "JSON"`, setResponseFormat),
		given(`header "{header}" "{value}"`, "A header of requests, in the place of one of that name said before. The Content-Type of JSON and of forms is theirs, whatever is said.",
			`header "X-Client" "branch 7"`, setHeader),
		given(`user agent is "{value}"`, "The header User-Agent of requests, which says what program sends them.", `user agent is "curl/8"`, setUserAgent),
		given(`Basic Auth "{username}" "{password}"`, "A user's name and password, sent with each request.", `Basic Auth "joe" "secret"`, setBasicAuth),
		given(`request is "{data}"`, "The body to send, as it stands here.", `request is "{"cust_id": 123, "cust_type": "A"}"`, setRequest),
		given(`request "{path}"`, "The body to send, from a file in the folder json/request (xml/request, raw/request, form/request) beside the feature file or above it.",
			`request "details.json"`, setRequestFile),
		given(`request is a text of {count} bytes`, "A body of so many bytes; in the format JSON it is one text of JSON.", `request is a text of 100000 bytes`, setLargeRequest),
		given(`there is no request body`, "From here on no body is sent.", `there is no request body`, dropRequest),
		when(`the URL is invoked`, "Sends the request and reads the reply. Redirects are followed.", `the URL is invoked`, invoke),
		onServer,
		when(`the URL is invoked in the background`, "Sends the request and goes on at once, without its reply.", `the URL is invoked in the background`, invokeLater),
		when(`the background reply has arrived`, "Waits for the reply to the request in the background; later steps look at it.", `the background reply has arrived`, awaitReply),
		when(`this scenario is invoked`, "Does nothing: for scenarios that send no request, and yet read as others do.", `this scenario is invoked`, doNothing),
		when(`this step is invoked`, "Does nothing, as `this scenario is invoked`.", `this step is invoked`, doNothing),
		then(`I proceed further`, "Does nothing: for scenarios that only prepare what others need.", `I proceed further`, doNothing),
		then(`context is cleaned up`, "Forgets all that was said, stored values included, as at the beginning of a scenario.", `context is cleaned up`, cleanUp),
	}
}

func setAddress(_ context.Context, w *World, a Args) error {
	w.address = a.Text(0)
	w.suite.mask.url(w.address)
	return nil
}

func setPath(_ context.Context, w *World, a Args) error {
	w.path = a.Text(0)
	w.suite.mask.url(w.path)
	return nil
}

func setQuery(_ context.Context, w *World, a Args) error {
	w.query = a.Text(0)
	w.suite.mask.url(w.query)
	return nil
}

// setMethod takes it in capitals, as zato-apitest's client library sends it.
func setMethod(_ context.Context, w *World, a Args) error {
	w.method = strings.ToUpper(a.Text(0))
	return nil
}

// knownFormat reads a format, in any case. zato-apitest takes other words too, and then sends no body and tells nobody:
// the scenario would test something else than it says, so another word is an error here.
func knownFormat(text string) (string, error) {
	switch f := strings.ToUpper(text); f {
	case formatJSON, formatXML, formatRaw, formatForm:
		return f, nil
	}
	return "", fmt.Errorf("format %q is not known; there are JSON, XML, RAW and FORM", text)
}

func setFormat(_ context.Context, w *World, a Args) error {
	format, err := knownFormat(a.Text(0))
	if err == nil {
		w.requestFormat = format
	}
	return err
}

func setResponseFormat(_ context.Context, w *World, a Args) error {
	format, err := knownFormat(a.Text(0))
	if err == nil {
		w.responseFormat = format
	}
	return err
}

func setHeader(_ context.Context, w *World, a Args) error { return w.setHeader(a.Text(0), a.Text(1)) }

func setUserAgent(_ context.Context, w *World, a Args) error {
	return w.setHeader("User-Agent", a.Text(0))
}

func (w *World) setHeader(name, value string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
		return fmt.Errorf("%q is no name of a header: it may have letters, digits and - only", name)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == '\x7f' }) {
		return fmt.Errorf("header %q cannot be %q: line ends and control characters cannot be sent in a header", name, value)
	}
	w.suite.mask.header(name, value)
	w.header.Set(name, value)
	if strings.EqualFold(name, "Content-Type") {
		w.typed = ""
	}
	return nil
}

func setBasicAuth(_ context.Context, w *World, a Args) error {
	w.suite.mask.basic(a.Text(0), a.Text(1))
	r := http.Request{Header: w.header}
	r.SetBasicAuth(a.Text(0), a.Text(1))
	return nil
}

func setRequest(_ context.Context, w *World, a Args) error { return w.setBody([]byte(a.Text(0))) }

// setBody takes a body of the request's format. A form's takes the place of its parameters and files.
func (w *World) setBody(raw []byte) error {
	body := payload{given: true}
	switch w.requestFormat {
	case formatJSON:
		tree, err := decodeOwn(raw)
		if err != nil {
			return fmt.Errorf("the request is %w", err)
		}
		body.json = tree
	case formatXML:
		doc, err := parseXML(raw)
		if err != nil {
			return fmt.Errorf("the request is %w", err)
		}
		body.xml, body.raw = doc, bytes.Clone(raw)
	case "":
		return errNoFormat
	default:
		body.raw = raw
	}
	if w.requestFormat == formatForm {
		w.form = form{}
	}
	w.payload = body
	return nil
}

// errNoFormat is the fault of a body before there is a format.
var errNoFormat = errors.New(`say what the request is first, with: format "JSON" (or XML, RAW, FORM)`)

func setRequestFile(_ context.Context, w *World, a Args) error {
	if w.requestFormat == "" {
		return errNoFormat
	}
	// zato-apitest looks in the folder of the response format, where one is said.
	text, found, err := w.dataFile(a.Text(0), "request", w.requestFormat, w.responseFormat)
	if err != nil {
		return err
	}
	if err := w.setBody(text); err != nil {
		return fmt.Errorf("%s: %w", found, err)
	}
	return nil
}

// dataFile reads a file of a project's data: the first that there is in the folders of these formats, such as
// json/request. Empty formats are passed over; an absolute path is taken as it is.
func (w *World) dataFile(name, direction string, formats ...string) (text []byte, found string, err error) {
	if filepath.IsAbs(name) {
		text, err = w.readFile(name)
		return text, name, err
	}
	var fault error
	tried := map[string]bool{}
	for _, format := range formats {
		where := path.Join(strings.ToLower(format), direction, name)
		if format == "" || tried[where] {
			continue
		}
		tried[where] = true
		if text, found, err = w.read(where); err == nil {
			return text, found, nil
		}
		if fault != nil {
			err = fmt.Errorf("%w; %w", fault, err)
		}
		fault = err
	}
	return nil, "", fault
}

func setLargeRequest(_ context.Context, w *World, a Args) error {
	count, err := a.Int(0)
	if err != nil {
		return err
	}
	if count > int(largestReply) {
		return fmt.Errorf("a body of %d bytes is too large; it may have up to %d", count, largestReply)
	}
	if w.requestFormat == formatJSON {
		return w.setBody([]byte(`"` + strings.Repeat("x", max(0, count-2)) + `"`))
	}
	return w.setBody(bytes.Repeat([]byte("x"), count))
}

func dropRequest(_ context.Context, w *World, _ Args) error {
	if w.typed != "" {
		w.header.Del("Content-Type")
		w.typed = ""
	}
	w.payload, w.form = payload{}, form{}
	return nil
}

func doNothing(context.Context, *World, Args) error { return nil }

func cleanUp(_ context.Context, w *World, _ Args) error {
	w.forget()
	return nil
}

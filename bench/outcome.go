package bench

import (
	"net/http"
	"regexp"
)

// Outcome is what a client may conclude about one request.
type Outcome uint8

// The outcomes.
const (
	NotSent Outcome = iota // its turn never came: the run was broken off
	OK                     // a 2xx reply, read to its end
	Failed                 // a definite no: any other reply, or nothing of it was ever sent (the connection was refused)
	Unknown                // it was sent, and may have been executed or not: the connection died, the time ran out, or the reply says so
	Wrong                  // a reply of success that a check refused: it is not what the profile says that it must be
)

// Headers of replies that a run looks at.
const (
	headerServer  = "X-Parley-Server"  // which server answered
	headerOutcome = "X-Parley-Outcome" // "unknown": the balancer cannot tell whether a server executed the request
)

// Classify is the outcome of a request that got a reply of that status and header, read to its end, or, with status 0,
// none. neverSent: not one byte of it was written.
func Classify(status int, header http.Header, neverSent bool) Outcome {
	switch {
	case status == 0 && neverSent:
		return Failed
	case status == 0, header.Get(headerOutcome) == "unknown":
		return Unknown
	case status >= 200 && status < 300:
		return OK
	default:
		return Failed
	}
}

// noise matches what says nothing in an error: net/http's prefix, whose URL is the same for all, and the client's own
// address, which differs with every connection.
var noise = regexp.MustCompile(`^\w+ "[^"]*": |\S+:\d+->`)

// maxErrors bounds how many different errors a result names.
const maxErrors = 20

// errorCounts counts errors by their text.
type errorCounts map[string]int

func (e errorCounts) add(text string) {
	text = noise.ReplaceAllString(text, "")
	if _, known := e[text]; !known && len(e) >= maxErrors {
		text = "other errors"
	}
	e[text]++
}

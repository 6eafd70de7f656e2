// Package bench puts a steady load on an HTTP address, makes things happen meanwhile (a deploy, a kill), and says what
// that did to the requests: how long they took from when they were due, which were lost, doubled or of unknown
// outcome, and when a server that was killed got traffic again.
//
// Request n is due n/rate seconds after the start, whatever happened to those before it. Response time counts from then;
// service time from when the request was really sent; the difference is schedule lag. A target that stands still is thereby
// charged with every request that it made wait, also with those that could not be sent. When a reply arrived is what the
// kernel says of it, where that can be asked (Linux, HTTP/1.1): a generator that is held up by other work on the machine reads
// it later.
//
// Each request carries a number, {{id}} in its body, path or headers. Where the service keeps the numbers that it saw,
// the run compares: see [Executed].
package bench

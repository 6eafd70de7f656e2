package service

import (
	"errors"
	"fmt"
)

// Error is the only error whose text may reach a caller. Anything else becomes "internal error" and the CID.
type Error struct {
	Code    Code
	Status  int    // the protocol's own status where a service chose one; 0 goes by Code
	Message string // what is wrong, naming it
	Fix     string // what to do about it; may be empty
	Err     error  // for the log alone
	// Header is of the reply, where the protocol has such: a challenge, or when to try again. Keys are in canonical form.
	Header map[string][]string
	Bare   bool // the protocol's status says all: an HTTP channel sends no body
}

// InternalMessage is what callers are told of an error that is no *Error.
const InternalMessage = "internal error"

// Error is the message, with the fix behind it where there is one.
func (e *Error) Error() string {
	if e.Fix == "" {
		return e.Message
	}
	return e.Message + "; " + e.Fix
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// HTTPStatus is the status an HTTP channel answers.
func (e *Error) HTTPStatus() int {
	if e.Status != 0 {
		return e.Status
	}
	return e.Code.HTTPStatus()
}

// Errorf is an Error of that code; a %w among args becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), Err: errors.Unwrap(wrapped)}
}

// AsError is err's *Error. Anything else becomes one of code Internal that says no more than that: err stays
// its cause, for the log.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Message: InternalMessage, Err: err}
}

// Code classifies an Error; each channel maps it to its protocol (Invalid is 400 over HTTP).
type Code int

// The codes, with the status that an HTTP channel answers.
const (
	Internal        Code = iota // 500: a service failed
	Invalid                     // 400: the request is wrong
	Unauthenticated             // 401: nobody known asks
	Denied                      // 403: somebody known may not
	NotFound                    // 404
	NotAllowed                  // 405: not this method
	Conflict                    // 409: it clashes with what is there
	TooLarge                    // 413: the body is over the channel's limit
	TooMany                     // 429: asked too often
	Upstream                    // 502: a system that we call is down or answers nonsense
	Unavailable                 // 503: we cannot serve now, somebody may later
	Timeout                     // 504: the deadline passed
)

// HTTPStatus is the status an HTTP channel answers for c.
func (c Code) HTTPStatus() int {
	switch c {
	case Invalid:
		return 400
	case Unauthenticated:
		return 401
	case Denied:
		return 403
	case NotFound:
		return 404
	case NotAllowed:
		return 405
	case Conflict:
		return 409
	case TooLarge:
		return 413
	case TooMany:
		return 429
	case Upstream:
		return 502
	case Unavailable:
		return 503
	case Timeout:
		return 504
	default:
		return 500
	}
}

// CodeOfHTTPStatus is the code whose HTTPStatus is status, or the nearest of its class.
func CodeOfHTTPStatus(status int) Code {
	for c := Internal; c <= Timeout; c++ {
		if c.HTTPStatus() == status {
			return c
		}
	}
	if status >= 400 && status < 500 {
		return Invalid
	}
	return Internal
}

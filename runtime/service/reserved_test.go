package service_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/runtime/service"
)

func TestReserved(t *testing.T) {
	for path, want := range map[string]string{
		"/customers": "", "/parleys": "", "/zato.json": "", "/": "", "": "",
		"/zato/ping.plain_http.basic_auth": "", "/parley/ping.soap.wss": "",
		"/zato": "/zato/", "/zato/": "/zato/", "/zato/ping": "/zato/", "/zato/ping2": "/zato/", "/parley/ping.a/b": "/parley/",
		"/parley/openapi.json": "/parley/", "/zato-lb-alive": "/zato-lb-alive",
	} {
		assert.Equal(t, want, service.Reserved(path), path)
	}
}

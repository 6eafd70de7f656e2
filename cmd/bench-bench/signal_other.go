//go:build !unix

package main

import (
	"errors"
	"os"
)

func pause(*os.Process, bool) error {
	return errors.New("no process can be made to stand still on this system")
}

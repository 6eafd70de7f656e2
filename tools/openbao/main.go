// Bao is OpenBao, a vault that is a fork of HashiCorp Vault and answers as that does, for tests that look for it on PATH:
//
//	cd tools/openbao && go build -o ~/bin/bao .
//
// It is large: some hundred modules, and minutes to compile.
package main

import (
	"os"

	"github.com/openbao/openbao/command"
)

func main() { os.Exit(command.Run(os.Args[1:])) }

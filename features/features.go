// Package features holds the feature files that prove the product: the tutorial's story, hot deploy with its
// refusals, and formats. `apitest demo` runs the first two, and go test all.
package features

import "embed"

// Files are the feature files, and the services and definitions beside them.
//
//go:embed *.feature */*
var Files embed.FS

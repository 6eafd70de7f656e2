// Package features holds the feature files that prove the product: the tutorial's story, hot deploy with its
// refusals, formats, REST channels, hooks, and clients written for Zato. `apitest demo` runs the first two, and go test all.
package features

import "embed"

// Files are the feature files, and the services and definitions beside them.
//
//go:embed *.feature formats hooks raw rest zato
var Files embed.FS

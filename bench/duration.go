package bench

import "github.com/parley-run/parley/yamlfile"

// Duration is a time span: a number of seconds (10, 0.5), or a text with a unit ("500ms", "1m").
type Duration = yamlfile.Duration

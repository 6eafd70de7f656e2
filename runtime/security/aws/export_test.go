package aws

import (
	"time"

	"github.com/parley-run/parley/runtime/security"
)

// At has a definition sign as of a moment.
func At(d security.Definition, now time.Time) { d.(*definition).now = func() time.Time { return now } }

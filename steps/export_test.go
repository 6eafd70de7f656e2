package steps

import "time"

// RequestTimeout is how long a request of the suite may take.
func (s *Suite) RequestTimeout() time.Duration { return s.kept.Timeout }

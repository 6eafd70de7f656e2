package haproxy

import "context"

// Crypt lets a test compare our hashes with those of others.
func Crypt(password, salt string, rounds int) string { return sha256Crypt(password, salt, rounds) }

// Processes lets a test find what to kill.
func Processes(ctx context.Context, master string) (pid, worker int, err error) {
	p, err := listProcesses(ctx, master)
	return p.master, p.worker, err
}

package haproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// SocketDir is where the sockets of an HAProxy that belongs to dir are: dir, or where its path is too long for a
// socket or has signs that HAProxy gives a meaning, a folder of its own in the system's temporary one.
func SocketDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if badSocket(In(dir).Master) == "" {
		return dir, nil
	}
	sum := sha256.Sum256([]byte(dir))
	short := filepath.Join(os.TempDir(), "parley-"+strconv.Itoa(os.Getuid())+"-"+hex.EncodeToString(sum[:6]))
	if problem := badSocket(In(short).Master); problem != "" {
		return "", fmt.Errorf("HAProxy's sockets have no place, neither in %s nor in the temporary folder: %s; move the cluster's folder, or set TMPDIR", dir, problem)
	}
	return short, nil
}

// makeSocketDir makes what SocketDir gave for dir, and holds that it is nobody else's.
func makeSocketDir(sockets, dir string) error {
	if sockets == dir {
		return nil
	}
	if err := os.MkdirAll(sockets, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(sockets)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s is to hold HAProxy's sockets, and others may write there: remove it, or set TMPDIR to a folder of your own", sockets)
	}
	return nil
}

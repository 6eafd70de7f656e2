package haproxy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is one HAProxy that was started: its master.
type process struct {
	cmd   *exec.Cmd
	log   string
	begin int64         // of what it says, in log
	ended chan struct{} // closed when it has ended
	err   error         // then: how
}

// said is the end of what it wrote to the log, in lines of their own.
func (p *process) said() string {
	const most = 4096
	file, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.NewSectionReader(file, p.begin, 1<<20))
	raw = bytes.TrimSpace(raw)
	if err != nil || len(raw) == 0 {
		return ""
	}
	return "\n" + explain("", string(raw[max(0, len(raw)-most):]))
}

func (r *Runner) launch(front *os.File) (*process, error) {
	log, err := os.OpenFile(r.o.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	p := &process{log: r.o.LogFile, begin: begin, ended: make(chan struct{})}
	p.cmd = exec.Command(r.program.Path, "-W", "-S", r.o.Config.Sockets.Master+",mode,600", "-f", r.file) //nolint:noctx // ended by plan
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.ExtraFiles = []*os.File{front}
	p.cmd.SysProcAttr = attributes()
	started := make(chan error)
	go func() {
		defer close(p.ended)
		// Linux ends HAProxy with the thread that started it: this one stays for as long as HAProxy does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if p.err = p.cmd.Start(); p.err != nil {
			started <- p.err
			return
		}
		close(started)
		p.err = p.cmd.Wait()
	}()
	return p, <-started
}

// end ends HAProxy, whatever it does.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(endMost):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // its group: the workers too
		<-p.ended
	}
}

// fileOf is the socket of l, for another process.
func fileOf(l net.Listener) (*os.File, error) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("HAProxy is handed TCP sockets, not %T", l)
	}
	return tcp.File()
}

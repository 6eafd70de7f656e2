package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func clusterSteps() []Step {
	return []Step{
		given(`a cluster of {n} server(s)`, "Starts it, or takes the one of an earlier scenario of this file, its servers all up. Requests go to its balancer.",
			`a cluster of 2 servers`, startCluster),
		either(`server {n} is killed`, "Ends the server at once by SIGKILL, as a power cut would.", `server 1 is killed`, onServer("killed")),
		either(`server {n} is started`, "Starts the server, and waits until it is ready.", `server 1 is started`, onServer("started")),
		either(`server {n} is stopped`, "Stops the server as planned: it finishes what it has begun.", `server 1 is stopped`, onServer("stopped")),
		either(`server {n} is restarted`, "Stops the server as planned, and starts it again.", `server 1 is restarted`, onServer("restarted")),
		either(`all servers are restarted, one after the other`, "By parley restart --rolling: each is drained, finishes what it has begun, and is ready again before the next one's turn.",
			`all servers are restarted, one after the other`, restartRolling),
		either(`the servers are upgraded to "{program}"`, "By parley upgrade, one after the other in the same way: a path of another parley, or of a program of servers.",
			`the servers are upgraded to "$NEW_PARLEY"`, upgrade),
		then(`server {n} answers`, "It says that it is ready to serve.", `server 1 answers within 5 seconds`, assertAnswers),
		then(`server {n} does not answer`, "The server does not say that it is ready to serve, or is not there.", `server 1 does not answer`, assertSilent),
		then(`all servers are at the same revision`, "All are up, their content is the same, and nothing is quarantined.", `all servers are at the same revision`, assertSame),
		then(`the log of server {n} contains "{text}"`, "The text occurs in the log of that server.", `the log of server 1 contains "tutorial.star"`, assertLog),
		then(`the servers' logs contain "{text}"`, "The text occurs in the log of at least one server.", `the servers' logs contain "failing.star:4"`, assertLogs),
	}
}

func startCluster(ctx context.Context, w *World, a Args) error {
	n, err := a.Int(0)
	if err != nil {
		return err
	}
	_, err = w.file.ensureCluster(ctx, n)
	return err
}

func onServer(what string) func(context.Context, *World, Args) error {
	return func(ctx context.Context, w *World, a Args) error {
		c, err := w.cluster()
		if err != nil {
			return err
		}
		n, err := a.Int(0)
		if err != nil {
			return err
		}
		switch what {
		case "killed":
			return c.Kill(ctx, n)
		case "started":
			return c.StartServer(ctx, n)
		}
		if err := c.StopServer(ctx, n); err != nil || what == "stopped" {
			return err
		}
		return c.StartServer(ctx, n)
	}
}

func restartRolling(ctx context.Context, w *World, _ Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	return c.RestartRolling(ctx)
}

func upgrade(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	return c.Upgrade(ctx, a.Text(0))
}

func (w *World) ready(ctx context.Context, a Args) (answers bool, err error) {
	c, err := w.cluster()
	if err != nil {
		return false, err
	}
	n, err := a.Int(0)
	if err != nil {
		return false, err
	}
	if n < 1 || n > c.Servers() {
		return false, fmt.Errorf("there is no server %d: the cluster has servers 1 to %d", n, c.Servers())
	}
	why := c.Ready(ctx, n)
	if why == nil {
		return true, failf("server %d answers", n)
	}
	return false, failf("server %d does not answer: %v", n, why)
}

func assertAnswers(ctx context.Context, w *World, a Args) error {
	answers, err := w.ready(ctx, a)
	if answers {
		return nil
	}
	return err
}

func assertSilent(ctx context.Context, w *World, a Args) error {
	answers, err := w.ready(ctx, a)
	var asked *Failure
	if !answers && errors.As(err, &asked) {
		return nil
	}
	return err
}

func assertSame(ctx context.Context, w *World, _ Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	var lines []string
	same := true
	for _, server := range s.Servers {
		same = same && server.State == "up" && server.Revision == s.Revision && server.Hash == s.Servers[0].Hash && len(server.Quarantined) == 0
		lines = append(lines, fmt.Sprintf("%s is %s, at revision %d with content %s, quarantined: %s",
			server.Name, server.State, server.Revision, server.Hash, show(texts(server.Quarantined))))
	}
	if !same {
		return &Failure{What: "the servers are not at the same revision", Expected: fmt.Sprintf("all at revision %d", s.Revision), Got: strings.Join(lines, "\n")}
	}
	return nil
}

func assertLog(_ context.Context, w *World, a Args) error {
	n, err := a.Int(0)
	if err != nil {
		return err
	}
	return w.logged([]int{n}, a.Text(1))
}

func assertLogs(_ context.Context, w *World, a Args) error {
	all, err := w.serversOf("every server")
	if err != nil {
		return err
	}
	return w.logged(all, a.Text(0))
}

func (w *World) logged(servers []int, text string) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	var ends []string
	for _, n := range servers {
		log, err := c.Logs(n)
		if err != nil {
			return err
		}
		if strings.Contains(log, text) {
			return nil
		}
		lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
		ends = append(ends, fmt.Sprintf("%s, at its end: %s", c.ServerName(n), strings.Join(slices.Clone(lines[max(0, len(lines)-5):]), "\n")))
	}
	return &Failure{What: "the text is not in the log", Expected: text, Got: strings.Join(ends, "\n")}
}

package steps

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/parley-run/parley/fixtures"
)

// clusterSourceSteps say what a cluster is made of.
func clusterSourceSteps() []Step {
	return []Step{
		given(`a cluster of {n} server(s) {parts}`, "As the row above, with parts of other sources: embedded, installed (programs of this machine, PostgreSQL, redis-server and haproxy) or "+
			"in containers. What is named with no source is installed, what is not named embedded; where PostgreSQL, Redis and HAProxy are all in containers the servers are too. "+
			"\"in containers\" or \"installed\" alone is all of them. TLS among the parts has clients call by https. \", whose links can be cut\" may follow.",
			`a cluster of 3 servers with PostgreSQL, Redis and HAProxy in containers`, startClusterOf),
		given(`the cluster of "{file}"`, "Starts a cluster as a test cluster file says: see apitest cluster up --help.", `the cluster of "testcluster.yaml"`, startClusterFile),
	}
}

func startClusterOf(ctx context.Context, w *World, a Args) error {
	n, err := a.Int(0)
	if err != nil {
		return err
	}
	spec := w.suite.options.Spec
	spec.Servers = n
	if err := readParts(a.Text(1), &spec); err != nil {
		return err
	}
	_, err = w.file.ensureClusterOf(ctx, spec)
	return err
}

func startClusterFile(ctx context.Context, w *World, a Args) error {
	text, found, err := w.read(a.Text(0))
	if err != nil {
		return err
	}
	spec, err := fixtures.ParseSpec(found, text)
	if err != nil {
		return err
	}
	suite := w.suite.options.Spec
	spec.Binary, spec.Parent = suite.Binary, suite.Parent
	_, err = w.file.ensureClusterOf(ctx, spec)
	return err
}

const linksCanBeCut = "whose links can be cut"

var between = regexp.MustCompile(`\s*,\s*(?:and\s+)?|\s+and\s+`)

// readParts reads words such as "with PostgreSQL in a container and Redis installed" into a Spec.
func readParts(words string, s *fixtures.Spec) error {
	words = strings.ToLower(strings.TrimSpace(words))
	rest, cut := strings.CutSuffix(words, linksCanBeCut)
	rest = strings.TrimRight(rest, " ,")
	parts, with := strings.CutPrefix(rest, "with ")
	if source, known := sourceNamed(rest); !with && known {
		s.Source = source
		if cut {
			addLinks(s)
		}
		return nil
	}
	if !with {
		return fmt.Errorf("%q says no parts of a cluster; write for example: in containers, or: with PostgreSQL, Redis and HAProxy in containers", words)
	}
	var names []string // whose source comes behind them
	take := func(source fixtures.Source) error {
		for _, name := range names {
			if err := setPart(s, name, source); err != nil {
				return err
			}
		}
		names = nil
		return nil
	}
	for _, part := range between.Split(parts, -1) {
		if part == "tls" {
			s.TLS = true
			continue
		}
		name, source, said := partNamed(part)
		names = append(names, name)
		if said {
			if err := take(source); err != nil {
				return err
			}
		}
	}
	if err := take(fixtures.Installed); err != nil {
		return err
	}
	in := fixtures.Part{Source: fixtures.Containers}
	if s.Database == in && s.Redis == in && s.Balancer == in && s.On == "" {
		s.On = fixtures.Containers
	}
	if cut {
		addLinks(s)
	}
	return nil
}

func sourceNamed(words string) (fixtures.Source, bool) {
	switch words {
	case "in containers", "in a container":
		return fixtures.Containers, true
	case "installed":
		return fixtures.Installed, true
	case "embedded":
		return fixtures.Embedded, true
	}
	return "", false
}

// partNamed reads "redis in a container" or "installed redis".
func partNamed(words string) (name string, source fixtures.Source, said bool) {
	for _, ending := range []string{"in containers", "in a container", "installed", "embedded"} {
		if before, ok := strings.CutSuffix(words, " "+ending); ok {
			source, said = sourceNamed(ending)
			return strings.TrimSpace(before), source, said
		}
	}
	if first, after, ok := strings.Cut(words, " "); ok {
		if source, said = sourceNamed(first); said {
			return after, source, true
		}
	}
	return words, "", false
}

func setPart(s *fixtures.Spec, name string, source fixtures.Source) error {
	switch strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "the "), "a "), "an ") {
	case "postgresql", "database":
		s.Database = fixtures.Part{Source: source}
	case "redis":
		s.Redis = fixtures.Part{Source: source}
	case "haproxy", "balancer", "load-balancer":
		s.Balancer = fixtures.Part{Source: source}
	case "servers":
		s.On = source
	default:
		return fmt.Errorf("%q is no part of a cluster; there are servers, PostgreSQL, Redis and HAProxy, each installed, embedded or in containers", name)
	}
	return nil
}

// addLinks names every link that the cluster has.
func addLinks(s *fixtures.Spec) {
	for _, one := range []struct {
		link string
		part fixtures.Part
	}{{fixtures.LinkDatabase, s.Database}, {fixtures.LinkRedis, s.Redis}, {fixtures.LinkBalancer, s.Balancer}} {
		source := one.part.Source
		if source == "" && one.part.URL == "" {
			source = s.Source
		}
		if source != fixtures.Embedded && (source != "" || one.part.URL != "") {
			s.Links = append(s.Links, one.link)
		}
	}
	s.Links = append(s.Links, fixtures.LinkBackEnds)
}

// ensureClusterOf gives a cluster of that kind with all of it whole and up: the one that an earlier scenario left, else a new
// one.
func (f *File) ensureClusterOf(ctx context.Context, spec fixtures.Spec) (*fixtures.Cluster, error) {
	if f.cluster != nil && reflect.DeepEqual(f.spec, spec) {
		if err := f.mendStores(ctx); err != nil {
			return nil, err
		}
		return f.cluster, f.cluster.WaitUp(ctx)
	}
	if err := f.closeCluster(); err != nil {
		return nil, err
	}
	return f.startCluster(ctx, spec)
}

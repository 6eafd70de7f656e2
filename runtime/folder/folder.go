// Package folder is a cluster's folder on disk: the file that says what the cluster is made of, the secrets
// beside it, and where each part keeps its data.
//
//	DIR/cluster.yaml          servers, ports and addresses; people edit it
//	DIR/admin.token           0600; the bearer token of the admin APIs
//	DIR/secrets.key           0600; what the catalog's secrets are encrypted by
//	DIR/catalog.db            definitions and deployed services, unless they are in PostgreSQL
//	DIR/stats.db              statistics, likewise
//	DIR/redis.json            the embedded Redis, saved
//	DIR/weights.json          the weights of servers that have another one than 100
//	DIR/tls/                  the cluster's own certificate authority and the certificates of it, where there is one
//	DIR/haproxy.password      0600; the password of HAProxy's statistics page
//	DIR/run/supervisor.json   the process that runs the cluster, while it runs
//	DIR/bin/                  programs that servers were upgraded to, and which server runs which
//	DIR/logs/                 supervisor.log and a file for each server
//	DIR/server1/              what belongs to one server, its pickup folder first of all
//
// The folder is its owner's alone (0700): it holds the password's hash, tokens and users' data.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder is a cluster's folder, its cluster.yaml read and checked.
type Folder struct {
	Dir     string // absolute
	Cluster Cluster
}

// Open reads the cluster's folder dir. Faults of cluster.yaml come back together, each as
// file:line:column: message.
func Open(dir string) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(abs, clusterFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no cluster (it has no %s); make one with: parley quickstart create %s", dir, clusterFile, dir)
	}
	if err != nil {
		return nil, err
	}
	cluster, err := decode(path, raw)
	if err != nil {
		return nil, err
	}
	return &Folder{Dir: abs, Cluster: cluster}, nil
}

// Find is the folder of the cluster that a command is about: flag, else the environment variable PARLEY_DIR,
// else the current folder where it holds a cluster.yaml.
func Find(flag string) (string, error) {
	if flag != "" {
		return filepath.Abs(flag)
	}
	if env := os.Getenv("PARLEY_DIR"); env != "" {
		return filepath.Abs(env)
	}
	cwd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(cwd, clusterFile)); err != nil {
		return "", fmt.Errorf("which cluster? %s holds no %s; give the cluster's folder with --dir or PARLEY_DIR, or make one with: parley quickstart create DIR", cwd, clusterFile)
	}
	return cwd, nil
}

// Token is the bearer token of the admin APIs.
func (f *Folder) Token() (string, error) {
	path := filepath.Join(f.Dir, tokenFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("admin token: %s is missing; end the process that %s names, where there is one, and write a new token: (umask 077 && openssl rand -hex 32 > '%s')",
			path, f.SupervisorFile(), path)
	}
	if err != nil {
		return "", fmt.Errorf("admin token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if len(token) < 32 {
		return "", fmt.Errorf("admin token: %s holds %d characters, expected 32 or more; write a new one, such as of: openssl rand -hex 32", path, len(token))
	}
	return token, nil
}

// RedisURL is where services find their Redis, such as redis://127.0.0.1:16379/0.
func (f *Folder) RedisURL() string {
	if f.Cluster.Redis.URL != "" {
		return f.Cluster.Redis.URL
	}
	return "redis://" + f.Cluster.Redis.Embedded + "/0"
}

// Server is the server of that name. The error for an unknown name lists those that there are.
func (f *Folder) Server(name string) (Server, error) {
	known := make([]string, len(f.Cluster.Servers))
	for i, s := range f.Cluster.Servers {
		if s.Name == name {
			return s, nil
		}
		known[i] = s.Name
	}
	return Server{}, fmt.Errorf("cluster %q has no server %q; its servers are %s", f.Cluster.Name, name, strings.Join(known, ", "))
}

// BalancerURL is where clients call, such as http://127.0.0.1:11223.
func (f *Folder) BalancerURL() string {
	return scheme(f.FrontTLS().IsSet()) + f.Cluster.Balancer.Address
}

package folder

import "path/filepath"

// CatalogDB is the file of definitions and deployed services.
func (f *Folder) CatalogDB() string { return filepath.Join(f.Dir, "catalog.db") }

// SecretsFile holds the keys that the catalog's secrets are encrypted by. It is of the whole cluster: each machine has it.
func (f *Folder) SecretsFile() string { return filepath.Join(f.Dir, "secrets.key") }

// MembersDB is the file that says which servers there are and how far each has followed.
func (f *Folder) MembersDB() string { return filepath.Join(f.Dir, "servers.db") }

// StatsDB is the file of statistics.
func (f *Folder) StatsDB() string { return filepath.Join(f.Dir, "stats.db") }

// RedisFile is where the embedded Redis is saved.
func (f *Folder) RedisFile() string { return filepath.Join(f.Dir, "redis.json") }

// WeightsFile holds the weights of servers that have another one than the default.
func (f *Folder) WeightsFile() string { return filepath.Join(f.Dir, "weights.json") }

// HAProxyPassword is the file of the password of HAProxy's statistics page.
func (f *Folder) HAProxyPassword() string { return filepath.Join(f.Dir, "haproxy.password") }

// RunDir is where files are that are worthless once the cluster has stopped.
func (f *Folder) RunDir() string { return filepath.Join(f.Dir, "run") }

// path is one of cluster.yaml, which begins at the cluster's folder.
func (f *Folder) path(given string) string {
	if given == "" || filepath.IsAbs(given) {
		return given
	}
	return filepath.Join(f.Dir, given)
}

// ServerDir is what belongs to one server.
func (f *Folder) ServerDir(name string) string { return filepath.Join(f.Dir, name) }

// SnapshotFile is where a server keeps the catalog that it serves, for when PostgreSQL is away.
func (f *Folder) SnapshotFile(name string) string {
	return filepath.Join(f.ServerDir(name), "catalog.snapshot")
}

// Incoming is a server's pickup folder of services.
func (f *Folder) Incoming(name string) string {
	return filepath.Join(f.ServerDir(name), "pickup", "incoming", "services")
}

// BroughtFile is where a server remembers which definitions and services it brought into the catalog when it started.
func (f *Folder) BroughtFile(name string) string {
	return filepath.Join(f.ServerDir(name), "brought.json")
}

// HandledFile is where a server remembers which files of its pickup folder it has handled.
func (f *Folder) HandledFile(name string) string {
	return filepath.Join(f.ServerDir(name), "pickup", "handled.json")
}

// LogFile is the log of a server, or of "supervisor".
func (f *Folder) LogFile(name string) string { return filepath.Join(f.Dir, "logs", name+".log") }

// SupervisorFile says which process runs the cluster. It is there while the cluster is up.
func (f *Folder) SupervisorFile() string { return filepath.Join(f.Dir, "run", "supervisor.json") }

// ProgramsDir holds the programs that servers were upgraded to.
func (f *Folder) ProgramsDir() string { return filepath.Join(f.Dir, "bin") }

// ProgramsFile says which server runs which of them.
func (f *Folder) ProgramsFile() string { return filepath.Join(f.ProgramsDir(), "servers.json") }

// LockFile is locked by the process that runs the cluster, for as long as it lives.
func (f *Folder) LockFile() string { return filepath.Join(f.Dir, "run", "supervisor.lock") }

package kvdb

import (
	"fmt"
	"strings"
)

// blocks says whether a command may wait for data.
func blocks(cmd command) bool {
	switch cmd.name {
	case "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF":
		return true
	case "XREAD", "XREADGROUP":
		for _, w := range cmd.words {
			if s, ok := w.(string); ok && strings.EqualFold(s, "BLOCK") {
				return true
			}
		}
	}
	return false
}

// firstKey is the first key of a command that blocks, by which a Redis Cluster's node is found; "" where it has none.
func firstKey(cmd command) string {
	at := 1
	switch cmd.name {
	case "BLMPOP", "BZMPOP": // timeout numkeys key...
		at = 3
	case "XREAD", "XREADGROUP": // ... STREAMS key... id...
		at = len(cmd.words)
		for i, w := range cmd.words {
			if s, ok := w.(string); ok && strings.EqualFold(s, "STREAMS") {
				at = i + 1
				break
			}
		}
	}
	if at >= len(cmd.words) {
		return ""
	}
	return fmt.Sprint(cmd.words[at])
}

// refusedInCluster says why a command is not for services that use a Redis Cluster, or "". They are those without a key: one
// node of several would get them, and which one is chance.
func refusedInCluster(name string) string {
	family, _, _ := strings.Cut(name, " ")
	switch family {
	case "KEYS", "SCAN", "DBSIZE", "RANDOMKEY", "FLUSHDB", "FLUSHALL", "SWAPDB", "MOVE":
		return "it knows the keys of one node alone; keep a set of the keys that you want to find again"
	case "SCRIPT", "FUNCTION", "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO":
		return "scripts are loaded into one node alone; use eval"
	case "WAIT", "WAITAOF":
		return "it is about what its own connection wrote, and each command may go over another"
	case "CONFIG", "INFO", "CLIENT", "SLOWLOG", "LATENCY", "ACL", "MODULE", "PUBSUB", "DEBUG", "ROLE", "SAVE", "BGSAVE", "BGREWRITEAOF", "LASTSAVE",
		"SHUTDOWN", "REPLICAOF", "SLAVEOF", "FAILOVER":
		return "it is about one node alone; use redis-cli with that node's host and port"
	case "MEMORY":
		if name != "MEMORY USAGE" {
			return "it is about one node alone; use redis-cli with that node's host and port"
		}
	}
	return ""
}

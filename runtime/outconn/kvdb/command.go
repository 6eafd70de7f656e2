package kvdb

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// command is one Redis command, ready to be sent.
type command struct {
	name   string // in upper case, such as LRANGE or CONFIG GET
	words  []any  // name and arguments
	scores bool   // WITHSCORES was asked for
}

// parse makes a command of a call.
func parse(method string, args []any, kwargs map[string]any) (command, error) {
	name := strings.ToUpper(strings.TrimRight(method, "_"))
	if name == "DELETE" {
		name = "DEL"
	}
	cmd := command{name: name, words: make([]any, 0, 2+len(args)+2*len(kwargs))}
	family, rest, found := strings.Cut(name, "_")
	switch {
	case found && isFamily(family):
		cmd.name = family + " " + strings.ReplaceAll(rest, "_", "-")
		cmd.words = append(cmd.words, family, strings.ReplaceAll(rest, "_", "-"))
	default:
		cmd.words = append(cmd.words, name)
		if isFamily(name) && len(args) > 0 {
			if sub, ok := args[0].(string); ok {
				cmd.name = name + " " + strings.ToUpper(sub)
			}
		}
	}
	if why := refused(cmd.name); why != "" {
		return cmd, misuse(cmd.name, "it is not available: %s", why)
	}
	flags, options, err := optionsOf(cmd.name, kwargs)
	if err != nil {
		return cmd, err
	}
	for i, a := range args {
		if i == 1 && cmd.name == "ZADD" { // its flags stand between key and scores
			cmd.words, flags = append(cmd.words, flags...), nil
		}
		if cmd.words, err = appendArg(cmd, a, i); err != nil {
			return cmd, err
		}
	}
	if mapping, ok := kwargs["mapping"]; ok {
		if cmd.words, err = appendArg(cmd, mapping, len(args)); err != nil {
			return cmd, err
		}
	}
	cmd.words = append(append(cmd.words, flags...), options...)
	cmd.scores = withScores(cmd.words)
	return cmd, nil
}

// isFamily says whether name is one of the commands that have commands of their own below them.
func isFamily(name string) bool {
	switch name {
	case "ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "FUNCTION", "LATENCY", "MEMORY", "MODULE", "OBJECT",
		"PUBSUB", "SCRIPT", "SLOWLOG", "XGROUP", "XINFO":
		return true
	}
	return false
}

// refused says why a command is not for services, or "".
func refused(name string) string {
	switch name {
	case "SELECT", "AUTH", "HELLO", "RESET", "QUIT", "READONLY", "READWRITE", "ASKING", "CLIENT REPLY", "CLIENT SETNAME", "CLIENT TRACKING", "CLIENT NO-EVICT":
		return "it would change a connection that others share"
	case "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH":
		return "each command may go over another connection; use eval for several at once"
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR", "SYNC", "PSYNC":
		return "its answers never end"
	}
	return ""
}

// optionsOf turns named arguments into the words that Redis wants: flags (nx=True is NX) and options (ex=10 is EX 10).
// False and None leave one out.
func optionsOf(name string, kwargs map[string]any) (flags, options []any, err error) {
	names := make([]string, 0, len(kwargs))
	for k := range kwargs {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		v := kwargs[k]
		word := strings.ToUpper(strings.TrimRight(k, "_"))
		switch {
		case k == "mapping", v == nil, v == false:
		case slices.Contains(flagWords(), k):
			if v != true {
				return nil, nil, misuse(name, "%s is True or False, not %s", k, typeOf(v))
			}
			if word == "DESC" {
				word = "REV"
			}
			flags = append(flags, word)
		case slices.Contains(optionWords(), k):
			one, err := appendArg(command{name: name}, v, 1)
			if err != nil || len(one) != 1 {
				return nil, nil, misuse(name, "%s is text or a number, not %s", k, typeOf(v))
			}
			options = append(options, word, one[0])
		default:
			return nil, nil, misuse(name, "unknown named argument %q; known are mapping, %s, %s; pass anything else in Redis's own order",
				k, strings.Join(flagWords(), ", "), strings.Join(optionWords(), ", "))
		}
	}
	return flags, options, nil
}

func flagWords() []string {
	return []string{"nx", "xx", "gt", "lt", "ch", "incr", "keepttl", "persist", "get", "withscores", "desc", "rev"}
}

func optionWords() []string {
	return []string{"ex", "px", "exat", "pxat", "match", "count", "type", "_type"}
}

// appendArg appends the words of argument i: a list counts as its elements; a dict as keys and values, where the command
// takes such pairs.
func appendArg(cmd command, v any, i int) ([]any, error) {
	switch v := v.(type) {
	case string, int64, int, float64, []byte:
		return append(cmd.words, v), nil
	case service.Number:
		return append(cmd.words, string(v)), nil
	case []any:
		for _, e := range v {
			switch e.(type) {
			case []any, *service.Object:
				return nil, misuse(cmd.name, "argument %d holds %s; encode it with json.encode", i+1, typeOf(e))
			}
			var err error
			if cmd.words, err = appendArg(cmd, e, i); err != nil {
				return nil, err
			}
		}
		return cmd.words, nil
	case *service.Object:
		return appendPairs(cmd, v, i)
	}
	return nil, misuse(cmd.name, "argument %d is %s; Redis keeps text and numbers: pass \"\", 0 or 1, or encode it with json.encode", i+1, typeOf(v))
}

func appendPairs(cmd command, o *service.Object, i int) ([]any, error) {
	swap := cmd.name == "ZADD" // {member: score}, but Redis wants the score first
	switch cmd.name {
	case "ZADD", "HSET", "HMSET", "MSET", "MSETNX", "XADD":
	default:
		return nil, misuse(cmd.name, "argument %d is a dict; encode it with json.encode", i+1)
	}
	for k, v := range o.All() {
		at := len(cmd.words)
		words, err := appendArg(cmd, v, i)
		if err != nil || len(words) != at+1 {
			return nil, misuse(cmd.name, "%s is %s; Redis keeps text and numbers: encode it with json.encode", k, typeOf(v))
		}
		if swap {
			cmd.words = append(words, k)
		} else {
			cmd.words = append(cmd.words, k, words[at])
		}
	}
	return cmd.words, nil
}

func withScores(words []any) bool {
	for _, w := range words[min(2, len(words)):] {
		if s, ok := w.(string); ok && len(s) == len("WITHSCORES") && strings.EqualFold(s, "WITHSCORES") {
			return true
		}
	}
	return false
}

// misuse is a mistake of the service that calls.
func misuse(name, format string, args ...any) error {
	return service.Errorf(service.Internal, "KVDB: %s: %s", strings.ToLower(name), fmt.Sprintf(format, args...))
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "True or False"
	case string:
		return "text"
	case int64, int, float64, service.Number:
		return "a number"
	case []any:
		return "a list"
	case *service.Object:
		return "a dict"
	}
	return fmt.Sprintf("%T", v)
}

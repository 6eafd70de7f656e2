package project

// DecodeINI lets tests read a config.ini that is on no disk.
func DecodeINI(name, text string, s *Settings) error { return decodeINI(name, text, s) }

// DecodeYAML does the same for apitest.yaml.
func DecodeYAML(name, text string, env func(string) (string, bool), s *Settings) ([]string, error) {
	return decodeYAML(name, []byte(text), env, func(string) bool { return true }, s)
}

// Keys are all keys of apitest.yaml.
func Keys() []string { return append(topKeys(), namesOf(table())...) }

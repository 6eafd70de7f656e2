package node

// SecurityKinds are the kinds of security definitions that a file may hold.
func SecurityKinds() []string {
	var names []string
	for _, k := range securityKinds() {
		names = append(names, k.Name)
	}
	return names
}

package project

// BehaveOption says whether behave has an option of that name, such as --stop or -t, and whether it takes a value.
func BehaveOption(name string) (takesValue, known bool) {
	for _, o := range behaveOptions() {
		for _, n := range o.names {
			if n == name {
				return o.value, true
			}
		}
	}
	return false, false
}

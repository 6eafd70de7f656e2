package password

// Failed is how many are remembered that failed.
func (c *Checks) Failed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wrong)
}

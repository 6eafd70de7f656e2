package folder

import "net/url"

// Secrets are the passwords and tokens of cluster.yaml and the admin token, for whoever must not show them.
func (f *Folder) Secrets() []string {
	token, err := f.Token()
	if err != nil {
		token = "" // it is no secret that it cannot be read
	}
	out := []string{token, f.Cluster.Vault.Token, f.Cluster.Vault.SecretID}
	for _, text := range []string{f.Cluster.Database.URL, f.Cluster.Redis.URL} {
		if u, err := url.Parse(text); err == nil {
			password, _ := u.User.Password()
			out = append(out, password)
		}
	}
	return out
}

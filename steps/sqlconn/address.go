package sqlconn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// address is a database's URL taken apart as SQLAlchemy does it: dialect+driver://user:password@host:port/database?options.
type address struct {
	dialect  string
	user     string
	password string
	host     string
	port     string
	database string
	options  []option
}

// option is one of the query behind a URL.
type option struct{ name, value string }

var (
	schemeOf = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9]*)(?:\+([a-zA-Z0-9_]+))?://`)
	// secretOptions hold secrets, beside the password before the @.
	secretOptions = regexp.MustCompile(`(?i)^(?:password|passwd|pass|sslpassword)$`)
)

// Secrets are the passwords in a URL, as they are and as they are written, also where it is no valid one.
func Secrets(text string) []string {
	var found []string
	add := func(secret string) {
		if secret != "" && !slices.Contains(found, secret) {
			found = append(found, secret)
		}
	}
	_, rest, _ := strings.Cut(text, "://")
	who, _ := splitUser(rest)
	if _, password, given := strings.Cut(who, ":"); given {
		add(password)
		add(unescape(password))
	}
	_, query, _ := strings.Cut(rest, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); secretOptions.MatchString(name) {
			add(value)
			if plain, err := url.QueryUnescape(value); err == nil {
				add(plain)
			}
		}
	}
	return found
}

// splitUser takes user:password off what is behind the scheme. A password may have @ in it where it is not written as
// %40; what stands in options belongs to them.
func splitUser(rest string) (who, behind string) {
	before, _, _ := strings.Cut(rest, "?")
	at := strings.LastIndexByte(before, '@')
	if at < 0 {
		return "", rest
	}
	return rest[:at], rest[at+1:]
}

// unescape undoes %40 and the like, and leaves a % that begins nothing as it is, as Python does.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// split takes a URL apart. An error names nothing that may be secret.
func split(text string) (address, error) {
	scheme := schemeOf.FindStringSubmatch(text)
	if scheme == nil {
		return address{}, fmt.Errorf("a database is named by a URL such as postgresql://user:password@host:5432/database; %s", known())
	}
	a := address{dialect: strings.ToLower(scheme[1])}
	who, rest := splitUser(text[len(scheme[0]):])
	user, password, _ := strings.Cut(who, ":")
	a.user, a.password = unescape(user), unescape(password)

	rest, query, _ := strings.Cut(rest, "?")
	host, database, _ := strings.Cut(rest, "/")
	a.database = database
	var err error
	if a.host, a.port, err = splitHost(host); err != nil {
		return address{}, err
	}
	a.options, err = parseOptions(query)
	return a, err
}

func parseOptions(query string) ([]option, error) {
	var found []option
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("the option %q behind the ? is not URL-encoded", name)
		}
		found = append(found, option{name, plain})
	}
	return found, nil
}

// splitHost takes host:port apart; either may be missing, and an IPv6 address stands in [ ].
func splitHost(text string) (host, port string, err error) {
	host = text
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return "", "", errors.New("the host begins with [ and has no ]")
		}
		host, port = text[1:end], strings.TrimPrefix(text[end+1:], ":")
	} else if at := strings.IndexByte(text, ':'); at >= 0 {
		host, port = text[:at], text[at+1:]
	}
	if port == "" {
		return host, "", nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", errors.New("the port behind the host's : is not a number from 1 to 65535; in a user name or a password write @ as %40, / as %2F, : as %3A and ? as %3F")
	}
	return host, port, nil
}

// shown is the URL without what may be secret.
func (a address) shown() string {
	u := url.URL{Scheme: a.dialect, Host: a.host}
	switch {
	case a.port != "":
		u.Host = net.JoinHostPort(a.host, a.port)
	case strings.Contains(a.host, ":"):
		u.Host = "[" + a.host + "]"
	}
	if a.user != "" {
		u.User = url.User(a.user)
	}
	text := u.String()
	if !strings.Contains(text, "://") { // nothing but a scheme
		text += "//"
	}
	if a.database != "" {
		text += "/" + a.database
	}
	return text
}

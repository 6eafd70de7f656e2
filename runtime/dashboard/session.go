package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"
)

const (
	idleMost    = time.Hour      // a session that is not used for so long ends
	sessionMost = 12 * time.Hour // a session ends after so long
	maxSessions = 1000           // at a time; the one that was used longest ago makes room
	cookieName  = "parley_session"
)

// session is one browser that is logged in.
type session struct {
	id    string
	user  string
	mark  string // of the user, as of the log-in
	token string // that every form carries
	began time.Time

	mu    sync.Mutex
	seen  time.Time
	notes []string // to be shown once, on the next page
}

// sessions are those of one process. They hold random ids; nothing of them is on a disk.
type sessions struct {
	now func() time.Time
	mu  sync.Mutex
	all map[string]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, all: map[string]*session{}}
}

// begin is a new session, with an id that nobody has seen before.
func (s *sessions) begin(u User) *session {
	now := s.now()
	one := &session{id: rand.Text() + rand.Text(), user: u.Name, mark: u.Mark, token: rand.Text(), began: now, seen: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(now)
	s.all[one.id] = one
	return one
}

func (s *sessions) makeRoom(now time.Time) {
	if len(s.all) < maxSessions {
		return
	}
	var oldest *session
	for id, one := range s.all {
		if one.over(now) {
			delete(s.all, id)
		} else if oldest == nil || one.lastSeen().Before(oldest.lastSeen()) {
			oldest = one
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, oldest.id)
	}
}

// of is the session that r shows the cookie of, or nil.
func (s *sessions) of(r *http.Request) *session {
	cookie, err := r.Cookie(cookieOf(r))
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[cookie.Value]
	if one == nil {
		return nil
	}
	if one.over(s.now()) {
		delete(s.all, one.id)
		return nil
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	one.seen = s.now()
	return one
}

// end ends a session, which may be nil.
func (s *sessions) end(one *session) {
	if one == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, one.id)
}

func (s *session) lastSeen() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.lastSeen()) >= idleMost || now.Sub(s.began) >= sessionMost
}

// owns says whether token is that of the session's forms.
func (s *session) owns(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) == 1
}

// say keeps a note for the next page.
func (s *session) say(note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notes) < 10 {
		s.notes = append(s.notes, note)
	}
}

// said are the notes, once.
func (s *session) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.notes
	s.notes = nil
	return out
}

// cookieOf is the cookie's name: over TLS browsers take one of that prefix only with Secure, for this host alone.
func cookieOf(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-" + cookieName
	}
	return cookieName
}

// setCookie gives the browser a session's id; an empty one takes it away.
func setCookie(w http.ResponseWriter, r *http.Request, id string) {
	c := &http.Cookie{Name: cookieOf(r), Value: id, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode}
	if id == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

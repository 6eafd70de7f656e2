package dashboard

import "net/http"

// maxForm bounds what a browser sends: a source file, or a YAML file to import.
const maxForm = 16 << 20

// secure sets the headers of every reply. Scripts and styles come from our own files alone; nothing may frame a page.
func secure(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// foreign says that a page of another site sent r. The token of each form says so too; this stands where there is no
// session yet.
func foreign(r *http.Request) bool {
	return http.NewCrossOriginProtection().Check(r) != nil
}

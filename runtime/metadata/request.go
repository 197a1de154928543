package metadata

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Handler answers metadata requests. It serves what the last Reload has read.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// ReloadHandler answers POST /v1/reload: 200 and OK, or 500 and the reason.
func (s *Server) ReloadHandler() http.Handler { return http.HandlerFunc(s.serveReload) }

// serve routes as gorilla/mux of 2015 does in rancher-metadata: paths are
// matched decoded, so that an encoded slash or dot counts as one here, and
// every mismatch is the same plain 404.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if redirectUnclean(w, r) {
		return
	}
	version, key, below := strings.Cut(r.URL.Path[1:], "/")
	if !readOnly(r.Method) || r.URL.Path == "/favicon.ico" || strings.Contains(key, "\n") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if version == "" {
		answer(w, r, s.world.Load().listing())
		return
	}
	s.serveVersion(w, r, version, below)
}

func (s *Server) serveVersion(w http.ResponseWriter, r *http.Request, version string, below bool) {
	if _, known := s.world.Load().clients(version); !known {
		refuse(w, r, http.StatusNotFound, "Invalid version")
		return
	}
	segments, err := pathSegments(r.URL)
	if err != nil {
		refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	find := func(world *world) (any, bool) { return world.lookup(version, s.client(r), segments) }
	var value any
	var found bool
	if poll, ok := longPoll(r.URL.Query()); ok && below {
		value, found = s.wait(r.Context(), poll, find)
	} else {
		value, found = find(s.world.Load())
	}
	if !found {
		refuse(w, r, http.StatusNotFound, "Not found")
		return
	}
	answer(w, r, value)
}

func (s *Server) serveReload(w http.ResponseWriter, r *http.Request) {
	if redirectUnclean(w, r) {
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/reload" {
		http.NotFound(w, r)
		return
	}
	if err := s.Reload(); err != nil {
		s.log.Error("reload failed, the old answers stay", "path", s.opts.Answers, "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, err.Error())
		return
	}
	io.WriteString(w, "OK")
}

// client is the key of the asking client in the answers: its address without
// the port, or the whole X-Forwarded-For header.
func (s *Server) client(r *http.Request) string {
	if forwarded := r.Header.Get("X-Forwarded-For"); s.opts.XFF && forwarded != "" {
		return forwarded
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}

func readOnly(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// redirectUnclean sends the client to the path without `//`, `.` and `..`.
func redirectUnclean(w http.ResponseWriter, r *http.Request) bool {
	clean := cleanPath(r.URL.Path)
	if clean == r.URL.Path {
		return false
	}
	target := *r.URL
	target.Path = clean
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusMovedPermanently)
	return true
}

// cleanPath is path.Clean that keeps a trailing slash and always begins with one.
func cleanPath(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// pathSegments are the segments behind the version. Each is decoded as a query
// is: `+` is a space. An encoded slash does not part segments.
func pathSegments(u *url.URL) ([]string, error) {
	escaped := strings.Split(strings.TrimRight(u.EscapedPath()[1:], "/"), "/")[1:]
	segments := make([]string, len(escaped))
	for i, e := range escaped {
		var err error
		if segments[i], err = url.QueryUnescape(e); err != nil {
			return nil, err
		}
	}
	return segments, nil
}

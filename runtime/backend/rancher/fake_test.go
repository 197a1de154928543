package rancher

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/backendtest"
	"github.com/wconf/wconf/runtime/kv"
)

// fake is a small rancher-metadata: the first segment of a path is a version,
// all versions have one version value, which each change makes anew.
type fake struct {
	deaf      bool // knows no long poll, as servers before v0.6.2
	versioned bool // only what is in the tree has a version

	mu       sync.Mutex
	tree     backendtest.Tree
	version  int
	news     chan struct{}
	broken   http.HandlerFunc // answers in place of the fake
	requests []*http.Request
	reading  func() // called before each answer from the tree
}

func newFake(pairs ...kv.Pair) *fake {
	f := &fake{news: make(chan struct{})}
	f.apply(pairs, nil)
	return f
}

func (f *fake) apply(puts []kv.Pair, deletes []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tree.Apply(puts, deletes)
	f.version++
	f.tell()
}

// quietly changes the tree without a new version.
func (f *fake) quietly(puts ...kv.Pair) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tree.Apply(puts, nil)
}

func (f *fake) answer(with http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = with
	f.tell()
}

func (f *fake) tell() {
	close(f.news)
	f.news = make(chan struct{})
}

// asked counts the requests whose path and query contain text, and forgets
// all.
func (f *fake) asked(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if strings.Contains(r.URL.String(), text) {
			n++
		}
	}
	f.requests = nil
	return n
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	root, rest, _ := strings.Cut(r.URL.Path[1:], "/")
	query := r.URL.Query()
	if rest == "version" && f.broken == nil {
		if query.Get("wait") == "true" && query.Get("value") == fmt.Sprint("v", f.version) && !f.deaf {
			f.wait(r)
		}
		if _, ok := f.tree.Nested()[root]; ok && f.broken == nil || !f.versioned && f.broken == nil {
			json.NewEncoder(w).Encode(fmt.Sprint("v", f.version))
			return
		}
	}
	if f.broken != nil {
		f.broken(w, r)
		return
	}
	if f.reading != nil {
		f.reading()
	}
	f.serveTree(w, r.URL.Path)
}

func (f *fake) wait(r *http.Request) {
	news := f.news
	var limit int
	fmt.Sscan(r.URL.Query().Get("maxWait"), &limit)
	f.mu.Unlock()
	defer f.mu.Lock()
	select {
	case <-news:
	case <-r.Context().Done():
	case <-time.After(time.Duration(limit) * time.Second):
	}
}

func (f *fake) serveTree(w http.ResponseWriter, path string) {
	var at any = f.tree.Nested()
	if path == "/" {
		roots := map[string]string{}
		for name := range f.tree.Nested() {
			roots[name] = "/" + name
		}
		at = roots
	}
	for _, s := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' }) {
		inner, _ := at.(map[string]any)
		at = inner[s]
	}
	if at == nil {
		notFound(w, nil)
		return
	}
	json.NewEncoder(w).Encode(at)
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprintln(w, `{"code":404,"message":"Not found","type":"error"}`)
}

func failing(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, `{"type":"error","code":500}`, http.StatusInternalServerError)
}

// direct hands requests to a handler without a network, so that the time of a
// bubble can pass.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return w.Result(), nil
}

// opened is a backend that talks to a handler, over the network.
func opened(t *testing.T, h http.Handler, c backend.Config) *metadata {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c.Nodes = []string{strings.TrimPrefix(s.URL, "http://")}
	return made(t, c)
}

// bubbled is a backend that talks to a handler in a bubble.
func bubbled(t *testing.T, h http.Handler, c backend.Config) *metadata {
	t.Helper()
	m := made(t, c)
	m.http.Transport = direct{h}
	return m
}

func made(t *testing.T, c backend.Config) *metadata {
	t.Helper()
	b, err := Factory.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.(*metadata)
}

func TestConformance(t *testing.T) {
	for name, f := range map[string]*fake{
		"long poll":          {},
		"no long poll":       {deaf: true},
		"versions come late": {versioned: true},
	} {
		t.Run(name, func(t *testing.T) {
			backendtest.Suite(t, backendtest.Harness{Open: func(t *testing.T, pairs []kv.Pair) backendtest.Store {
				server := newFake(pairs...)
				server.deaf, server.versioned = f.deaf, f.versioned
				return backendtest.Store{
					Backend: opened(t, server, backend.Config{Interval: time.Millisecond}),
					Apply:   server.apply,
					Down: func(down bool) {
						if down {
							server.answer(failing)
						} else {
							server.answer(nil)
						}
					},
				}
			}})
		})
	}
}

package rancher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

func pair(key, value string) kv.Pair { return kv.Pair{Key: key, Value: value} }

func listed(t *testing.T, m *metadata, prefixes ...string) string {
	t.Helper()
	l, err := m.List(t.Context(), prefixes)
	if err != nil {
		t.Fatalf("List(%q): %v", prefixes, err)
	}
	return words(l.Pairs)
}

func TestRequests(t *testing.T) {
	f := newFake(pair("/latest/a", "1"), pair("/latest/b", "2"), pair("/2015-12-19/c", "3"))
	m := opened(t, f, backend.Config{Identity: "10.42.1.1"})
	if got := listed(t, m, "/2015-12-19/c", "/latest/a", "/latest/b"); got != "/2015-12-19/c=3 /latest/a=1 /latest/b=2" {
		t.Errorf("got %s", got)
	}
	for _, r := range f.requests {
		if r.Header.Get("Accept") != "application/json" || r.Header.Get("X-Forwarded-For") != "10.42.1.1" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("the headers are %v", r.Header)
		}
	}
	if n := len(f.requests); n != 7 { // two versions before, three subtrees, two versions after
		t.Errorf("%d requests for three subtrees", n)
	}
}

func TestPaths(t *testing.T) {
	var asked atomic.Value
	m := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/version") {
			asked.Store(r.RequestURI)
		}
		fmt.Fprint(w, `"x"`)
	}), backend.Config{})
	for path, want := range map[string]string{
		"/latest/containers/Standalone Box": "/latest/containers/Standalone%20Box",
		"/latest/pl+us":                     "/latest/pl%2Bus",
		"/latest/per%20cent":                "/latest/per%2520cent",
		"/latest/q?m#h":                     "/latest/q%3Fm%23h",
		"/latest/ünï":                       "/latest/%C3%BCn%C3%AF",
	} {
		if got := listed(t, m, path); !strings.HasPrefix(got, path[:8]) {
			t.Errorf("%s: got %s", path, got)
		}
		if asked.Load() != want {
			t.Errorf("%s: asked for %s, want %s", path, asked.Load(), want)
		}
	}
}

func TestEverythingIsEveryVersion(t *testing.T) {
	m := opened(t, newFake(pair("/latest/a", "1"), pair("/2015-12-19/b", "2")), backend.Config{})
	if got, want := listed(t, m, "/"), "/2015-12-19=/2015-12-19 /latest=/latest /2015-12-19/b=2 /latest/a=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMissingPaths(t *testing.T) {
	f := newFake(pair("/latest/a", "1"))
	var log strings.Builder
	m := opened(t, f, backend.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	said := func() int { return strings.Count(log.String(), "/latest/nope") }
	for range 3 {
		if got := listed(t, m, "/latest/a", "/latest/nope"); got != "/latest/a=1" {
			t.Errorf("got %s", got)
		}
	}
	if said() != 1 {
		t.Errorf("warned %d times:\n%s", said(), &log)
	}
	f.apply([]kv.Pair{pair("/latest/nope", "2")}, nil)
	listed(t, m, "/latest/nope")
	f.apply(nil, []string{"/latest/nope"})
	listed(t, m, "/latest/nope")
	if said() != 2 {
		t.Errorf("a path that is missing again was warned of %d times", said())
	}
	strict := opened(t, f, backend.Config{MissingFail: true})
	if _, err := strict.List(t.Context(), []string{"/latest/nope"}); err == nil || !strings.Contains(err.Error(), "/latest/nope") {
		t.Errorf("List: %v", err)
	}
}

func TestMergedNamesAreSaidOnce(t *testing.T) {
	var log strings.Builder
	m := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/version") {
			fmt.Fprint(w, `"1"`)
			return
		}
		fmt.Fprint(w, `[{"name":"nginx","token":"SECRET"},{"name":"nginx"}]`)
	}), backend.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		listed(t, m, "/latest/services")
	}
	if n := strings.Count(log.String(), "/latest/services"); n != 1 || strings.Contains(log.String(), "SECRET") {
		t.Errorf("warned %d times:\n%s", n, &log)
	}
}

// Whatever is no whole answer of rancher-metadata is an error, never keys.
func TestBadAnswers(t *testing.T) {
	elsewhere := httptest.NewServer(newFake(pair("/latest/a", "foreign")))
	defer elsewhere.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"500":            failing,
		"404 of others":  http.NotFound,
		"404 in HTML":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) },
		"204":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"captive portal": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>log in</html>") },
		"error with 200": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"code":500,"message":"x","type":"error"}`)
		},
		"empty": func(http.ResponseWriter, *http.Request) {},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"a":1}`)
		},
		"cut off in a chunk": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"a":1}`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0})
		},
		"redirect elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
		},
		"redirect for ever": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(`"` + strings.Repeat("x", 1<<20) + `",`)
			io.WriteString(w, "[")
			for range maxBody/len(chunk) + 2 {
				w.Write(chunk)
			}
		},
		"no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			m := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/version") {
					fmt.Fprint(w, `"1"`)
					return
				}
				answer(w, r)
			}), backend.Config{})
			if l, err := m.List(t.Context(), []string{"/latest/a"}); err == nil {
				t.Errorf("lists %.200v", l.Pairs)
			} else if strings.Contains(err.Error(), "log in") {
				t.Errorf("the error quotes the answer: %v", err)
			}
		})
	}
}

func TestBadVersions(t *testing.T) {
	for body, good := range map[string]bool{`"7"`: true, `7`: true, `true`: true, `""`: true, `{}`: false, `[1]`: false, `<html>`: false, `"1" 2`: false, ``: false} {
		m := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/version") {
				io.WriteString(w, body)
				return
			}
			io.WriteString(w, `{}`)
		}), backend.Config{})
		if _, err := m.List(t.Context(), []string{"/latest"}); (err == nil) != good {
			t.Errorf("version %s: %v", body, err)
		}
	}
}

func TestRedirectOnTheSameHost(t *testing.T) {
	f := newFake(pair("/latest/a", "1"))
	m := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, ok := strings.CutPrefix(r.URL.Path, "/old"); ok {
			http.Redirect(w, r, path, http.StatusMovedPermanently)
			return
		}
		f.ServeHTTP(w, r)
	}), backend.Config{})
	m.nodes.all[0].Path = "/old"
	if got := listed(t, m, "/latest"); got != "/latest/a=1" {
		t.Errorf("got %s", got)
	}
}

// A listing of two subtrees between which the metadata changed is read again;
// one that never stands still is an error. Each read asks twice.
func TestStableReads(t *testing.T) {
	for changes, good := range map[int]bool{1: true, 4: true, 5: false} {
		f := newFake(pair("/latest/a", "1"), pair("/latest/b", "1"))
		f.reading = func() {
			if changes--; changes >= 0 {
				f.version++
				f.tree.Apply([]kv.Pair{pair("/latest/a", fmt.Sprint("after ", changes))}, nil)
			}
		}
		l, err := opened(t, f, backend.Config{}).List(t.Context(), []string{"/latest/a", "/latest/b"})
		if (err == nil) != good {
			t.Errorf("List: %v, %v", words(l.Pairs), err)
		}
		if err != nil && !errors.Is(err, errRestless) {
			t.Errorf("List: %v", err)
		}
	}
}

func TestOwnContainerIsAwaited(t *testing.T) {
	for name, c := range map[string]struct {
		prefix string
		after  time.Duration // when the server knows this container
		took   time.Duration
		keys   bool
	}{
		"at once":           {"/latest/self", 0, 0, true},
		"soon":              {"/latest/self", 1200 * time.Millisecond, 1500 * time.Millisecond, true},
		"soon, one value":   {"/latest/self/container/name", 700 * time.Millisecond, time.Second, true},
		"never":             {"/latest/self/container", time.Hour, 5 * time.Second, false},
		"nothing to await":  {"/latest/hosts", time.Hour, 0, true},
		"known, no service": {"/latest/self/service", 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(pair("/latest/self/host/name", "h"), pair("/latest/hosts/0", "h"))
				if c.after == 0 {
					f.quietly(pair("/latest/self/container/name", "c"))
				}
				time.AfterFunc(c.after, func() { f.apply([]kv.Pair{pair("/latest/self/container/name", "c")}, nil) })
				m := bubbled(t, f, backend.Config{})
				start := time.Now()
				got := listed(t, m, c.prefix)
				if took := time.Since(start); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if (got != "") != c.keys {
					t.Errorf("got %q", got)
				}
				time.Sleep(10 * time.Second)
				start = time.Now()
				listed(t, m, c.prefix)
				if time.Since(start) != 0 {
					t.Error("waited once more, long after the start")
				}
			})
		})
	}
}

func TestNodes(t *testing.T) {
	for node, want := range map[string]string{
		"":                     "http://rancher-metadata",
		"10.0.0.1":             "http://10.0.0.1",
		"m:8080":               "http://m:8080",
		"http://m/":            "http://m",
		"https://m:1/base":     "https://m:1/base",
		"ftp://m":              "",
		"http://":              "",
		"http://m/?x=1":        "",
		"http://user:pass@m/":  "",
		"bad host name":        "",
		"169.254.169.250:bad!": "",
	} {
		var c backend.Config
		if node != "" {
			c.Nodes = []string{node}
		}
		n, err := newNodes(c)
		if want == "" {
			if err == nil {
				t.Errorf("%q: taken as %v", node, n.all[0])
			}
			continue
		}
		if err != nil || n.all[0].String() != want {
			t.Errorf("%q: %v, %v", node, n, err)
		}
	}
}

func TestNextNodeAfterAFailure(t *testing.T) {
	good := httptest.NewServer(newFake(pair("/latest/a", "1")))
	defer good.Close()
	bad := httptest.NewServer(http.HandlerFunc(failing))
	defer bad.Close()
	m := made(t, backend.Config{Nodes: []string{bad.URL, good.URL}})
	if _, err := m.List(t.Context(), []string{"/latest"}); err == nil {
		t.Error("List does not fail, or tries again by itself")
	}
	if got := listed(t, m, "/latest"); got != "/latest/a=1" {
		t.Errorf("got %s", got)
	}
}

func TestNodesFromDNS(t *testing.T) {
	good := httptest.NewServer(newFake(pair("/latest/a", "1")))
	defer good.Close()
	m := made(t, backend.Config{SRVDomain: "example.org"})
	answers := [][]string{nil, {"127.0.0.1:1"}, {strings.TrimPrefix(good.URL, "http://")}}
	m.nodes.lookup = func(_ context.Context, record string) ([]string, error) {
		if record != "_rancher._tcp.example.org." {
			t.Errorf("looked up %s", record)
		}
		next := answers[0]
		answers = answers[1:]
		if next == nil {
			return nil, errors.New("no such record")
		}
		return next, nil
	}
	for range 2 {
		if _, err := m.List(t.Context(), []string{"/latest"}); err == nil {
			t.Error("List does not fail")
		}
	}
	if got := listed(t, m, "/latest"); got != "/latest/a=1" {
		t.Errorf("got %s", got)
	}
}

// No subtree waits for the answer of another.
func TestSubtreesAtOneTime(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	m := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/latest/version" {
			fmt.Fprint(w, `"1"`)
			return
		}
		both.Done()
		both.Wait()
		fmt.Fprintf(w, `{"is":%q}`, r.URL.Path)
	}), backend.Config{Timeout: 10 * time.Second})
	l, err := m.List(t.Context(), []string{"/latest/a", "/latest/b"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := words(l.Pairs), "/latest/a/is=/latest/a /latest/b/is=/latest/b"; got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
}

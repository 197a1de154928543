package runtime_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/metadata"
	"github.com/wconf/wconf/runtime/needs"
)

// The daemon against a rancher-metadata that answers what such servers, and
// what stands before them, have answered in production.
func TestRancherFaults(t *testing.T) {
	wconf := buildWconf(t)
	for name, fault := range map[string]func(*testing.T, string){
		"a change during a reload":  rancherReloading,
		"a change during an outage": rancherOutage,
		"answers that are no data":  rancherGarbage,
		"a path that vanishes":      rancherMissing,
		"missing is an error":       rancherMissingFails,
		"versions go back":          rancherVersions,
		"odd names":                 rancherNames,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault(t, wconf)
		})
	}
}

// Faults that take as long as the server's own patience.
func TestRancherFaultsLong(t *testing.T) {
	needs.Check(t, "deadlines of half a minute and more")
	wconf := buildWconf(t)
	for name, fault := range map[string]func(*testing.T, string){
		"answers without an end":       rancherBombs,
		"a one-shot run gets no data":  rancherOnce,
		"nothing is answered":          rancherSilent,
		"data change, versions do not": rancherSameVersion,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault(t, wconf)
		})
	}
}

// metadataFake is this repository's metadata server behind something that can
// answer in its place.
type metadataFake struct {
	t      *testing.T
	addr   string
	file   string
	server *metadata.Server
	broken atomic.Pointer[http.HandlerFunc]
}

func newMetadataFake(t *testing.T, version, tree string) *metadataFake {
	f := &metadataFake{t: t, file: filepath.Join(t.TempDir(), "answers.json")}
	f.server = metadata.New(metadata.Options{Answers: f.file})
	f.set(version, tree)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := f.broken.Load(); h != nil {
			(*h)(w, r)
			return
		}
		f.server.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	f.addr = strings.TrimPrefix(web.URL, "http://")
	return f
}

// set makes tree, JSON, the metadata of a version.
func (f *metadataFake) set(version, tree string) {
	f.t.Helper()
	text := fmt.Sprintf(`{"latest": {"default": {"version": %q, "a": %s}}}`, version, tree)
	if !json.Valid([]byte(text)) {
		f.t.Fatalf("no JSON: %s", text)
	}
	if err := os.WriteFile(f.file, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
	if err := f.server.Reload(); err != nil {
		f.t.Fatal(err)
	}
}

// answer answers everything with h; nil is the server again.
func (f *metadataFake) answer(h http.HandlerFunc) {
	if h == nil {
		f.broken.Store(nil)
		return
	}
	f.broken.Store(&h)
}

func (f *metadataFake) flags() []string {
	return []string{"-backend", "rancher", "-node", f.addr, "-prefix", "/latest"}
}

func stampTree(stamp any) string { return fmt.Sprintf(`{"stamp": "%v"}`, stamp) }

func rancherReloading(t *testing.T, wconf string) {
	f := newMetadataFake(t, "1", stampTree(1))
	s := newSite(t, wconf, "keys = [\"/a\"]\nreload_cmd = \"head -1 out >> reloads; while [ -e slow ]; do sleep 0.02; done; echo x >> done\"", stampTemplate, f.flags()...)
	s.start(stamped)
	s.becomes("done", "x\n", soon) // the first reload has ended
	s.file("slow", "")
	f.set("2", stampTree(2))
	s.becomes("reloads", "stamp 1\nstamp 2\n", soon)
	f.set("3", stampTree(3)) // while the reload runs
	time.Sleep(300 * time.Millisecond)
	s.must(os.Remove(s.path("slow")))
	s.becomes("out", stampText(3), soon)
	s.reloaded("stamp 1", "stamp 2", "stamp 3")
}

func failsWith(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

func rancherOutage(t *testing.T, wconf string) {
	f := newMetadataFake(t, "1", stampTree(1))
	s := newSite(t, wconf, stampSettings, stampTemplate, f.flags()...)
	s.start(stamped)
	s.reloaded(stampText(1))
	f.answer(failsWith(500, `{"code":500,"type":"error"}`))
	f.set("2", stampTree(2)) // ends the long poll; the keys cannot be had
	s.says("the store is away")
	f.set("3", stampTree(3))
	s.stays("out", stampText(1), 500*time.Millisecond)
	f.answer(nil)
	s.becomes("out", stampText(3), soon)
	s.reloaded(stampText(1), stampText(3))
}

// garbage is what is no metadata.
var garbage = map[string]http.HandlerFunc{
	"500 with JSON":      failsWith(500, `{"stamp":"bad"}`),
	"200 with an error":  failsWith(200, `{"type":"error","code":503,"message":"later"}`),
	"a page":             failsWith(200, "<html><body>Please log in</body></html>"),
	"nothing":            failsWith(200, ""),
	"cut off":            failsWith(200, `{"stamp": "bad", "list": {"1": "x`),
	"two documents":      failsWith(200, `{"stamp":"bad"} {"stamp":"bad"}`),
	"nested 10,000 deep": failsWith(200, strings.Repeat(`{"a":`, 10_000)+"1"+strings.Repeat("}", 10_000)),
	"a wrong length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"stamp":"bad"}`)
	},
}

// bombs is what has no end.
var bombs = map[string]http.HandlerFunc{
	"a value of 1 GiB": func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"stamp":"`)
		block := strings.Repeat("x", 1<<20)
		for range 1 << 10 {
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
		io.WriteString(w, `"}`)
	},
	"a gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		io.WriteString(z, `{"stamp":"`)
		block := strings.Repeat("x", 1<<20)
		for range 1 << 10 {
			if _, err := io.WriteString(z, block); err != nil {
				return
			}
		}
	},
}

// What is no data never becomes data: the last good file stays, and the daemon
// goes on afterwards.
func rancherGarbage(t *testing.T, wconf string) { outlives(t, wconf, garbage) }

func rancherBombs(t *testing.T, wconf string) { outlives(t, wconf, bombs) }

func outlives(t *testing.T, wconf string, answers map[string]http.HandlerFunc) {
	t.Helper()
	f := newMetadataFake(t, "0", stampTree(0))
	s := newSite(t, wconf, stampSettings, stampTemplate, f.flags()...)
	s.start(stamped)
	want := []string{stampText(0)}
	s.reloaded(want...)
	for name, h := range answers {
		var asked atomic.Int32
		f.answer(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); h(w, r) })
		f.set(name, stampTree(0)) // ends the long poll
		if !needs.Await(soon, func() bool { return asked.Load() >= 2 }) || s.text("out") != want[len(want)-1] {
			t.Errorf("%s: asked %d times, the file is %q", name, asked.Load(), s.text("out"))
		}
		f.answer(nil)
		f.set("after "+name, stampTree(len(want)))
		want = append(want, stampText(len(want)))
		s.becomes("out", want[len(want)-1], soon)
		s.reloaded(want...)
	}
	if most := peakMemory(t, s.daemon.Process.Pid); most > 512<<20 {
		t.Errorf("it took %d MiB of memory", most>>20)
	}
}

// peakMemory is the most bytes that a process has had in memory.
func peakMemory(t *testing.T, pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // no Linux
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Error(err)
	}
	return kib << 10
}

// A path that answers 404 has no keys, which is believed after a second look;
// a template that needs one fails, and the file stays.
func rancherMissing(t *testing.T, wconf string) {
	f := newMetadataFake(t, "1", stampTree(1))
	s := newSite(t, wconf, stampSettings, stampTemplate, f.flags()...)
	s.start(stamped)
	s.reloaded(stampText(1))
	f.answer(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/version") {
			f.server.Handler().ServeHTTP(w, r)
			return
		}
		failsWith(404, `{"code":404,"message":"Not found","type":"error"}`)(w, r)
	})
	f.set("2", stampTree(2))
	s.says("a prefix lost all of its keys")
	s.says("key does not exist: /a/stamp")
	s.stays("out", stampText(1), 300*time.Millisecond)
	f.answer(nil)
	f.set("3", stampTree(3))
	s.becomes("out", stampText(3), soon)
	s.reloaded(stampText(1), stampText(3))
}

func rancherMissingFails(t *testing.T, wconf string) {
	f := newMetadataFake(t, "1", stampTree(1))
	s := newSite(t, wconf, stampSettings, "begin\n{{range gets \"/a/*\"}}{{.Value}}\n{{end}}end\n", append(f.flags(), "-missing", "error")...)
	s.start(func(text string) bool { return listed(text) && text != "begin\nend\n" })
	s.reloaded("begin\n1\nend\n")
	f.answer(failsWith(404, `{"code":404,"message":"Not found","type":"error"}`))
	f.set("2", stampTree(2))
	s.says("the store is away")
	s.stays("out", "begin\n1\nend\n", 500*time.Millisecond)
	f.answer(nil)
	s.becomes("out", "begin\n2\nend\n", soon)
	s.reloaded("begin\n1\nend\n", "begin\n2\nend\n")
}

// A version is a token: any other one means that something may have changed.
func rancherVersions(t *testing.T, wconf string) {
	f := newMetadataFake(t, "7", stampTree(1))
	s := newSite(t, wconf, stampSettings, stampTemplate, f.flags()...)
	s.start(stamped)
	var want []string
	for i, version := range []string{"7", "3", "8d3a-uuid", "7", "-1"} {
		f.set(version, stampTree(i+1))
		want = append(want, stampText(i+1))
		s.reloaded(want...)
	}
}

func rancherNames(t *testing.T, wconf string) {
	f := newMetadataFake(t, "1", `{"list": [{"name": 5, "v": "number"}, {"name": "two", "v": "first"}, {"name": "two", "w": "second"}, {"v": "none"}],
		"a/b": "slash", "..": "dots", "käse": "unicode", "null": null, "big": 9007199254740993, "half": 1.50}`)
	s := newSite(t, wconf, "keys = [\"/a\"]", `{{getv "/a/list/0/v"}} {{getv "/a/list/two/v"}} {{getv "/a/list/two/w"}} {{getv "/a/list/3/v"}} `+
		`{{getv "/a/a/b"}} {{getv "/a/käse"}} {{getv "/a/null"}} {{getv "/a/big"}} {{getv "/a/half"}} {{exists "/"}}`, f.flags()...)
	o := s.run("-onetime")
	if want := "number first second none slash unicode null 9007199254740993 1.5 false"; o.code != 0 || s.text("out") != want {
		t.Errorf("exit %d, %q, want %q\n%s", o.code, s.text("out"), want, o.output)
	}
	if !strings.Contains(o.output, "stays invisible") || !strings.Contains(o.output, "/latest/a/list") {
		t.Errorf("it does not name what is odd:\n%s", o.output)
	}
}

// A one-shot run that gets no data writes nothing and fails.
func rancherOnce(t *testing.T, wconf string) {
	all := maps.Clone(garbage)
	maps.Copy(all, bombs)
	for name, h := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newMetadataFake(t, "1", stampTree(1))
			f.answer(h)
			s := newSite(t, wconf, stampSettings, stampTemplate, f.flags()...)
			s.file("out", "old")
			o := s.runFor(45*time.Second, "-onetime")
			if o.code != 1 || s.text("out") != "old" || s.text("reloads") != "" || !strings.Contains(o.output, "rancher") {
				t.Errorf("exit %d, %q\n%s", o.code, s.text("out"), o.output)
			}
			if o.memory > 512<<20 {
				t.Errorf("it took %d MiB", o.memory>>20)
			}
		})
	}
}

// A server that accepts and never answers is given up, and asked again.
func rancherSilent(t *testing.T, wconf string) {
	f := newMetadataFake(t, "1", stampTree(1))
	s := newSite(t, wconf, stampSettings, stampTemplate, f.flags()...)
	s.start(stamped)
	s.reloaded(stampText(1))
	f.answer(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f.set("2", stampTree(2))
	time.Sleep(time.Second)
	f.set("3", stampTree(3))
	time.Sleep(30 * time.Second)
	s.says("the store is away")
	f.answer(nil)
	s.becomes("out", stampText(3), 40*time.Second)
	s.reloaded(stampText(1), stampText(3))
}

// The server's version is not believed for ever.
func rancherSameVersion(t *testing.T, wconf string) {
	f := newMetadataFake(t, "1", stampTree(1))
	s := newSite(t, wconf, stampSettings, stampTemplate, f.flags()...)
	s.start(stamped)
	s.reloaded(stampText(1))
	f.set("1", stampTree(2))
	s.becomes("out", stampText(2), 90*time.Second)
	s.reloaded(stampText(1), stampText(2))
}

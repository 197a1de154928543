package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/resource"
)

// fixed is a subject that stands as it is told to.
type fixed struct {
	mu        sync.Mutex
	resources []engine.Status
	stores    map[string]cache.Status
}

func (f *fixed) Status() []engine.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.resources)
}

func (f *fixed) Stores() map[string]cache.Status { return f.stores }

func (f *fixed) set(all ...engine.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resources = all
}

// messages is a service manager that writes down what it is told.
type messages struct {
	mu  sync.Mutex
	all []string
}

func (m *messages) take(message string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, message)
	return nil
}

// since is what was said since the last call.
func (m *messages) since() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := m.all
	m.all = nil
	return said
}

func (m *messages) fed() (n int) {
	for _, s := range m.since() {
		if s == "WATCHDOG=1" {
			n++
		}
	}
	return n
}

// watched makes an Admin whose messages go to m, with a watchdog of 20 seconds.
func watched(m *messages) *Admin {
	a := New(Options{})
	a.systemd.send, a.systemd.every = m.take, 10*time.Second
	return a
}

func done(name string, state resource.State) engine.Status {
	return engine.Status{Resource: name, State: state, Since: time.Now(), Counts: engine.Counts{Renders: 1}}
}

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// The watchdog hears from the engine's own loop: a loop that is stuck lets it
// starve and is not healthy, and one that goes on feeds it again.
func TestStuckLoop(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	synctest.Test(t, func(t *testing.T) {
		var m messages
		a, source := watched(&m), new(quiet)
		e := engine.New(engine.Options{Observer: a.Observer(), Pulse: a.Pulse()})
		e.Set([]engine.Member{{Resource: resource.New(resource.Spec{ID: "x"}, resource.Parts{}), Source: source}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx, &fixed{}, e.Run) }()
		h := a.handler(&fixed{})
		time.Sleep(time.Minute)
		if n := m.fed(); n < 6 || n > 13 {
			t.Errorf("the watchdog was fed %d times in a minute", n)
		}
		source.hold()
		time.Sleep(pulse) // the loop runs into it
		m.since()
		time.Sleep(time.Minute)
		if n := m.fed(); n > 0 {
			t.Errorf("a stuck loop fed the watchdog %d times", n)
		}
		for _, path := range []string{"/health", "/ready", "/ready/detailed"} {
			if w := get(h, "GET", path); w.Code != 503 || !strings.Contains(w.Body.String(), "stuck") {
				t.Errorf("%s of a stuck loop: %d %s", path, w.Code, w.Body)
			}
		}
		source.release()
		time.Sleep(time.Minute)
		if n := m.fed(); n < 6 {
			t.Errorf("after it went on the watchdog was fed %d times", n)
		}
		if w := get(h, "GET", "/health"); w.Code != 200 || w.Body.String() != "ok\n" {
			t.Errorf("/health: %d %s", w.Code, w.Body)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if said := m.since(); !slices.Contains(said, "STOPPING=1") || slices.Contains(said, "READY=1") {
			t.Errorf("at the end: %q", said)
		}
	})
}

// What takes long to look at starves no watchdog, and a busy loop does not
// flood it.
func TestFeeding(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	synctest.Test(t, func(t *testing.T) {
		var m messages
		a, s := watched(&m), &slow{free: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- a.Run(ctx, s, func(ctx context.Context) error {
				for ctx.Err() == nil {
					a.beat()
					time.Sleep(10 * time.Millisecond)
				}
				return ctx.Err()
			})
		}()
		time.Sleep(time.Minute)
		if n := m.fed(); n < 11 || n > 13 {
			t.Errorf("the watchdog was fed %d times in a minute", n)
		}
		close(s.free)
		stop()
		<-ended
	})
}

// slow is a subject that does not answer until it is free.
type slow struct {
	fixed
	free chan struct{}
}

func (s *slow) Status() []engine.Status {
	<-s.free
	return nil
}

// quiet is a source without keys; hold makes whoever asks it wait, in virtual
// time.
type quiet struct {
	mu   sync.Mutex
	gate chan struct{}
}

func (q *quiet) Take() (cache.Update, bool) {
	q.mu.Lock()
	gate := q.gate
	q.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return cache.Update{}, false
}

func (q *quiet) hold() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gate = make(chan struct{})
}

func (q *quiet) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.gate)
	q.gate = nil
}

// turning is a main loop that turns once a second.
func turning(a *Admin) func(context.Context) error {
	return func(ctx context.Context) error {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
				a.beat()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func TestStages(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	synctest.Test(t, func(t *testing.T) {
		var m messages
		a, s := watched(&m), &fixed{}
		a.systemd.every = 0
		s.set(done("a", resource.InSync), engine.Status{Resource: "b"})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx, s, turning(a)) }()
		expect := func(want ...string) {
			t.Helper()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if said := m.since(); !slices.Equal(said, want) {
				t.Errorf("said %q, want %q", said, want)
			}
		}
		h := a.handler(s)
		expect("STATUS=2 resources, 1 rendered so far")
		a.Reload(func() {}) // the protocol has no reload before the start is over
		expect()
		if w := get(h, "GET", "/ready"); w.Code != 503 || w.Body.String() != "1 of 2 resources rendered\n" {
			t.Errorf("/ready: %d %s", w.Code, w.Body)
		}
		failed := done("b", resource.Failed)
		failed.FailedRenders = 1
		s.set(done("a", resource.InSync), failed) // the pass is over, though not all is well
		expect("READY=1\nSTATUS=2 resources, 1 failed")
		if w := get(h, "GET", "/ready"); w.Code != 503 {
			t.Errorf("/ready with a resource that never rendered: %d", w.Code)
		}
		held := done("b", resource.Held)
		held.Wake = time.Now().Add(time.Hour)
		s.set(done("a", resource.Owed), held)
		expect("STATUS=2 resources, 1 owed, 1 held until " + held.Wake.Format("15:04"))
		if w := get(h, "GET", "/ready"); w.Code != 200 {
			t.Errorf("/ready: %d %s", w.Code, w.Body)
		}
		s.set(done("a", resource.InSync), failed)
		if w := get(h, "GET", "/ready"); w.Code != 200 {
			t.Errorf("/ready after a later failure: %d", w.Code)
		}
		expect("STATUS=2 resources, 1 failed")
		a.Reload(func() { m.take("reads") })
		said := m.since()
		if len(said) != 3 || !strings.HasPrefix(said[0], "RELOADING=1\nMONOTONIC_USEC=") || said[1] != "reads" || said[2] != "READY=1" {
			t.Errorf("a reload said %q", said)
		}
		stop()
		<-ended
		a.Reload(func() {})
		if said := m.since(); !slices.Equal(said, []string{"STOPPING=1"}) {
			t.Errorf("at the end: %q", said)
		}
	})
}

// systemd is told through its socket, as often as the unit asks for.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "100000")
	t.Setenv("WATCHDOG_PID", "")
	a := New(Options{Watchdog: time.Hour})
	if a.Pulse() != 50*time.Millisecond {
		t.Errorf("the loop turns every %s", a.Pulse())
	}
	s := &fixed{}
	s.set(done("a", resource.InSync))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, s, turning(a)) }()
	a.beat()
	left := []string{"WATCHDOG=1", "READY=1\nSTATUS=1 resource", "STOPPING=1"}
	for buffer := make([]byte, 4096); len(left) > 0; {
		socket.SetReadDeadline(time.Now().Add(5 * time.Minute))
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatalf("%v; not heard: %q", err, left)
		}
		left = slices.DeleteFunc(left, func(s string) bool { return s == string(buffer[:n]) })
		if len(left) == 1 {
			stop()
		}
	}
	<-ended
}

func TestSilent(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	var log strings.Builder
	a := New(Options{Systemd: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if o := a.Observer(); o.Turned != nil || o.Rendered != nil || a.Pulse() != 0 {
		t.Error("the main loop works for nobody")
	}
	a.Reload(func() {})
	if err := a.Run(t.Context(), nil, func(context.Context) error { return io.EOF }); err != io.EOF {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "NOTIFY_SOCKET is not set") {
		t.Errorf("log: %s", log.String())
	}
}

func TestServe(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	for addr, want := range map[string]string{
		"127.0.0.1:0": "serving metrics and health", "[::1]:0": "serving metrics and health", ":0": "open to other hosts, without TLS",
	} {
		var log strings.Builder
		a := New(Options{Addr: addr, Log: slog.New(slog.NewTextHandler(&log, nil))})
		err := a.Run(t.Context(), &fixed{}, func(context.Context) error { return io.EOF })
		if err != io.EOF && !(strings.HasPrefix(addr, "[::1]") && err != nil) {
			t.Errorf("%s: %v", addr, err)
		} else if err == io.EOF && !strings.Contains(log.String(), want) {
			t.Errorf("%s: %s", addr, log.String())
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []string{taken.Addr().String(), "nonsense"} {
		began := false
		err := New(Options{Addr: addr}).Run(t.Context(), &fixed{}, func(context.Context) error { began = true; return nil })
		if err == nil || began || !strings.HasPrefix(err.Error(), "metrics-addr "+addr+": ") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestMethods(t *testing.T) {
	h := New(Options{}).handler(&fixed{})
	for _, path := range []string{"/metrics", "/health", "/ready", "/ready/detailed"} {
		for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405} {
			if w := get(h, method, path); w.Code != want {
				t.Errorf("%s %s: %d, want %d", method, path, w.Code, want)
			}
		}
	}
	if w := get(h, "GET", "/debug/pprof/"); w.Code != 404 {
		t.Errorf("/debug/pprof/: %d", w.Code)
	}
}

func TestDetailed(t *testing.T) {
	now := time.Now()
	s := &fixed{stores: map[string]cache.Status{
		"etcd": {Connected: true, Contact: now, Keys: 3, Hidden: 1},
		"file": {Err: errors.New("SEKRIT"), Contact: now.Add(-time.Hour)},
		"kept": {Contact: now, FromDisk: true, Keys: 2},
	}}
	bad := done("b", resource.Failed)
	bad.Step, bad.Err = "check", fmt.Errorf("step: %w", &problem.Problem{Code: problem.CheckFailed, Msg: "SEKRIT"})
	s.set(done("a", resource.InSync), bad)
	w := get(New(Options{Version: "1.2"}).handler(s), "GET", "/ready/detailed")
	if w.Code != 200 || strings.Contains(w.Body.String(), "SEKRIT") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var got standing
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Resources) != 2 || len(got.Backends) != 3 || !got.Ready || !got.Alive || got.Version != "1.2" || got.Status != "2 resources, 1 failed" {
		t.Fatalf("%+v", got)
	}
	if r := got.Resources[1]; r.State != "failed" || r.Step != "check" || r.Code != problem.CheckFailed || !r.Rendered {
		t.Errorf("%+v", r)
	}
	if b := got.Backends[1]; b.Up || !b.Stale || b.Code != "error" || b.Backend != "file" || b.Disk {
		t.Errorf("%+v", b)
	}
	if b := got.Backends[2]; b.Up || !b.Stale || !b.Disk {
		t.Errorf("%+v", b)
	}
}

package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
)

// What happens to real servers in production, each as a test. The limits are
// those that wconf promises.

const (
	soon       = 5 * time.Second  // after the store is back
	deadWithin = 20 * time.Second // 15 s until a dead connection is noticed, and what follows
)

// away opens a mirror through a proxy on a server that holds kvs.
func away(t *testing.T, kvs ...string) (*etcdtest.Server, *etcdtest.Proxy, *mirror) {
	t.Helper()
	s := etcdtest.Start(t)
	s.Put(kvs...)
	p := etcdtest.NewProxy(t, s.Endpoint)
	m := newMirror(t, openReal(t, backend.Config{}, p.Endpoint), "/app").run()
	m.holds(soon, kvs...)
	return s, p, m
}

func TestKilledAndRestarted(t *testing.T) {
	t.Parallel()
	s, _, m := away(t, "/app/a", "1", "/app/b", "1")
	s.Kill()
	if took, err := m.fails(soon); !strings.Contains(err.Error(), "etcd at ") {
		t.Errorf("after %v: %v", took, err)
	}
	m.holds(0, "/app/a", "1", "/app/b", "1")
	s.Restart()
	s.Put("/app/a", "2")
	m.holds(soon, "/app/a", "2", "/app/b", "1")
	if n := m.listings(); n != 1 {
		t.Errorf("listed %d times, want once", n)
	}
}

func TestRollingRestarts(t *testing.T) {
	t.Parallel()
	s, _, m := away(t, "/app/n", "0")
	seen := map[string]int{}
	m.mu.Lock()
	m.check = func(_ cursor, state map[string]string) { seen[state["/app/n"]]++ }
	m.mu.Unlock()
	for i := range 4 {
		s.Put("/app/n", fmt.Sprint(2*i+1))
		s.Restart()
		s.Put("/app/n", fmt.Sprint(2*i+2))
	}
	m.holds(soon, "/app/n", "8")
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range 8 {
		if seen[fmt.Sprint(i+1)] == 0 {
			t.Errorf("step %d was never seen", i+1)
		}
	}
}

// A hole swallows everything and closes nothing.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	s, p, m := away(t, "/app/a", "1")
	m.forget()
	p.Hole()
	s.Put("/app/a", "2")
	took, _ := m.fails(deadWithin)
	t.Logf("noticed after %v", took)
	p.Pass()
	m.holds(soon, "/app/a", "2")
}

func TestCompactedWhileAway(t *testing.T) {
	t.Parallel()
	s, p, m := away(t, "/app/a", "1", "/app/gone", "1")
	p.Refuse()
	for i := range 20 {
		s.Put("/app/a", fmt.Sprint(i))
	}
	s.Delete("/app/gone")
	s.Compact(0)
	p.Pass()
	m.holds(soon, "/app/a", "19")
}

// An older state comes back and nobody writes.
func TestRestored(t *testing.T) {
	t.Parallel()
	s, _, m := away(t, "/app/a", "old")
	restore := s.Save()
	s.Put("/app/a", "new", "/app/b", "new")
	m.holds(soon, "/app/a", "new", "/app/b", "new")
	restore()
	m.holds(2*soon, "/app/a", "old")
	s.Put("/app/a", "newer")
	m.holds(soon, "/app/a", "newer")
}

// An older state comes back and has overtaken the newer one before wconf sees
// it.
func TestRestoredAndOvertaken(t *testing.T) {
	t.Parallel()
	s, p, m := away(t, "/app/a", "old")
	restore := s.Save()
	s.Put("/app/a", "lost", "/app/lost", "1", "/elsewhere", "1")
	m.holds(soon, "/app/a", "lost", "/app/lost", "1")
	p.Refuse()
	restore()
	for i := range 10 {
		s.Put("/elsewhere", fmt.Sprint(i))
	}
	p.Pass()
	m.holds(2*soon, "/app/a", "old")
}

// Another, empty cluster stands at the address.
func TestReplaced(t *testing.T) {
	t.Parallel()
	s, _, m := away(t, "/app/a", "1")
	s.Wipe()
	m.holds(2 * soon)
	s.Put("/app/a", "2")
	m.holds(soon, "/app/a", "2")
}

// Three members: the leader dies, the stream's member freezes, the others go.
func TestCluster(t *testing.T) {
	t.Parallel()
	members := etcdtest.Cluster(t, 3)
	var nodes []string
	for _, s := range members {
		nodes = append(nodes, s.Endpoint)
	}
	at := &streamMember{}
	b := openReal(t, backend.Config{Log: slog.New(at)}, nodes...)
	m := newMirror(t, b, "/app").run()
	members[0].Put("/app/a", "1")
	m.holds(soon, "/app/a", "1")

	leader, other := byRole(t, members)
	leader.Kill()
	other.Put("/app/a", "2")
	t.Logf("leader killed: %v after the write", m.holds(3*time.Second, "/app/a", "2"))
	leader.Restart()

	frozen := at.of(t, members)
	frozen.Pause()
	for _, s := range members {
		if s != frozen {
			other = s
		}
	}
	other.Put("/app/a", "3")
	t.Logf("stream's member frozen: %v after the write", m.holds(deadWithin, "/app/a", "3"))
	frozen.Resume()
	frozen.Await()

	lonely := newMirror(t, openReal(t, backend.Config{}, members[0].Endpoint), "/app").run()
	lonely.holds(soon, "/app/a", "3")
	members[1].Kill()
	members[2].Kill()
	took, err := lonely.fails(10 * time.Second)
	t.Logf("majority lost: %v after %v", err, took)
	members[1].Launch()
	members[2].Launch()
	members[0].Await()
	members[0].Put("/app/a", "4")
	lonely.holds(soon, "/app/a", "4")
	m.holds(soon, "/app/a", "4")
	if n := m.listings(); n != 1 {
		t.Errorf("listed %d times, want once", n)
	}
}

// byRole is the leader of a cluster and another member.
func byRole(t *testing.T, members []*etcdtest.Server) (leader, other *etcdtest.Server) {
	t.Helper()
	for _, s := range members {
		r, err := s.Client().Status(context.Background(), s.Endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if r.Leader == r.Header.MemberId {
			leader = s
		} else {
			other = s
		}
	}
	return leader, other
}

// streamMember is a log handler that notes which member a stream is with.
type streamMember struct {
	mu sync.Mutex
	id string
}

func (h *streamMember) Enabled(context.Context, slog.Level) bool { return true }
func (h *streamMember) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *streamMember) WithGroup(string) slog.Handler            { return h }

func (h *streamMember) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "member" {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.id = a.Value.String()
		}
		return true
	})
	return nil
}

func (h *streamMember) of(t *testing.T, members []*etcdtest.Server) *etcdtest.Server {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range members {
		r, err := s.Client().Status(context.Background(), s.Endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%x", r.Header.MemberId) == h.id {
			return s
		}
	}
	t.Fatalf("no member is %s", h.id)
	return nil
}

// Events that nobody takes stay with the server.
func TestSlowReceiverMemory(t *testing.T) {
	t.Parallel()
	s := etcdtest.Start(t)
	b := openReal(t, backend.Config{}, s.Endpoint)
	s.Put("/app/n", "0")
	l := list(t, b, "/app")
	out, ended := make(chan backend.Batch), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { ended <- b.Watch(ctx, []string{"/app"}, l.Cursor, out) }()
	<-out
	const each, steps = 512 << 10, 240
	value := strings.Repeat("x", each)
	for i := range steps {
		s.Put("/app/n", fmt.Sprint(i, value))
	}
	const bar = 64 << 20
	held := heap()
	for end := time.Now().Add(soon); held > bar && time.Now().Before(end); held = heap() {
		time.Sleep(10 * time.Millisecond) // other tests run beside this one, and need some of it for a while
	}
	t.Logf("%d MiB unread, heap %d MiB", steps*each>>20, held>>20)
	if held > bar {
		t.Errorf("the heap holds %d MiB while %d MiB are unread", held>>20, steps*each>>20)
	}
	for i := range steps {
		var got string
		for got == "" { // signs of life in between
			select {
			case batch := <-out:
				if len(batch.Puts) == 1 {
					got, _, _ = strings.Cut(batch.Puts[0].Value, " ")
				}
			case err := <-ended:
				t.Fatalf("Watch ended: %v", err)
			}
		}
		if want, _, _ := strings.Cut(fmt.Sprint(i, value), " "); got[:min(3, len(got))] != want[:min(3, len(want))] {
			t.Fatalf("step %d is %.10q", i, got)
		}
	}
}

// heap is how many bytes are in use.
func heap() uint64 {
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	return mem.HeapAlloc
}

// A long backlog comes in fragments, through a network that breaks: no
// transaction is torn and none is missing.
func TestFragmentsOfBacklog(t *testing.T) {
	t.Parallel()
	s := etcdtest.Start(t)
	p := etcdtest.NewProxy(t, s.Endpoint)
	b := openReal(t, backend.Config{}, p.Endpoint)
	s.Put("/app/1", "0", "/app/2", "0")
	m, l := newMirror(t, b, "/app"), list(t, b, "/app")
	m.fold(backend.Batch{Full: true, Puts: l.Pairs, Cursor: l.Cursor})
	const steps = 300
	value := strings.Repeat("x", 30<<10)
	for i := range steps {
		s.Txn(clientv3.OpPut("/app/1", fmt.Sprint(i, value)), clientv3.OpPut("/app/2", fmt.Sprint(i, value)))
	}
	seen := 0
	m.check = func(_ cursor, state map[string]string) {
		if state["/app/1"] != state["/app/2"] {
			t.Error("a transaction is torn")
		}
		if seen++; seen%70 == 35 {
			p.Cut()
		}
	}
	for m.state["/app/1"] != fmt.Sprint(steps-1, value) {
		ctx, stop := context.WithCancel(t.Context())
		count := m.check
		m.check = func(at cursor, state map[string]string) {
			if count(at, state); seen >= steps {
				stop()
			}
		}
		if err := m.watch(ctx); errors.Is(err, backend.ErrCursorLost) {
			t.Fatal(err)
		}
		m.check = count
		stop()
	}
	if m.lists > 1 {
		t.Errorf("listed %d times", m.lists)
	}
}

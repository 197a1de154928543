package etcd

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/needs"
)

// history is what a store held at each revision, in each of its lives.
type history struct {
	mu     sync.Mutex
	states map[int64][]map[string]string
	rev    int64
	now    map[string]string
}

func (h *history) note(rev int64, state map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rev, h.now = rev, state
	h.states[rev] = append(h.states[rev], state)
}

func (h *history) knows(rev int64, state map[string]string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.states[rev] {
		if maps.Equal(s, state) {
			return true
		}
	}
	return false
}

// soak writes transactions over three prefixes while everything fails, and
// checks that each step that the mirror shows is what the store held at
// exactly that revision.
type soak struct {
	*testing.T
	*rand.Rand
	history
	server *etcdtest.Server
	proxy  *etcdtest.Proxy
	back   func() // restores the store that was saved
	saved  int64
	kept   map[string]string
	// lives counts the histories. It stands in the values: two histories whose
	// newest version is the same to the last byte cannot be told apart.
	lives int
}

func TestSoak(t *testing.T) {
	t.Parallel()
	run(t, etcdtest.Start(t), 8*time.Second)
}

// The same for longer, and on a version that cannot be asked for progress.
func TestLongSoak(t *testing.T) {
	t.Parallel()
	needs.Check(t, "two minutes")
	run(t, etcdtest.Start(t), 2*time.Minute)
}

func TestSoakDebian(t *testing.T) {
	t.Parallel()
	run(t, etcdtest.StartBinary(t, needs.Tool(t, "etcd")), 8*time.Second)
}

func run(t *testing.T, server *etcdtest.Server, length time.Duration) {
	s := &soak{T: t, Rand: rand.New(rand.NewPCG(1, 2)), server: server}
	s.states = map[int64][]map[string]string{}
	s.note(s.server.Revision(), map[string]string{})
	s.proxy = etcdtest.NewProxy(t, s.server.Endpoint)
	m := newMirror(t, openReal(t, backend.Config{}, s.proxy.Endpoint), "/a", "/b", "/c")
	steps := 0
	m.check = func(at cursor, state map[string]string) {
		if steps++; !s.knows(at.rev, state) {
			t.Errorf("at revision %d the mirror holds %v, which the store never did", at.rev, state)
		}
	}
	m.run()
	s.write()
	s.save()
	faults := []func(){s.proxy.Cut, s.refuse, s.restart, s.compact, s.save, s.restore, s.overtake, s.cutOften}
	rounds, longest := 0, time.Duration(0)
	for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); rounds++ {
		s.write()
		faults[s.IntN(len(faults))]()
		s.write()
		if s.IntN(4) > 0 { // else the next fault hits a mirror that is behind
			longest = max(longest, s.caughtUp(m))
		}
	}
	s.proxy.Pass()
	s.write()
	longest = max(longest, s.caughtUp(m))
	m.mu.Lock()
	defer m.mu.Unlock()
	t.Logf("%d faults, %d revisions, %d steps checked, %d lists, %d watches ended, caught up within %v", rounds, s.rev, steps, m.lists, m.breaks, longest)
}

// caughtUp waits until the mirror holds what the store holds.
func (s *soak) caughtUp(m *mirror) time.Duration {
	s.Helper()
	return m.until("what the store holds", 20*time.Second, func(m *mirror) bool { return maps.Equal(m.state, s.now) })
}

// write makes some transactions.
func (s *soak) write() {
	for range 5 + s.IntN(30) {
		next, ops := maps.Clone(s.now), []clientv3.Op(nil)
		for _, k := range s.Perm(12)[:1+s.IntN(6)] {
			key := fmt.Sprintf("/%c/%d", 'a'+k%3, k)
			if s.IntN(4) == 0 {
				delete(next, key)
				ops = append(ops, clientv3.OpDelete(key))
			} else {
				next[key] = fmt.Sprint(s.lives, " ", s.IntN(5))
				ops = append(ops, clientv3.OpPut(key, next[key]))
			}
		}
		if maps.Equal(next, s.now) && !puts(ops) {
			continue // etcd makes no revision of deletes that delete nothing
		}
		s.note(s.rev+1, next)
		if rev := s.server.Txn(ops...); rev != s.rev {
			s.Fatalf("revision %d, expected %d", rev, s.rev)
		}
	}
}

func puts(ops []clientv3.Op) bool {
	for _, op := range ops {
		if op.IsPut() {
			return true
		}
	}
	return false
}

func (s *soak) refuse() {
	s.proxy.Refuse()
	s.write()
	if s.IntN(2) == 0 {
		s.compact()
	}
	s.write()
	s.proxy.Pass()
}

func (s *soak) cutOften() {
	for range 5 {
		s.proxy.Cut()
		s.write()
	}
}

func (s *soak) restart() {
	s.server.Kill()
	s.server.Restart()
}

func (s *soak) compact() {
	if s.saved > 0 && s.rev > 1 {
		s.server.Compact(s.rev - s.Int64N(min(3, s.rev-1)))
	}
}

func (s *soak) save() {
	s.saved, s.kept = s.rev, s.now
	s.back = s.server.Save()
}

func (s *soak) restore() {
	s.back()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rev, s.now = s.saved, s.kept
	s.lives++
}

// overtake restores while the mirror is cut off, and writes past the old
// revision.
func (s *soak) overtake() {
	s.proxy.Refuse()
	old := s.rev
	s.restore()
	for s.rev <= old {
		s.write()
	}
	s.proxy.Pass()
}

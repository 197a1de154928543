package cache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/kv"
)

// script is a store whose answers a test writes down.
type script struct {
	lists  []answer
	listed int
	asked  [][]string
	watch  chan any // a backend.Batch, or an error that ends the watch
	from   []backend.Cursor

	prefixes []string // to ask for; nil: all
}

type answer struct {
	pairs  []kv.Pair
	cursor backend.Cursor
	err    error
}

func (s *script) List(_ context.Context, prefixes []string) (backend.Listing, error) {
	a := s.lists[min(s.listed, len(s.lists)-1)]
	s.listed++
	s.asked = append(s.asked, prefixes)
	return backend.Listing{Pairs: a.pairs, Cursor: a.cursor}, a.err
}

func (s *script) Watch(ctx context.Context, _ []string, from backend.Cursor, out chan<- backend.Batch) error {
	s.from = append(s.from, from)
	for {
		select {
		case x := <-s.watch:
			if err, ok := x.(error); ok {
				return err
			}
			select {
			case out <- x.(backend.Batch):
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *script) Close() error { return nil }

// begin makes a script ready for a test, and says what to ask it for.
func (s *script) begin() []string {
	s.watch = make(chan any)
	if s.prefixes == nil {
		s.prefixes = []string{"/"}
	}
	return s.prefixes
}

type store interface {
	backend.Backend
	begin() []string
}

func pairs(kvs ...string) (ps []kv.Pair) {
	for i := 0; i < len(kvs); i += 2 {
		ps = append(ps, kv.Pair{Key: kvs[i], Value: kvs[i+1]})
	}
	return ps
}

// run starts a cache on a script and hands both to f, in virtual time.
func run(t *testing.T, s store, o cache.Options, f func(c *cache.Cache)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		c := cache.New(s, o)
		c.SetPrefixes(s.begin())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		synctest.Wait()
		f(c)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func holds(t *testing.T, c *cache.Cache, kvs ...string) {
	t.Helper()
	want := map[string]string{}
	for _, p := range pairs(kvs...) {
		want[p.Key] = p.Value
	}
	if got := maps.Collect(c.Snapshot().From("")); !maps.Equal(got, want) {
		t.Fatalf("the cache holds %v, want %v", got, want)
	}
}

func TestFollow(t *testing.T) {
	s := &script{lists: []answer{{pairs("/a", "1", "/b", "1"), "c1", nil}}}
	kicks := 0
	run(t, s, cache.Options{Notify: func() { kicks++ }}, func(c *cache.Cache) {
		holds(t, c, "/a", "1", "/b", "1")
		if u, ok := c.Take(); !ok || !u.First || len(u.Changes) != 0 {
			t.Fatalf("first update: %+v, %v", u, ok)
		}
		s.watch <- backend.Batch{Puts: pairs("/a", "2"), Cursor: "c2"}
		s.watch <- backend.Batch{Puts: pairs("/a", "1", "/c", "1"), Deletes: []string{"/b"}, Cursor: "c3"}
		synctest.Wait()
		u, ok := c.Take()
		if !ok || len(u.Changes) != 2 || u.Changes[0].Key != "/b" || u.Changes[0].New != nil || u.Changes[1].Key != "/c" {
			t.Fatalf("merged update: %+v, %v", u, ok) // /a ended where it began
		}
		before := kicks
		s.watch <- backend.Batch{Cursor: "c4"} // only a sign of life
		synctest.Wait()
		if _, ok := c.Take(); ok || kicks != before {
			t.Fatal("a batch without a change woke somebody")
		}
		s.watch <- errors.New("stream broke")
		time.Sleep(time.Second)
		synctest.Wait()
		if s.listed != 1 || s.from[len(s.from)-1] != "c4" {
			t.Fatalf("listed %d times, resumed from %q", s.listed, s.from)
		}
		s.watch <- backend.ErrCursorLost
		time.Sleep(time.Second)
		synctest.Wait()
		if s.listed != 2 {
			t.Fatalf("listed %d times after the cursor was lost", s.listed)
		}
	})
}

// A store that is away when wconf starts, and again later.
func TestAway(t *testing.T) {
	var log bytes.Buffer
	s := &script{lists: []answer{{err: errors.New("connection refused")}, {err: errors.New("connection refused")}, {pairs("/a", "1"), "c1", nil}}}
	run(t, s, cache.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, func(c *cache.Cache) {
		if st := c.Status(); st.Connected || st.Err == nil || !st.Stale(time.Now().Add(time.Minute)) {
			t.Fatalf("status while away: %+v", st)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		holds(t, c, "/a", "1")
		if st := c.Status(); !st.Connected || st.Stale(time.Now()) || st.Keys != 1 {
			t.Fatalf("status: %+v", st)
		}
		for range 5 {
			s.watch <- errors.New("stream broke")
		}
		holds(t, c, "/a", "1")
	})
	if n := strings.Count(log.String(), "connection refused"); n != 1 {
		t.Errorf("the same failure was logged %d times:\n%s", n, log.String())
	}
}

// An answer that has lost everything is believed only when a second one says
// the same.
func TestShrink(t *testing.T) {
	for _, c := range []struct {
		name   string
		second []kv.Pair
		want   []string
	}{
		{"a wrong answer", pairs("/a", "1"), []string{"/a", "1"}},
		{"the truth", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}, {c.second, "c9", nil}}}
			run(t, s, cache.Options{}, func(ca *cache.Cache) {
				s.watch <- backend.Batch{Full: true, Cursor: "c2"}
				synctest.Wait()
				holds(t, ca, "/a", "1")
				time.Sleep(2 * time.Second)
				synctest.Wait()
				holds(t, ca, c.want...)
				if from := s.from[len(s.from)-1]; from != "c9" {
					t.Errorf("the watch goes on from %q", from)
				}
			})
		})
	}
	s := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		c.AllowEmpty([]string{"/"})
		s.watch <- backend.Batch{Deletes: []string{"/a"}, Cursor: "c2"}
		synctest.Wait()
		holds(t, c)
	})
}

func TestPrefixes(t *testing.T) {
	s := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}, {pairs("/a", "1", "/b", "2"), "c2", nil}}}
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		c.SetPrefixes([]string{"/", "/b"}) // covered
		synctest.Wait()
		if s.listed != 1 {
			t.Fatal("a prefix that was covered cost a list")
		}
		c.SetPrefixes([]string{"/b", "/a/x", "/a"})
		synctest.Wait()
		holds(t, c, "/a", "1", "/b", "2")
		if got := strings.Join(s.asked[1], " "); got != "/a /b" {
			t.Errorf("asked for %s", got)
		}
	})
}

// Keys that are not clean paths stay invisible and never become other keys.
func TestHidden(t *testing.T) {
	var log bytes.Buffer
	s := &script{lists: []answer{{pairs("/app/tenant/../../admin/pw", "evil", "/admin/pw", "good", "/a//b", "x", "c", "y"), "c1", nil}}}
	run(t, s, cache.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, func(c *cache.Cache) {
		holds(t, c, "/admin/pw", "good")
		s.watch <- backend.Batch{Puts: pairs("/a//b", "z", "/n", "1"), Cursor: "c2"}
		synctest.Wait()
		holds(t, c, "/admin/pw", "good", "/n", "1")
		if c.Status().Hidden != 3 {
			t.Errorf("hidden: %+v", c.Status())
		}
	})
	if n := strings.Count(log.String(), "stays invisible"); n != 3 || strings.Contains(log.String(), "evil") {
		t.Errorf("log:\n%s", log.String())
	}
}

// The second look is for every prefix that somebody reads, also one within
// another; a single key that goes is a deletion like any other.
func TestShrinkWithin(t *testing.T) {
	s := &script{lists: []answer{{pairs("/app/a", "1", "/app/c/x", "1", "/app/c/y", "1", "/one", "1"), "c1", nil}}}
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		c.SetPrefixes([]string{"/app", "/app/c", "/one"})
		time.Sleep(time.Second)
		synctest.Wait()
		s.watch <- backend.Batch{Deletes: []string{"/one"}, Cursor: "c2"}
		synctest.Wait()
		holds(t, c, "/app/a", "1", "/app/c/x", "1", "/app/c/y", "1")
		listed := s.listed
		s.watch <- backend.Batch{Deletes: []string{"/app/c/x", "/app/c/y"}, Cursor: "c3"}
		synctest.Wait()
		holds(t, c, "/app/a", "1", "/app/c/x", "1", "/app/c/y", "1")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s.listed != listed+1 {
			t.Errorf("listed %d times", s.listed-listed)
		}
	})
}

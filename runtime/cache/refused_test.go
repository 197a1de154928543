package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/cache"
)

// guarded is a script whose store does not let everything be read.
type guarded struct {
	*script
	closed atomic.Value // []string
}

func newGuarded(prefixes ...string) *guarded {
	return &guarded{script: &script{lists: []answer{{pairs("/a/x", "1"), "c1", nil}}, prefixes: prefixes}}
}

func (s *guarded) close(prefixes ...string) *guarded {
	s.closed.Store(prefixes)
	return s
}

func (s *guarded) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	if refused, _ := s.Refused(ctx, prefixes); len(refused) > 0 {
		return backend.Listing{}, fmt.Errorf("denied: %w", backend.ErrRefused)
	}
	return s.script.List(ctx, prefixes)
}

func (s *guarded) Refused(_ context.Context, prefixes []string) (refused []string, err error) {
	for _, p := range prefixes {
		if slices.Contains(s.closed.Load().([]string), p) {
			refused = append(refused, p)
		}
	}
	return refused, nil
}

// What one resource may not read keeps nobody else from its keys, and is read
// when it may be.
func TestRefused(t *testing.T) {
	var o cache.Options
	log := logged(&o)
	s := newGuarded("/a", "/b").close("/b", "/")
	run(t, s, o, func(c *cache.Cache) {
		covers := func(want ...string) {
			t.Helper()
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if got := s.asked[len(s.asked)-1]; !slices.Equal(got, want) || !c.Status().Connected {
				t.Fatalf("asked for %q, want %q; %+v", got, want, c.Status())
			}
		}
		covers("/a")
		holds(t, c, "/a/x", "1")
		if u, ok := c.Take(); !ok || !slices.Equal(u.Prefixes, []string{"/a"}) {
			t.Errorf("%+v", u)
		}
		c.SetPrefixes([]string{"/a", "/b", "/"}) // and all
		covers("/a")
		if n := s.listed; n != 2 {
			t.Errorf("listed %d times", n)
		}
		s.close("/")
		covers("/a", "/b")
		s.close()
		covers("/")
		s.close("/") // from now on
		c.SetPrefixes([]string{"/a"})
		covers("/a")
	})
	if n := strings.Count(log.String(), "refuses some keys"); n != 2 || !strings.Contains(log.String(), `err="/b: list: denied`) {
		t.Errorf("log:\n%s", log)
	}
}

// Where nothing else is left, or it was read before, the store is away.
func TestRefusedAltogether(t *testing.T) {
	s := newGuarded("/a").close("/a")
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		if st := c.Status(); st.Connected || !errors.Is(st.Err, backend.ErrRefused) || c.Snapshot() != nil {
			t.Errorf("%+v", st)
		}
		s.close()
		time.Sleep(time.Minute)
		synctest.Wait()
		holds(t, c, "/a/x", "1")
		s.close("/a")
		c.SetPrefixes([]string{"/a", "/b"})
		time.Sleep(time.Minute)
		synctest.Wait()
		if st := c.Status(); st.Connected || !errors.Is(st.Err, backend.ErrRefused) {
			t.Errorf("%+v", st)
		}
		holds(t, c, "/a/x", "1")
	})
}

func TestFillRefused(t *testing.T) {
	s := newGuarded().close("/b")
	c := cache.New(s, cache.Options{})
	c.SetPrefixes([]string{"/a", "/b"})
	if err := c.Fill(t.Context()); !errors.Is(err, backend.ErrRefused) || !strings.HasPrefix(err.Error(), "/b: ") {
		t.Errorf("Fill: %v", err)
	}
	holds(t, c, "/a/x", "1")
}

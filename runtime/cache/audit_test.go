package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/kv"
)

// compared is a script whose store can be compared.
type compared struct {
	*script
	says []bool // one for each comparison; the last again and again
	n    atomic.Int32
	err  error
}

func (s *compared) Differs(context.Context, []string, *kv.Snapshot) (bool, error) {
	return s.says[min(int(s.n.Add(1)), len(s.says))-1], s.err
}

func TestAudit(t *testing.T) {
	for name, c := range map[string]struct {
		says  []bool
		lists int
		found int
	}{
		"equal":           {[]bool{false}, 1, 0},
		"only in passing": {[]bool{true, true, false}, 1, 0},
		"different":       {[]bool{true}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var o cache.Options
			log := logged(&o)
			s := &compared{script: &script{lists: []answer{{pairs("/secret", "1"), "c1", nil}, {pairs("/secret", "2", "/b", "1"), "c2", nil}}}, says: c.says}
			run(t, s, o, func(ca *cache.Cache) {
				differs, err := ca.Audit(context.Background())
				if differs != (c.found > 0) || err != nil {
					t.Fatalf("differs %v, %v", differs, err)
				}
				synctest.Wait()
				if st := ca.Status(); st.Audits != 1 || st.Differences != c.found || st.Audited.IsZero() || s.listed != c.lists {
					t.Fatalf("listed %d times, status %+v", s.listed, st)
				}
				if c.found > 0 {
					holds(t, ca, "/secret", "2", "/b", "1")
				}
			})
			line := "level=INFO msg=\"the store was compared with the cache\" backend=\"\" keys=1 differing=0"
			if c.found > 0 {
				line = "they were listed again\" backend=\"\" keys=2 differing=2"
			}
			if strings.Count(log.String(), line) != 1 || strings.Count(log.String(), "differing") != 1 || strings.Contains(log.String(), "/secret") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// A day and a little: at most daily, and each host at another time.
func TestAuditDaily(t *testing.T) {
	for range 20 {
		s := &compared{script: &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}, says: []bool{false}}
		run(t, s, cache.Options{}, func(*cache.Cache) {
			time.Sleep(24*time.Hour - time.Second)
			synctest.Wait()
			if s.n.Load() != 0 {
				t.Error("audited within a day of the start")
			}
			time.Sleep(5 * time.Hour)
			synctest.Wait()
			if s.n.Load() != 1 {
				t.Error("not audited for 29 hours")
			}
			time.Sleep(300 * 24 * time.Hour)
			synctest.Wait()
			if n := s.n.Load(); n < 251 || n > 301 || s.listed != 1 {
				t.Errorf("audited %d times in 301 days, listed %d times", n, s.listed)
			}
		})
	}
}

// An audit that was asked for puts the next one off.
func TestAuditAfterDemand(t *testing.T) {
	s := &compared{script: &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}, says: []bool{false}}
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		time.Sleep(20 * time.Hour)
		if _, err := c.Audit(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Second)
		synctest.Wait()
		if n := s.n.Load(); n != 1 {
			t.Errorf("audited %d times within a day", n)
		}
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		if n := s.n.Load(); n != 2 {
			t.Errorf("audited %d times in 50 hours", n)
		}
	})
}

// What the store's own watch finds to differ counts as what an audit finds.
func TestDifferenceInPassing(t *testing.T) {
	var o cache.Options
	log := logged(&o)
	s := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}, {pairs("/a", "2", "/b", "1"), "c2", nil}}}
	run(t, s, o, func(c *cache.Cache) {
		s.watch <- fmt.Errorf("%w: %w", backend.ErrCursorLost, backend.ErrDiffers)
		time.Sleep(time.Second)
		synctest.Wait()
		holds(t, c, "/a", "2", "/b", "1")
		if st := c.Status(); st.Audits != 1 || st.Differences != 1 || !st.Audited.Equal(time.Now().Add(-time.Second)) {
			t.Errorf("status %+v", st)
		}
		s.watch <- fmt.Errorf("%w: compacted", backend.ErrCursorLost)
		time.Sleep(time.Second)
		synctest.Wait()
		if st := c.Status(); st.Audits != 1 || st.Differences != 1 || s.listed != 3 {
			t.Errorf("a lost cursor was counted: %+v", st)
		}
	})
	if n := strings.Count(log.String(), "keys=2 differing=2"); n != 1 {
		t.Errorf("log:\n%s", log)
	}
}

// An audit that was asked for while the store was away is made when it is back,
// once.
func TestAuditMadeUpFor(t *testing.T) {
	s := &compared{script: &script{lists: []answer{{err: errRefused}, {pairs("/a", "1"), "c1", nil}}}, says: []bool{false}}
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		away := func() {
			t.Helper()
			if _, err := c.Audit(context.Background()); !errors.Is(err, cache.ErrNotConnected) {
				t.Fatalf("while the store was away: %v", err)
			}
		}
		audits := func(want int) {
			t.Helper()
			time.Sleep(time.Minute)
			synctest.Wait()
			if st := c.Status(); st.Audits != want || !st.Connected {
				t.Fatalf("%d audits, want %d: %+v", st.Audits, want, st)
			}
		}
		away() // before the first list
		away()
		audits(1)
		s.watch <- errRefused
		synctest.Wait()
		away()
		s.watch <- backend.Batch{Cursor: "c2"} // as after a watch that went on
		audits(2)
		s.watch <- errRefused
		synctest.Wait()
		s.watch <- backend.Batch{Puts: pairs("/a", "2"), Cursor: "c3"}
		audits(2) // nobody has asked
	})
}

func TestAuditThatCannotBe(t *testing.T) {
	s := &compared{script: &script{lists: []answer{{err: errRefused}}}, says: []bool{true}}
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		if _, err := c.Audit(context.Background()); !errors.Is(err, cache.ErrNotConnected) || s.n.Load() > 0 {
			t.Errorf("while the store was away: %v", err)
		}
	})
	s = &compared{script: &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}, says: []bool{true}, err: errRefused}
	run(t, s, cache.Options{}, func(c *cache.Cache) {
		if _, err := c.Audit(context.Background()); !errors.Is(err, errRefused) || !c.Status().Audited.IsZero() {
			t.Errorf("the store did not answer: %v, %+v", err, c.Status())
		}
	})
	plain := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}
	run(t, plain, cache.Options{}, func(c *cache.Cache) {
		if _, err := c.Audit(context.Background()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a store that cannot be compared: %v", err)
		}
	})
}

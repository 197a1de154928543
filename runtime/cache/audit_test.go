package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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
				if st := ca.Status(); st.Differences != c.found || st.Audited.IsZero() || s.listed != c.lists {
					t.Fatalf("listed %d times, status %+v", s.listed, st)
				}
				if c.found > 0 {
					holds(t, ca, "/secret", "2", "/b", "1")
				}
			})
			if warned := strings.Contains(log.String(), "differing=2"); warned != (c.found > 0) || strings.Contains(log.String(), "/secret") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func TestAuditDaily(t *testing.T) {
	s := &compared{script: &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}, says: []bool{false}}
	run(t, s, cache.Options{}, func(*cache.Cache) {
		time.Sleep(19 * time.Hour)
		synctest.Wait()
		if s.n.Load() != 0 {
			t.Error("audited at once")
		}
		time.Sleep(30 * 24 * time.Hour)
		synctest.Wait()
		if n := s.n.Load(); n < 25 || n > 38 || s.listed != 1 {
			t.Errorf("audited %d times in 31 days, listed %d times", n, s.listed)
		}
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

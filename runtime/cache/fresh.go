package cache

import (
	"time"

	"github.com/wconf/wconf/runtime/kv"
)

// staleAfter is how long a store may be away before what it said is called
// stale. What it said keeps serving either way.
const staleAfter = 15 * time.Second

// quietAfter is how often the same failure is logged again.
const quietAfter = time.Minute

// Status is how a cache stands with its store.
type Status struct {
	Connected bool      // the last list or watch has not failed since
	Contact   time.Time // when the store last said something; zero: never
	Err       error     // why it is not connected
	Keys      int       // in the snapshot
	Hidden    int       // keys of the store that are not canonical

	// FromDisk: since the start the store has said nothing, and the keys are
	// those of the cache file. Contact is then when they were the store's.
	FromDisk bool

	Audited     time.Time // when the store and the cache were last compared; zero: never
	Audits      int       // how many comparisons there were
	Differences int       // how many of them found other keys in the store
}

// Stale tells whether the keys may have changed unseen: the store has been away
// for long, or has said nothing since the start.
func (s Status) Stale(now time.Time) bool {
	return !s.Connected && (s.FromDisk || now.Sub(s.Contact) > staleAfter)
}

// Status is how the cache stands with its store now.
func (c *Cache) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Status{
		Connected: c.connected(), Contact: c.fresh.at, Err: c.fresh.err,
		Keys: c.snapshot.Len(), Hidden: len(c.hidden), FromDisk: c.fresh.disk,
		Audited: c.audits.at, Audits: c.audits.made, Differences: c.audits.found,
	}
}

func (c *Cache) connected() bool {
	return c.fresh.err == nil && !c.fresh.at.IsZero() && !c.fresh.disk
}

type freshness struct {
	at     time.Time
	err    error
	logged time.Time // when err was last logged
	disk   bool      // nobody has spoken; at is what the cache file says
}

// contact notes that the store spoke; true when it had been away.
func (f *freshness) contact(now time.Time) (back bool) {
	back = f.err != nil || f.disk
	f.at, f.err, f.disk = now, nil, false
	return back
}

// broke notes a failure and logs it: a new one at once, the same one once a
// minute.
func (c *Cache) broke(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.fresh
	same := f.err != nil && f.err.Error() == err.Error()
	f.err = err
	now := c.opt.Now()
	if same && now.Sub(f.logged) < quietAfter {
		return
	}
	f.logged = now
	c.opt.Log.Warn("the store is away; the last keys keep serving", "backend", c.opt.Name, "err", err)
}

// hidden is the names of keys that are not canonical, of which each is named
// once in the log; it is bounded.
type hidden map[string]struct{}

const maxHidden = 1000

func (h *hidden) drop(pairs []kv.Pair, log logger, name string) []kv.Pair {
	var kept []kv.Pair // nil while all are
	for i, p := range pairs {
		if kv.Canonical(p.Key) {
			if kept != nil {
				kept = append(kept, p)
			}
			continue
		}
		if kept == nil {
			kept = append(make([]kv.Pair, 0, len(pairs)), pairs[:i]...)
		}
		h.note(p.Key, log, name)
	}
	if kept == nil {
		return pairs
	}
	return kept
}

type logger interface{ Warn(msg string, args ...any) }

func (h *hidden) note(key string, log logger, name string) {
	if _, known := (*h)[key]; known || len(*h) >= maxHidden {
		return
	}
	if *h == nil {
		*h = hidden{}
	}
	(*h)[key] = struct{}{}
	log.Warn("a key that is not a clean path stays invisible", "backend", name, "key", key)
}

// Package cache is the hot cache: it lists a store once, follows it, resumes
// where it broke off, and always has the newest whole snapshot. Stale beats
// partial: while the store is away the last snapshot keeps serving, and with a
// cache file also over a restart.
//
// It never interprets a value and never writes to a store.
package cache

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// Update is everything that happened since the last one was taken.
type Update struct {
	Snapshot *kv.Snapshot
	Changes  []kv.Change // merged by key, in order; empty in the first update
	First    bool        // there was no snapshot before
	Prefixes []string    // what the snapshot holds all keys of
}

// Options has a useful zero value.
type Options struct {
	Name   string           // of the store, for the log
	Notify func()           // called, from any goroutine, whenever Take has something new
	Now    func() time.Time // the clock; nil is time.Now
	Log    *slog.Logger     // nil: discard

	// File keeps the keys for a start without the store, their values
	// included, mode 0600; empty: nothing is kept. Run alone reads and writes
	// it. Each store needs one of its own.
	File string
	// Store tells the store from others, for File: its kind, its nodes, what
	// else decides over its keys. It is written down; no passwords.
	Store string
}

// Cache keeps the newest snapshot of one store.
type Cache struct {
	backend backend.Backend
	opt     Options

	mu        sync.Mutex
	prefixes  []string            // what is read
	wanted    map[string]struct{} // the same, those that lie within another, and those that are refused
	refused   []string            // what the store does not let this user read
	refusedAt time.Time           // since when
	mayEmpty  []string            // see AllowEmpty
	restart   context.CancelFunc  // ends the watch that follows other prefixes
	snapshot  *kv.Snapshot
	news      []kv.Change // since the last Take
	told      bool        // Take has returned a first snapshot
	covers    []string    // the prefixes that were listed
	widened   bool        // covers has changed since the last Take
	cursor    backend.Cursor
	fresh     freshness
	hidden    hidden
	start     start
	audits    audits
	saved     image // what the cache file holds

	unsaved  chan struct{} // the cache file has to be written
	auditing chan struct{} // holds one place
	owed     chan struct{} // an audit has to be made up for
}

// New makes a cache; Run fills it.
func New(b backend.Backend, o Options) *Cache {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notify == nil {
		o.Notify = func() {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Cache{backend: b, opt: o, unsaved: make(chan struct{}, 1), auditing: make(chan struct{}, 1), owed: make(chan struct{}, 1)}
}

// SetPrefixes says what to keep: clean paths, "/" for everything. Asking for
// nothing new costs nothing; otherwise a running cache lists the store again.
func (c *Cache) SetPrefixes(prefixes []string) {
	wanted := map[string]struct{}{}
	for _, p := range prefixes {
		wanted[p] = struct{}{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = wanted
	if !c.choose(slices.DeleteFunc(slices.Clone(c.refused), func(p string) bool { _, ok := wanted[p]; return !ok })) {
		c.choose(nil) // what was refused is all that is left
	}
}

// AllowEmpty says which of the prefixes may lose all of their keys without a
// second look at the store.
func (c *Cache) AllowEmpty(prefixes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mayEmpty = slices.Clone(prefixes)
}

// outermost drops the prefixes that lie within another.
func outermost(prefixes []string) []string {
	roots := kv.NewScope("", prefixes).Roots()
	return slices.Clip(roots)
}

// Fill lists the store once, for a run that does not watch. Where the store
// refuses a part, that is an error, and the rest is there.
func (c *Cache) Fill(ctx context.Context) error {
	prefixes := c.asked()
	if prefixes == nil {
		c.Apply(backend.Batch{Full: true})
		return nil
	}
	err := c.list(ctx, prefixes)
	if refused := c.without(ctx, prefixes, err); refused != nil {
		return cmp.Or(c.Fill(ctx), refused)
	}
	return err
}

// Apply takes one step of the store's history into the snapshot. It refuses,
// with false, a step after which some prefix that had keys has none: the
// caller has to look again (see AllowEmpty).
func (c *Cache) Apply(b backend.Batch) bool { return c.apply(b, c.asked(), false) }

// Believe takes a step as Apply does, also one after which nothing is left: for
// whoever is the store.
func (c *Cache) Believe(b backend.Batch) { c.apply(b, c.asked(), true) }

func (c *Cache) asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prefixes
}

// Lose notes that the store is away, until the next step.
func (c *Cache) Lose(err error) { c.broke(err) }

// apply takes a batch that tells about prefixes.
func (c *Cache) apply(b backend.Batch, prefixes []string, believed bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	puts := c.hidden.drop(b.Puts, c.opt.Log, c.opt.Name)
	var next *kv.Snapshot
	var changes []kv.Change
	switch {
	case c.snapshot == nil:
		next = kv.NewSnapshot(puts)
	case b.Full:
		next, changes = c.snapshot.Replace(puts)
	default:
		next, changes = c.snapshot.Apply(puts, b.Deletes)
	}
	if !believed && c.shrunk(next, changes) {
		return false
	}
	if c.snapshot == nil || b.Full && !slices.Equal(c.covers, prefixes) {
		c.covers, c.widened = prefixes, true
	}
	c.snapshot, c.cursor = next, b.Cursor
	c.news = kv.Merge(c.news, changes)
	back := c.fresh.contact(c.opt.Now())
	c.start.heard(b)
	if b.Full {
		c.mended(len(changes))
	}
	if c.fileLacksKeys() {
		wake(c.unsaved)
	}
	if c.audits.owed && (back || b.Full) {
		wake(c.owed)
	}
	if !c.start.waits() && (c.widened || len(changes) > 0 || back) {
		c.opt.Notify()
	}
	return true
}

// Take returns what happened since the last Take, or false when nothing did or
// there is no snapshot yet.
func (c *Cache) Take() (Update, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot == nil || c.start.waits() || c.told && len(c.news) == 0 && !c.widened {
		return Update{}, false
	}
	u := Update{Snapshot: c.snapshot, First: !c.told, Prefixes: c.covers}
	if c.told {
		u.Changes = c.news
	}
	c.news, c.told, c.widened = nil, true, false
	return u, true
}

// Snapshot is the newest whole snapshot, nil before the first.
func (c *Cache) Snapshot() *kv.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start.waits() {
		return nil
	}
	return c.snapshot
}

// Package cache is the hot cache: it lists a store once, follows it, resumes
// where it broke off, and always has the newest whole snapshot. Stale beats
// partial: while the store is away the last snapshot keeps serving.
//
// It never interprets a value and never writes to a store.
package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

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
	Name       string           // of the store, for the log
	AllowEmpty []string         // prefixes that may lose all of their keys without a second look
	Notify     func()           // called, from any goroutine, whenever Take has something new
	Now        func() time.Time // the clock; nil is time.Now
	Log        *slog.Logger     // nil: discard
}

// Cache keeps the newest snapshot of one store.
type Cache struct {
	backend backend.Backend
	opt     Options

	mu       sync.Mutex
	prefixes []string
	restart  context.CancelFunc // ends the watch that follows other prefixes
	snapshot *kv.Snapshot
	news     []kv.Change // since the last Take
	told     bool        // Take has returned a first snapshot
	covers   []string    // the prefixes that were listed
	widened  bool        // covers has changed since the last Take
	fresh    freshness
	hidden   hidden
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
	return &Cache{backend: b, opt: o}
}

// SetPrefixes says what to keep: clean paths, "/" for everything. Asking for
// nothing new costs nothing; otherwise a running cache lists the store again.
func (c *Cache) SetPrefixes(prefixes []string) {
	prefixes = outermost(prefixes)
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Equal(prefixes, c.prefixes) {
		return
	}
	c.prefixes = prefixes
	if c.restart != nil {
		c.restart()
	}
}

// outermost drops the prefixes that lie within another.
func outermost(prefixes []string) []string {
	roots := kv.NewScope("", prefixes).Roots()
	return slices.Clip(roots)
}

// Run lists, then follows the store until ctx is done. Whatever fails is
// tried again after a while: at once at first, every ten seconds in the end.
func (c *Cache) Run(ctx context.Context) error {
	retry := newRetry()
	var cursor backend.Cursor
	listed := false
	for {
		round, prefixes := c.round(ctx)
		if prefixes == nil { // nothing is asked for
			<-round.Done()
		} else if err := c.follow(round, prefixes, &cursor, &listed, retry); round.Err() == nil {
			c.broke(err)
			listed = listed && !errors.Is(err, backend.ErrCursorLost)
			pause(round, retry.NextBackOff())
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if round.Err() != nil { // other prefixes from now on
			listed = false
		}
	}
}

// round is the context of following one set of prefixes.
func (c *Cache) round(ctx context.Context) (context.Context, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	round, stop := context.WithCancel(ctx)
	c.restart = stop
	return round, c.prefixes
}

func (c *Cache) follow(ctx context.Context, prefixes []string, cursor *backend.Cursor, listed *bool, retry backoff.BackOff) error {
	if !*listed {
		if err := c.list(ctx, prefixes, cursor); err != nil {
			return err
		}
		*listed = true
	}
	for {
		if err := c.watch(ctx, prefixes, cursor, retry); !errors.Is(err, errShrunk) {
			return err
		}
		if err := c.confirm(ctx, prefixes, cursor); err != nil {
			return err
		}
	}
}

func (c *Cache) list(ctx context.Context, prefixes []string, cursor *backend.Cursor) error {
	l, err := c.backend.List(ctx, prefixes)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	if !c.apply(backend.Batch{Full: true, Puts: l.Pairs}, prefixes, false) {
		return c.confirm(ctx, prefixes, cursor)
	}
	*cursor = l.Cursor
	return nil
}

// watch takes batches until the backend ends its watch.
func (c *Cache) watch(ctx context.Context, prefixes []string, cursor *backend.Cursor, retry backoff.BackOff) error {
	ctx, stop := context.WithCancel(ctx)
	batches, ended := make(chan backend.Batch), make(chan error, 1)
	go func() { ended <- c.backend.Watch(ctx, prefixes, *cursor, batches) }()
	for {
		select {
		case b := <-batches:
			retry.Reset()
			if !c.apply(b, prefixes, false) {
				stop()
				<-ended
				return errShrunk
			}
			*cursor = b.Cursor
		case err := <-ended:
			stop()
			if err == nil {
				err = errors.New("the watch ended")
			}
			return fmt.Errorf("watch: %w", err)
		}
	}
}

var errShrunk = errors.New("a prefix lost all of its keys")

// confirm lists the store a second time, a second after a prefix lost all of
// its keys, and believes what it says then: a store that was restored empty,
// or a proxy that answers for it, must not empty a configuration by a single
// answer.
func (c *Cache) confirm(ctx context.Context, prefixes []string, cursor *backend.Cursor) error {
	c.opt.Log.Warn("a prefix lost all of its keys; listing the store again before that is believed", "backend", c.opt.Name)
	pause(ctx, time.Second)
	l, err := c.backend.List(ctx, prefixes)
	if err != nil {
		return fmt.Errorf("list again: %w", err)
	}
	c.apply(backend.Batch{Full: true, Puts: l.Pairs}, prefixes, true)
	*cursor = l.Cursor
	return nil
}

// Fill lists the store once, for a run that does not watch.
func (c *Cache) Fill(ctx context.Context) error {
	c.mu.Lock()
	prefixes := c.prefixes
	c.mu.Unlock()
	if prefixes == nil {
		c.Apply(backend.Batch{Full: true})
		return nil
	}
	var cursor backend.Cursor
	return c.list(ctx, prefixes, &cursor)
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
	next, changes := c.snapshot, []kv.Change(nil)
	switch {
	case c.snapshot == nil:
		next = kv.NewSnapshot(puts)
	case b.Full:
		next, changes = c.snapshot.Replace(puts)
	default:
		next, changes = c.snapshot.Apply(puts, b.Deletes)
	}
	if !believed && c.shrunk(next) {
		return false
	}
	if c.snapshot == nil || b.Full && !slices.Equal(c.covers, prefixes) {
		c.covers, c.widened = prefixes, true
	}
	c.snapshot = next
	c.news = kv.Merge(c.news, changes)
	back := c.fresh.contact(c.opt.Now())
	if c.widened || len(changes) > 0 || back {
		c.opt.Notify()
	}
	return true
}

// shrunk tells whether a prefix that has keys would have none.
func (c *Cache) shrunk(next *kv.Snapshot) bool {
	if c.snapshot == next {
		return false
	}
	for _, p := range c.prefixes {
		if holds(c.snapshot, p) && !holds(next, p) && !slices.Contains(c.opt.AllowEmpty, p) {
			return true
		}
	}
	return false
}

func holds(s *kv.Snapshot, prefix string) bool {
	for range s.Under(prefix) {
		return true
	}
	return false
}

// Take returns what happened since the last Take, or false when nothing did or
// there is no snapshot yet.
func (c *Cache) Take() (Update, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot == nil || c.told && len(c.news) == 0 && !c.widened {
		return Update{}, false
	}
	u := Update{Snapshot: c.snapshot, Changes: c.news, First: !c.told, Prefixes: c.covers}
	c.news, c.told, c.widened = nil, true, false
	return u, true
}

// Snapshot is the newest whole snapshot, nil before the first.
func (c *Cache) Snapshot() *kv.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot
}

func newRetry() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, Multiplier: 2, MaxInterval: 10 * time.Second, RandomizationFactor: 0.5}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

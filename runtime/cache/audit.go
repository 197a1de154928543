package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/wconf/wconf/runtime/backend"
)

// The watch and its probes promise that the cache holds what the store does.
// An audit does not believe them: it compares every key. It is the net under
// mistakes of servers and of this program; it has to find nothing, for ever.

// audits is what the audits of a cache came to.
type audits struct {
	at     time.Time
	made   int
	found  int
	repair bool // the next list mends what an audit found
	owed   bool // one was asked for while the store was away
}

// note counts an audit.
func (a *audits) note(now time.Time, differs bool) {
	a.at, a.owed = now, false
	a.made++
	if differs {
		a.found++
		a.repair = true
	}
}

// A comparison that finds a difference is made again before that is believed:
// a step that the watch hands over just then looks like one.
var auditAgain = []time.Duration{500 * time.Millisecond, 2 * time.Second}

const (
	auditEvery = 24 * time.Hour
	auditRetry = time.Hour // when the store was away, or did not answer
)

// ErrNotConnected is returned by Audit while the cache does not follow the
// store.
var ErrNotConnected = errors.New("the store is away")

// Audit compares the store with the cache, every key of it, and tells whether
// they differ. Then the store is listed again. It is meant for a cache that
// runs, and costs the store a read of all its keys. A store that offers no
// comparison (see backend.Resyncer) is errors.ErrUnsupported. One that is away
// is ErrNotConnected, and is compared when it is back.
func (c *Cache) Audit(ctx context.Context) (differs bool, err error) {
	if differs, err = c.audit(ctx); errors.Is(err, ErrNotConnected) {
		c.owe()
	}
	return differs, err
}

func (c *Cache) audit(ctx context.Context) (differs bool, err error) {
	store, ok := c.backend.(backend.Resyncer)
	if !ok {
		return false, fmt.Errorf("audit: comparing is %w by this store", errors.ErrUnsupported)
	}
	select {
	case c.auditing <- struct{}{}:
		defer func() { <-c.auditing }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	differs, err = c.differs(ctx, store)
	for _, wait := range auditAgain {
		if !differs || err != nil {
			break
		}
		pause(ctx, wait)
		differs, err = c.differs(ctx, store)
	}
	if err != nil {
		return false, fmt.Errorf("audit: %w", err)
	}
	c.audited(differs)
	return differs, nil
}

func (c *Cache) differs(ctx context.Context, store backend.Resyncer) (bool, error) {
	c.mu.Lock()
	s, prefixes, follows := c.snapshot, c.covers, c.follows()
	c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case !follows:
		return false, ErrNotConnected
	}
	return store.Differs(ctx, prefixes, s)
}

// owe has the audit made up for as soon as the store speaks: perhaps it has just
// done so.
func (c *Cache) owe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.audits.owed = true
	if c.follows() {
		wake(c.owed)
	}
}

// follows tells whether the cache is one of what is asked for, and the store has
// not failed since.
func (c *Cache) follows() bool { return c.connected() && slices.Equal(c.covers, c.prefixes) }

// audited notes how an audit ended. After a difference the cache lists again,
// and says then how many keys differed: the comparison ends at the first.
func (c *Cache) audited(differs bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.audits.note(c.opt.Now(), differs)
	switch {
	case !differs:
		c.opt.Log.Info("the store was compared with the cache", "backend", c.opt.Name, "keys", c.snapshot.Len(), "differing", 0)
	case c.restart != nil:
		c.restart()
	}
}

// differed notes a difference that the watch itself found; it has ended, and
// the cache lists again.
func (c *Cache) differed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.audits.note(c.opt.Now(), true)
}

// mended says what a list after a difference changed.
func (c *Cache) mended(differing int) {
	if !c.audits.repair {
		return
	}
	c.audits.repair = false
	c.opt.Log.Warn("the store held other keys than the cache; they were listed again", "backend", c.opt.Name, "keys", c.snapshot.Len(), "differing", differing)
}

// auditDaily audits at most once a day, each host at another time. It also makes
// up for an audit that was asked for while the store was away.
func (c *Cache) auditDaily(ctx context.Context) {
	if _, ok := c.backend.(backend.Resyncer); !ok {
		return
	}
	for wait := auditEvery; ; {
		select {
		case <-time.After(wait + rand.N(wait/5)):
			if wait = c.auditLeft(); wait > 0 {
				continue
			}
		case <-c.owed:
		case <-ctx.Done():
			return
		}
		wait = auditEvery
		switch _, err := c.audit(ctx); {
		case ctx.Err() != nil:
		case errors.Is(err, ErrNotConnected):
			wait = auditRetry
		case err != nil:
			c.opt.Log.Warn("the store could not be compared with the cache", "backend", c.opt.Name, "err", err)
			wait = auditRetry
		}
	}
}

// auditLeft is how long it is until a day after the last audit, which somebody
// may have asked for; zero when it is over.
func (c *Cache) auditLeft() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := auditEvery - c.opt.Now().Sub(c.audits.at)
	if c.audits.at.IsZero() || left <= 0 {
		return 0
	}
	return max(left, time.Second)
}

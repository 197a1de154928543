package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/backend"
)

// A store may refuse a part of what is asked for: one resource names keys that
// this user may not read. All other resources go on without that part, and
// nobody sees its keys as absent: the snapshot does not cover them.

// refusedAgain is how often a store is asked whether it still refuses.
const refusedAgain = time.Minute

// choose says what is read: what is asked for and not refused, if that is
// anything. A running cache lists the store again for something new.
func (c *Cache) choose(refused []string) bool {
	var readable []string
	for p := range c.wanted {
		if !slices.Contains(refused, p) {
			readable = append(readable, p)
		}
	}
	prefixes := outermost(readable)
	if prefixes == nil && len(c.wanted) > 0 {
		return false
	}
	if !slices.Equal(refused, c.refused) {
		c.refused, c.refusedAt = refused, c.opt.Now()
	}
	if slices.Equal(prefixes, c.prefixes) {
		return true
	}
	c.prefixes = prefixes
	if c.restart != nil {
		c.restart()
	}
	return true
}

// without goes on without what the store refuses of prefixes, if that is what
// err says, and returns an error that names it; nil where that does not help.
// What was read before and is refused now is kept, as when the store is away.
func (c *Cache) without(ctx context.Context, prefixes []string, err error) error {
	store, ok := c.backend.(backend.Refuser)
	if !ok || !errors.Is(err, backend.ErrRefused) {
		return nil
	}
	refused, askErr := store.Refused(ctx, prefixes)
	if askErr != nil || len(refused) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	read := func(p string) bool { return backend.Under(p, c.covers) }
	if slices.ContainsFunc(refused, read) || !c.choose(slices.Concat(c.refused, refused)) {
		return nil
	}
	return fmt.Errorf("%s: %w", strings.Join(refused, " "), err)
}

// Refused is what the store does not let this user read of what is asked for,
// and since when that is known.
func (c *Cache) Refused() (prefixes []string, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused, c.refusedAt
}

// watchRefused asks now and then for what the store refused.
func (c *Cache) watchRefused(ctx context.Context) {
	store, ok := c.backend.(backend.Refuser)
	for ok && ctx.Err() == nil {
		pause(ctx, refusedAgain)
		asked, _ := c.Refused()
		if len(asked) == 0 {
			continue
		}
		if still, err := store.Refused(ctx, asked); err == nil {
			c.mu.Lock()
			c.choose(slices.DeleteFunc(slices.Clone(c.refused), func(p string) bool {
				return slices.Contains(asked, p) && !slices.Contains(still, p)
			}))
			c.mu.Unlock()
		}
	}
}

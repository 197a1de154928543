package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wconf/wconf/runtime/backend"
)

// Run lists, then follows the store until ctx is done. Whatever fails is
// tried again after a while: at once at first, every ten seconds in the end.
// Beside that it writes the cache file and, once a day, holds the cache
// against the store.
func (c *Cache) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { c.keepFile(ctx) })
	beside.Go(func() { c.auditDaily(ctx) })
	beside.Go(func() { c.watchRefused(ctx) })
	err := c.run(ctx)
	c.giveUp()
	beside.Wait()
	c.save()
	return err
}

func (c *Cache) run(ctx context.Context) error {
	retry := newRetry()
	listed, begun := false, false
	for {
		round, prefixes := c.round(ctx)
		if !begun && prefixes != nil {
			begun, listed = true, c.recall(prefixes)
		}
		if prefixes == nil { // nothing is asked for
			<-round.Done()
		} else if err := c.follow(round, prefixes, &listed, retry); round.Err() == nil {
			if refused := c.without(round, prefixes, err); refused != nil {
				c.opt.Log.Warn("the store refuses some keys; what wants them waits, the rest goes on", "backend", c.opt.Name, "err", refused)
			} else if errors.Is(err, backend.ErrCursorLost) {
				c.opt.Log.Info("the store's history went on; listing it again", "backend", c.opt.Name, "err", err)
				listed = false
				if errors.Is(err, backend.ErrDiffers) {
					c.differed()
				}
			} else {
				c.broke(err)
				c.show()
			}
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

func (c *Cache) follow(ctx context.Context, prefixes []string, listed *bool, retry backoff.BackOff) error {
	if !*listed {
		if err := c.list(ctx, prefixes); err != nil {
			return err
		}
		*listed = true
	}
	for {
		if err := c.watch(ctx, prefixes, retry); !errors.Is(err, errShrunk) {
			return err
		}
		if err := c.confirm(ctx, prefixes); err != nil {
			return err
		}
	}
}

func (c *Cache) list(ctx context.Context, prefixes []string) error {
	l, err := c.backend.List(ctx, prefixes)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	if !c.apply(backend.Batch{Full: true, Puts: l.Pairs, Cursor: l.Cursor}, prefixes, false) {
		return c.confirm(ctx, prefixes)
	}
	return nil
}

// watch takes batches until the backend ends its watch.
func (c *Cache) watch(ctx context.Context, prefixes []string, retry backoff.BackOff) error {
	ctx, stop := context.WithCancel(ctx)
	batches, ended := make(chan backend.Batch), make(chan error, 1)
	from := c.stands()
	go func() { ended <- c.backend.Watch(ctx, prefixes, from, batches) }()
	for {
		select {
		case b := <-batches:
			retry.Reset()
			if !c.apply(b, prefixes, false) {
				stop()
				<-ended
				return errShrunk
			}
		case err := <-ended:
			stop()
			if err == nil {
				err = errors.New("the watch ended")
			}
			return fmt.Errorf("watch: %w", err)
		}
	}
}

// stands is the place in the store's history that the snapshot is of.
func (c *Cache) stands() backend.Cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cursor
}

var errShrunk = errors.New("a prefix lost all of its keys")

// confirm lists the store a second time, a second after a prefix lost all of
// its keys, and believes what it says then: a store that was restored empty,
// or a proxy that answers for it, must not empty a configuration by a single
// answer.
func (c *Cache) confirm(ctx context.Context, prefixes []string) error {
	c.opt.Log.Warn("a prefix lost all of its keys; listing the store again before that is believed", "backend", c.opt.Name)
	pause(ctx, time.Second)
	l, err := c.backend.List(ctx, prefixes)
	if err != nil {
		return fmt.Errorf("list again: %w", err)
	}
	c.apply(backend.Batch{Full: true, Puts: l.Pairs, Cursor: l.Cursor}, prefixes, true)
	return nil
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

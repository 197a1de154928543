package cache

import (
	"context"
	"slices"
	"time"
)

// keepFile writes the cache file some time after changes, and now and then
// only because the store's history went on.
func (c *Cache) keepFile(ctx context.Context) {
	if c.opt.File == "" {
		return
	}
	idle := time.NewTicker(time.Hour)
	defer idle.Stop()
	for ctx.Err() == nil {
		select {
		case <-c.unsaved:
			pause(ctx, time.Second) // what comes close together is one write
		case <-idle.C:
		case <-ctx.Done():
		}
		if ctx.Err() == nil {
			pause(ctx, c.save())
		}
	}
}

// save writes the cache file if it does not hold what the cache does, and
// returns how long to wait before the next time.
func (c *Cache) save() time.Duration {
	im, ok := c.unsavedImage()
	if !ok {
		return 0
	}
	size, err := writeFile(c.opt.File, im)
	if err != nil {
		c.opt.Log.Warn("the cache file cannot be written", "backend", c.opt.Name, "path", c.opt.File, "err", err)
		return failedPace
	}
	c.mu.Lock()
	c.saved = im
	c.mu.Unlock()
	return max(pace, time.Duration(size)*time.Second/bytesPerSecond)
}

// Writing is bounded: by a pace, and on average by bytes.
const (
	pace           = 5 * time.Second
	failedPace     = time.Minute
	bytesPerSecond = 1 << 20
)

func (c *Cache) unsavedImage() (image, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opt.File == "" || c.snapshot == nil || c.fresh.disk || !c.fileLacksKeys() && c.saved.Cursor == c.cursor {
		return image{}, false
	}
	return image{Store: c.opt.Store, Prefixes: c.covers, Cursor: c.cursor, At: c.fresh.at, snapshot: c.snapshot}, true
}

func (c *Cache) fileLacksKeys() bool {
	return c.saved.snapshot != c.snapshot || !slices.Equal(c.saved.Prefixes, c.covers)
}

// wake makes the receiver of a channel with one place look, now or later.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

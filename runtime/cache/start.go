package cache

import (
	"errors"
	"io/fs"
	"time"

	"github.com/wconf/wconf/runtime/backend"
)

// A start with a cache file has keys before the store has said a word. They
// may be older than the files that were rendered last, so they are not shown
// while the store may still tell what happened since: the watch goes on from
// the file's cursor, and what it brings first is taken along. Only when the
// store refuses, or says nothing for a while, the start goes without it.

const (
	patience = 3 * time.Second       // with a store that says nothing
	settled  = 50 * time.Millisecond // without a further step: the store has told everything
)

// start is the time between the loading of the cache file and the moment at
// which its keys are shown. The zero value is a start that is over.
type start struct{ timer *time.Timer }

func (s *start) waits() bool { return s.timer != nil }

// heard notes that the store spoke. A batch that changes nothing, or says
// everything, is the last word; after a step there may be another.
func (s *start) heard(b backend.Batch) {
	switch {
	case !s.waits():
	case b.Full || len(b.Puts)+len(b.Deletes) == 0:
		s.timer.Stop()
		s.timer = nil
	default:
		s.timer.Reset(settled)
	}
}

// recall takes the keys from the cache file. It tells whether the store can be
// watched from there instead of listed.
func (c *Cache) recall(prefixes []string) bool {
	if c.opt.File == "" {
		return false
	}
	im, err := readFile(c.opt.File, c.opt.Store, prefixes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case errors.Is(err, errOtherPrefixes):
		c.opt.Log.Warn("the cache file cannot be used; it is written anew when the store answers", "backend", c.opt.Name, "path", c.opt.File, "err", err)
		return false
	case err != nil:
		c.opt.Log.Warn("the cache file cannot be used and was set aside", "backend", c.opt.Name, "path", c.opt.File, "err", errors.Join(err, setAside(c.opt.File)))
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot, c.cursor, c.covers, c.widened = im.snapshot, im.Cursor, prefixes, true
	c.fresh.at, c.fresh.disk = im.At, true
	whole := im.Cursor != ""
	if whole {
		c.saved = im
	}
	c.start.timer = time.AfterFunc(patience, c.show)
	return whole
}

// show ends the wait for the store.
func (c *Cache) show() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.start.waits() {
		return
	}
	c.start.timer.Stop()
	c.start.timer = nil
	if c.fresh.disk {
		c.opt.Log.Warn("the store is away; starting with the keys of the cache file", "backend", c.opt.Name, "path", c.opt.File, "keys", c.snapshot.Len(), "from", c.fresh.at)
	}
	c.opt.Notify()
}

// giveUp ends the wait without showing anything.
func (c *Cache) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start.waits() {
		c.start.timer.Stop()
	}
}

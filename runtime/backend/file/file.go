// Package file reads keys from YAML, JSON and TOML files: confd's file backend.
// Later files win over earlier ones; a directory stands for the files in it.
//
// A file that is broken, half saved or gone is never part of the truth: List
// fails, and a Watch leaves the last good keys alone until the file is whole
// again.
package file

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/notify"
)

// Factory opens files.
var Factory = backend.Factory{
	Name: "file",
	Doc:  "YAML, JSON and TOML files (-file, repeatable) and directories of them (-filter)",
	Open: open,
}

type files struct {
	life    backend.Lifetime
	paths   []string // as they were given; later ones win
	filter  string
	watcher notify.Watcher
	grace   time.Duration

	mu    sync.Mutex
	pipes map[string][]byte   // what was read of files that can be read once
	good  map[string]struct{} // files that were not empty when last all was well
	said  string              // the failure that Watch has returned already
	early chan content        // what Prepare reads; nil when it does not
}

// grace is how long a file may be missing, empty or broken before that is more
// than somebody saving it.
const grace = time.Second

func open(c backend.Config) (backend.Backend, error) {
	if len(c.Files) == 0 {
		return nil, errors.New("the file backend needs at least one -file")
	}
	if _, err := filepath.Match(c.Filter, ""); err != nil {
		return nil, fmt.Errorf("filter %q: %w", c.Filter, err)
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &files{
		paths: c.Files, filter: c.Filter, watcher: notify.Watcher{Log: log}, grace: grace,
		pipes: map[string][]byte{},
	}, nil
}

// Prepare implements backend.Preparer: the whole files are read whatever is
// asked for.
func (f *files) Prepare(ctx context.Context) {
	ctx, free := f.life.Bind(ctx)
	early := make(chan content, 1)
	f.mu.Lock()
	f.early = early
	f.mu.Unlock()
	go func() {
		defer free()
		defer close(early)
		if seen, err := f.read(ctx); err == nil {
			early <- seen
		}
	}()
}

// prepared is what Prepare has read, once.
func (f *files) prepared(ctx context.Context) (seen content, ok bool) {
	f.mu.Lock()
	early := f.early
	f.early = nil
	f.mu.Unlock()
	if early == nil {
		return content{}, false
	}
	select {
	case seen, ok = <-early:
	case <-ctx.Done():
	}
	return seen, ok
}

// List implements backend.Backend. The error of a file that does not parse is
// a *problem.Problem with its place.
func (f *files) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	ctx, free := f.life.Bind(ctx)
	defer free()
	seen, ok := f.prepared(ctx)
	if !ok {
		var err error
		if seen, err = f.read(ctx); err != nil {
			return backend.Listing{}, err
		}
	}
	f.believe(seen)
	pairs := backend.Below(seen.pairs, prefixes)
	return backend.Listing{Pairs: pairs, Cursor: backend.ContentCursor(pairs)}, nil
}

// believe remembers which files hold something.
func (f *files) believe(seen content) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.good, f.said = seen.filled, ""
}

// doubtful tells whether a file that held something has become empty or is
// gone: perhaps somebody is just writing it.
func (f *files) doubtful(seen content) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path := range f.good {
		if _, ok := seen.filled[path]; !ok {
			return true
		}
	}
	return false
}

// alreadySaid tells whether err has been returned before, and remembers it.
func (f *files) alreadySaid(err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	again := f.said == err.Error()
	f.said = err.Error()
	return again
}

// Close implements backend.Backend.
func (f *files) Close() error { return f.life.Close() }

// content is everything the files say at one moment.
type content struct {
	pairs  []kv.Pair           // each key once
	filled map[string]struct{} // the files that are not empty
}

package rancher

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// state is what the server said at one moment.
type state struct {
	pairs    []kv.Pair
	versions versions
	content  backend.Cursor
	present  []string // paths that are there
	missing  []string // and those that are not
	merged   []string // lists in which several elements have one name
}

// stableReads is how often a read is tried while the versions change under it.
const stableReads = 3

var errRestless = errors.New("the metadata changes faster than it can be read")

// read reads everything below prefixes between two looks at the versions that
// say the same. before is what the first look would say, if that is known. One
// subtree needs no second look: each answer of the server is of one moment, and
// the token from before it skips no change.
func (m *metadata) read(ctx context.Context, prefixes []string, before versions) (state, error) {
	for range stableReads {
		var err error
		if before == nil {
			if before, err = m.versionsOf(ctx, prefixes); err != nil {
				return state{}, err
			}
		}
		s := state{versions: before}
		if err := m.fetchAll(ctx, prefixes, &s); err != nil {
			return state{}, err
		}
		after := before
		if len(prefixes) > 1 || prefixes[0] == "/" {
			if after, err = m.versionsOf(ctx, prefixes); err != nil {
				return state{}, err
			}
		}
		if after.equal(before) {
			s.content = backend.ContentCursor(s.pairs)
			m.hasRead.Store(true)
			return s, nil
		}
		before = after
	}
	return state{}, errRestless
}

// atOnce is how many subtrees are asked for at one time.
const atOnce = 4

func (m *metadata) fetchAll(ctx context.Context, prefixes []string, s *state) error {
	paths := prefixes
	if prefixes[0] == "/" { // and none beside it
		if err := m.fetch(ctx, "/", s); err != nil {
			return err
		}
		paths = topLevel(s.pairs)
	}
	if len(paths) == 1 {
		return m.fetch(ctx, paths[0], s)
	}
	parts := make([]state, len(paths))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for i, path := range paths {
		all.Go(func() error { return m.fetch(ctx, path, &parts[i]) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for _, part := range parts {
		s.add(part)
	}
	return nil
}

// add takes in what was read of another subtree.
func (s *state) add(part state) {
	s.pairs = append(s.pairs, part.pairs...)
	s.present = append(s.present, part.present...)
	s.missing = append(s.missing, part.missing...)
	s.merged = append(s.merged, part.merged...)
}

// topLevel are the versions that "/" lists: {"latest": "/latest", …}.
func topLevel(pairs []kv.Pair) []string {
	var paths []string
	for _, p := range pairs {
		if p.Key == p.Value {
			paths = append(paths, p.Key)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// fetch adds the keys of one subtree.
func (m *metadata) fetch(ctx context.Context, path string, s *state) error {
	err := m.get(ctx, path, nil, m.timeout, func(body io.Reader) error {
		pairs, merged, err := flatten(body, path, m.nullAsText)
		s.add(state{pairs: pairs, merged: merged})
		return err
	})
	switch err {
	case nil:
		s.present = append(s.present, path)
	case errMissing:
		s.missing = append(s.missing, path)
		err = nil
	}
	return err
}

// cursor is the versions from before the read and a hash of what was read.
func (s state) cursor() backend.Cursor {
	text, err := json.Marshal(cursor{s.versions, s.content})
	if err != nil {
		panic(err) // strings
	}
	return backend.Cursor(text)
}

type cursor struct {
	Versions versions       `json:"versions"`
	Content  backend.Cursor `json:"content"`
}

// parseCursor reads a cursor. One that is none holds nothing.
func parseCursor(c backend.Cursor) cursor {
	var held cursor
	if json.Unmarshal([]byte(c), &held) != nil {
		return cursor{}
	}
	return held
}

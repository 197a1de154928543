package rancher

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

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
			return s, nil
		}
		before = after
	}
	return state{}, errRestless
}

func (m *metadata) fetchAll(ctx context.Context, prefixes []string, s *state) error {
	for _, prefix := range prefixes {
		paths := []string{prefix}
		if prefix == "/" {
			if err := m.fetch(ctx, "/", s); err != nil {
				return err
			}
			paths = topLevel(s.pairs)
		}
		for _, path := range paths {
			if err := m.fetch(ctx, path, s); err != nil {
				return err
			}
		}
	}
	return nil
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
		s.pairs = append(s.pairs, pairs...)
		s.merged = append(s.merged, merged...)
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

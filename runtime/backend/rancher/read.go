package rancher

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// state is what the server said at one moment.
type state struct {
	parts    []part
	versions versions
	content  backend.Cursor
	present  []string // paths that are there
	missing  []string // and those that are not
	merged   []string // lists in which several elements have one name

	from   backend.Cursor // the content that change leads on from; empty: none
	change change
}

// part is one subtree.
type part struct {
	path string
	*document
	change  change
	missing bool
}

// held is what was read last. Nobody changes it.
type held struct {
	documents map[string]*document
	content   backend.Cursor
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
		last := m.last.Load()
		parts, err := m.fetchAll(ctx, prefixes, last)
		if err != nil {
			return state{}, err
		}
		after := before
		if len(prefixes) > 1 || prefixes[0] == "/" {
			if after, err = m.versionsOf(ctx, prefixes); err != nil {
				return state{}, err
			}
		}
		if after.equal(before) {
			s := state{versions: before}
			m.last.Store(s.join(parts, last))
			m.broke.Store(false)
			return s, nil
		}
		before = after
	}
	return state{}, errRestless
}

// atOnce is how many subtrees are asked for at one time.
const atOnce = 4

func (m *metadata) fetchAll(ctx context.Context, prefixes []string, last *held) ([]part, error) {
	paths := prefixes
	var parts []part
	if prefixes[0] == "/" { // and none beside it
		top, err := m.fetch(ctx, "/", last)
		if err != nil {
			return nil, err
		}
		parts, paths = append(parts, top), topLevel(top.pairs())
	}
	if len(paths) == 1 {
		p, err := m.fetch(ctx, paths[0], last)
		return append(parts, p), err
	}
	more := make([]part, len(paths))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for i, path := range paths {
		all.Go(func() (err error) {
			more[i], err = m.fetch(ctx, path, last)
			return err
		})
	}
	err := all.Wait()
	return append(parts, more...), err
}

// join makes a state of its subtrees, and what to remember of it.
func (s *state) join(parts []part, last *held) *held {
	now := &held{documents: make(map[string]*document, len(parts))}
	contents := make([]kv.Pair, len(parts))
	followed := last != nil && len(last.documents) == len(parts)
	for i, p := range parts {
		now.documents[p.path] = p.document
		contents[i] = kv.Pair{Key: p.path, Value: string(p.content)}
		followed = followed && last.documents[p.path] != nil
		s.change.puts = append(s.change.puts, p.change.puts...)
		s.change.deletes = append(s.change.deletes, p.change.deletes...)
		s.merged = append(s.merged, p.merged...)
		if p.missing {
			s.missing = append(s.missing, p.path)
		} else {
			s.present = append(s.present, p.path)
		}
	}
	now.content = backend.ContentCursor(contents)
	if s.parts, s.content = parts, now.content; followed {
		s.from = last.content
	}
	return now
}

// pairs are all pairs in their order.
func (s state) pairs() []kv.Pair {
	var all []kv.Pair
	for _, p := range s.parts {
		all = append(all, p.document.pairs()...)
	}
	return all
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

// buffers are for answers, which are read in large steps.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

// fetch reads one subtree.
func (m *metadata) fetch(ctx context.Context, path string, last *held) (part, error) {
	p := part{path: path}
	var before *document
	if last != nil {
		before = last.documents[path]
	}
	err := m.get(ctx, path, nil, m.timeout, func(body io.Reader) (err error) {
		buffer := buffers.Get().(*bufio.Reader)
		buffer.Reset(body)
		p.document, p.change, err = flatten(buffer, path, m.nullAsText, before)
		buffer.Reset(nil)
		buffers.Put(buffer)
		return err
	})
	if err == errMissing {
		p.missing = true
		p.document, p.change = newKnown(before).follow(nil)
		err = nil
	}
	return p, err
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

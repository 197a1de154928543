package etcd

import (
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/wconf/wconf/runtime/backend"
)

// span is a stretch of etcd's key space: the keys from start up to, and not
// including, end. An empty end means the key start alone, everything the rest
// of the key space (etcd API, RangeRequest).
type span struct{ start, end string }

const (
	first      = "\x00" // the smallest key
	everything = "\x00" // as an end: no end
)

// next is the smallest key after key.
func next(key string) string { return key + "\x00" }

func (s span) holds(key string) bool {
	switch {
	case s.end == "":
		return key == s.start
	case s.end == everything:
		return key >= s.start
	}
	return key >= s.start && key < s.end
}

// exactly and below are the two parts of what is at or below a prefix.
// '0' is the byte after '/'.
func exactly(prefix string) span { return span{start: prefix} }
func below(prefix string) span   { return span{prefix + "/", prefix + "0"} }

// around is one span over both parts. It also holds "/app-old" for "/app":
// a watch drops those, and so needs one watcher where it would need two.
func around(prefix string) span { return span{prefix, prefix + "0"} }

// covering is one span over all of spans.
func covering(spans []span) span {
	c := spans[0]
	for _, s := range spans {
		c.start = min(c.start, s.start)
		switch {
		case s.end == everything || c.end == everything:
			c.end = everything
		case s.end == "":
			c.end = max(c.end, next(s.start))
		default:
			c.end = max(c.end, s.end)
		}
	}
	if c.end == "" {
		c.end = next(c.start)
	}
	return c
}

// scope is what is asked for: prefixes, in order, and whether keys without a
// leading slash appear below "/". Thousands of resources make thousands of
// prefixes, and a change must cost the same.
type scope struct {
	prefixes []string
	bare     bool
	roots    backend.Roots // the same prefixes
	id       uint32        // names the scope within a cursor
}

func (b *Backend) scope(prefixes []string) scope { return newScope(prefixes, b.bare) }

func newScope(prefixes []string, bare bool) scope {
	prefixes = slices.Sorted(slices.Values(prefixes))
	id := crc32.ChecksumIEEE([]byte(strconv.FormatBool(bare) + strings.Join(prefixes, "\x00")))
	return scope{prefixes, bare, backend.NewRoots(prefixes), id}
}

// path is the name that a key of the store appears under.
func (s scope) path(key string) string {
	if s.bare && !strings.HasPrefix(key, "/") {
		return "/" + key
	}
	return key
}

// holds tells whether a key of the store is asked for.
func (s scope) holds(key string) bool {
	path := s.path(key)
	return path[:min(1, len(path))] == "/" && s.roots.Cover(path)
}

// part is what has to be read for one prefix.
type part struct {
	self   span   // the prefix as a key, which a user may be refused
	tree   []span // what is below it
	around span   // one span that holds all of these
}

// parts is what has to be read: one part for each prefix, and one for its twin
// without a slash where those count, after it.
func (s scope) parts() []part {
	var ps []part
	for _, p := range s.prefixes {
		switch {
		case p != "/":
			ps = append(ps, partOf(p))
			if s.bare {
				ps = append(ps, partOf(p[1:]))
			}
		case s.bare:
			ps = append(ps, part{tree: []span{below(""), {first, "/"}, {"0", everything}}, around: span{first, everything}})
		default:
			ps = append(ps, part{tree: []span{below("")}, around: below("")})
		}
	}
	return ps
}

func partOf(prefix string) part {
	return part{exactly(prefix), []span{below(prefix)}, around(prefix)}
}

package funcs

import (
	"encoding/json"
	"fmt"
	"net"
	"reflect"
)

// deepest is how far lists and maps may lie in one another: printing one
// recurses, and Go ends the process when a stack grows past its limit.
// encoding/json reads at most 10,000 levels.
const deepest = 20_000

// shape is how large a value is when it is printed, or in memory if that is
// more.
type shape struct {
	depth int
	bytes int
}

// shapes remembers the shapes of lists and maps. A list can hold another one
// many times over, so that what is small in memory prints without end; fmt
// would build that text whole before a writer could refuse it. So a list or
// map is measured when it is built.
type shapes struct {
	most  int64
	known map[any]shape // by identity
	tails map[*any]int  // how much of an array that append made is in use
}

type listIdentity struct {
	first *any
	len   int
}

// measure is the shape of any value that a template can hold.
func (s *shapes) measure(v any) shape {
	switch v := v.(type) {
	case string:
		return shape{bytes: len(v)}
	case []any:
		return s.list(v)
	case map[string]any:
		return s.mapping(v)
	case []string:
		n := 2
		for _, e := range v {
			n = plus(n, len(e)+16)
		}
		return shape{1, n}
	case []Pair:
		n := 2
		for _, e := range v {
			n = plus(n, len(e.Key)+len(e.Value)+32)
		}
		return shape{1, n}
	case Pair:
		return shape{1, len(v.Key) + len(v.Value) + 3}
	case []int:
		return shape{1, 2 + 21*len(v)}
	case []*net.SRV:
		return shape{1, 2 + 300*len(v)}
	case []byte:
		return shape{1, 2 + 4*len(v)}
	case json.Number:
		return shape{bytes: len(v)}
	case fmt.Stringer:
		return shape{bytes: 512} // a time, a duration, a month
	}
	return shape{bytes: 32}
}

func (s *shapes) list(l []any) shape {
	if len(l) == 0 {
		return shape{1, 2}
	}
	id := listIdentity{&l[0], len(l)}
	if known, ok := s.known[id]; ok {
		return known
	}
	sum := shape{1, 2}
	for _, e := range l {
		sum = sum.with(s.measure(e))
	}
	s.remember(id, sum)
	return sum
}

func (s *shapes) mapping(m map[string]any) shape {
	id := reflect.ValueOf(m).UnsafePointer()
	if known, ok := s.known[id]; ok {
		return known
	}
	sum := shape{1, 5}
	for k, e := range m {
		sum = sum.with(s.measure(e))
		sum.bytes = plus(sum.bytes, len(k)+1)
	}
	s.remember(id, sum)
	return sum
}

func (s *shapes) remember(id any, sh shape) {
	if s.known == nil {
		s.known = map[any]shape{}
	}
	s.known[id] = sh
}

func (sh shape) with(element shape) shape {
	return shape{max(sh.depth, element.depth+1), plus(sh.bytes, plus(element.bytes, 1))}
}

func (s *shapes) refuse(sh shape) error {
	switch {
	case sh.depth > deepest:
		return ErrNesting
	case int64(sh.bytes) > s.most:
		return ErrBytes
	}
	return nil
}

// built accepts a list or map that a function has just made.
func (r *Run) built(v any) error { return r.shapes.refuse(r.shapes.measure(v)) }

// grow is l and v in a new list. A list that grew before keeps room for more,
// which only its longest form may take: so a loop that collects costs no more
// than it collects, and a shorter form never sees what was added later.
func (r *Run) grow(l []any, v any) ([]any, error) {
	s := &r.shapes
	sh := s.list(l).with(s.measure(v))
	if err := s.refuse(sh); err != nil {
		return nil, err
	}
	if len(l) == 0 || len(l) == cap(l) || s.tails[&l[0]] != len(l) {
		if err := r.Budget.Make(16 * (2*len(l) + 4)); err != nil {
			return nil, err
		}
		l = append(make([]any, 0, 2*len(l)+4), l...)
	}
	l = append(l, v)
	if s.tails == nil {
		s.tails = map[*any]int{}
	}
	s.tails[&l[0]] = len(l)
	s.remember(listIdentity{&l[0], len(l)}, sh)
	return l, r.Budget.Work(1)
}

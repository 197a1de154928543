package hostfuncs

import (
	"container/heap"
	"slices"
)

// walk is how far a call that may take long has come.
type walk struct {
	steps int   // of this call, which are paid for
	look  int   // at which step the next look at the limits is due
	left  int   // until the next one for other work
	ended error // why the session ended within a call

	texts runs // memory that serves again
}

// stepsAtOnce is what a call does before it looks at its limits: some
// microseconds.
const stepsAtOnce = 64

// begin is a new call.
func (w *walk) begin() { w.steps, w.look = 0, stepsAtOnce }

// step counts a step of a walk over keys, and tells whether to go on.
func (s *Session) step(cost int) bool {
	w := &s.walk
	if w.steps += cost; w.steps >= w.look {
		w.look = w.steps + stepsAtOnce
		s.check(w.price())
	}
	return w.ended == nil
}

func (w *walk) price() uint64 { return pricePerStep * uint64(w.steps) }

// goOn is step for work whose amount shows in the result, or depends on the
// version of a library.
func (s *Session) goOn(cost int) bool {
	w := &s.walk
	if w.left -= cost; w.left <= 0 {
		w.left = stepsAtOnce
		s.check(0)
	}
	return w.ended == nil
}

// check asks whether the session may go on.
func (s *Session) check(fuel uint64) {
	if s.Interrupt != nil && s.walk.ended == nil {
		s.walk.ended = s.Interrupt(fuel)
	}
}

// pairs is the KVS of what Glob finds.
func (s *Session) pairs(pattern string) ([]byte, int32) {
	kvs := s.encoder()
	err := s.Keys.Glob(pattern, s.step, func(key, value string) bool {
		if s.fits(kvs.size() + 8 + len(key) + len(value)) {
			kvs.pair(key, value)
			return true
		}
		kvs.over = true
		return false
	})
	return kvs.result(err)
}

// valuesOf is the LIST of the values that Glob finds, sorted.
func (s *Session) valuesOf(pattern string) ([]byte, int32) {
	l, size := s.encoder(), 4
	s.walk.texts.begin()
	err := s.Keys.Glob(pattern, s.step, func(_, value string) bool {
		size += 4 + len(value)
		s.walk.texts.add(value)
		return s.fits(size)
	})
	if l.over = !s.fits(size); !l.over {
		s.list(&l, size, false)
	}
	return l.result(err)
}

type lister func(dir string, step func(cost int) bool, found func(name string, leaf bool) bool)

// namesOf is the LIST of the names that a listing finds, sorted, each once.
func (s *Session) namesOf(list lister, dir string) ([]byte, int32) {
	l, keys, dirs := s.encoder(), 4, 4
	s.walk.texts.begin()
	list(dir, s.step, func(name string, leaf bool) bool {
		size := &dirs
		if leaf {
			size = &keys
		}
		*size += 4 + len(name)
		s.walk.texts.add(name)
		// Of keys, and of directories, one name at most comes twice: that of dir itself.
		return s.fits(*size - 4 - Longest)
	})
	if l.over = !s.fits(max(keys, dirs) - 4 - Longest); !l.over {
		s.list(&l, keys+dirs, true)
	}
	return l.result(nil)
}

// encoder takes the memory of the last result, which nobody asks for any more.
func (s *Session) encoder() encoder { return encoder{bytes: s.last.data[:0]} }

func (s *Session) fits(size int) bool { return size <= s.Limits.Result }

// list encodes the texts of the walk in their order; equal ones may count as one.
// Their size is at most most.
func (s *Session) list(l *encoder, most int, once bool) {
	l.bytes = slices.Grow(l.bytes, min(most, max(s.Limits.Result, 4)))
	last := ""
	s.inOrder(s.walk.texts, func(text string) bool {
		if once && l.n > 0 && text == last {
			return true
		}
		if l.over = !s.fits(l.size() + 4 + len(text)); l.over {
			return false
		}
		l.item(text)
		last = text
		return true
	})
}

// inOrder sorts texts, and calls f for each until it says no or the session ends.
func (s *Session) inOrder(texts runs, f func(text string) bool) {
	for _, run := range texts {
		if slices.Sort(run); !s.goOn(stepsAtOnce) {
			return
		}
	}
	m := merge(slices.Clone(texts))
	for heap.Init(&m); len(m) > 0; {
		if !s.goOn(1) || !f(m[0][0]) {
			return
		}
		if m[0] = m[0][1:]; len(m[0]) == 0 {
			heap.Pop(&m)
		} else {
			heap.Fix(&m, 0)
		}
	}
}

// runs is texts in short runs: neither sorting one nor getting memory for one
// takes long, and a collector of garbage takes its share of each piece at once.
type runs [][]string

const runLength = 1024

func (r *runs) begin() { *r = (*r)[:0] }

func (r *runs) add(text string) {
	n := len(*r) - 1
	if n < 0 || len((*r)[n]) == runLength {
		if n++; n < cap(*r) {
			*r = (*r)[:n+1]
			(*r)[n] = (*r)[n][:0]
		} else {
			*r = append(*r, nil)
		}
	}
	(*r)[n] = append((*r)[n], text)
}

// merge is a heap of sorted runs, none of them empty.
type merge [][]string

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return m[i][0] < m[j][0] }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }

// Push is there for the interface alone.
func (m *merge) Push(run any) { *m = append(*m, run.([]string)) }

// Pop takes the last.
func (m *merge) Pop() any {
	last := len(*m) - 1
	run := (*m)[last]
	*m = (*m)[:last]
	return run
}

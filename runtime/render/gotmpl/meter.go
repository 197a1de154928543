package gotmpl

import (
	"bytes"

	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// maxLevels bounds how deep templates call each other: Go's stack takes about
// a kilobyte for each level of controls in them. A range counts for many: it
// catches the panic by which text/template fails and panics again, so that
// the time to fail grows with the square of the ranges on the stack, and is
// half a minute for 7,000.
const (
	maxLevels      = 20_000
	levelsPerRange = 40
)

// meter is where a template writes: it counts, and collects what is written.
type meter struct {
	ticks  *ticks
	budget *funcs.Budget
	levels *int // of all files of the execution
	most   int
	out    []byte
	last   int // the last tick that was passed
}

// Write takes rendered bytes, or passes a tick.
func (m *meter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		if number, ok := m.ticks.number(p); ok {
			return 0, m.pass(number)
		}
	}
	if len(p) > m.most-len(m.out) {
		return 0, funcs.ErrOutput
	}
	if len(p) > cap(m.out)-len(m.out) {
		m.grow(len(p))
	}
	m.out = append(m.out, p...)
	return len(p), m.budget.Step()
}

// grow makes room for n more bytes, and never for more than may be written.
func (m *meter) grow(n int) {
	need := len(m.out) + n
	larger := make([]byte, len(m.out), min(max(need, 2*cap(m.out), bytes.MinRead), m.most))
	copy(larger, m.out)
	m.out = larger
}

func (m *meter) pass(number int) error {
	t := &m.ticks.places[number]
	if t.leave {
		*m.levels -= t.levels
		return nil
	}
	m.last = number
	if *m.levels += t.levels; *m.levels > maxLevels {
		return funcs.ErrNesting
	}
	return m.budget.Step()
}

package funcs

import (
	"context"
	"errors"
	"math"
)

// The reasons for which an execution is stopped. The words are stable.
var (
	ErrFuel    = errors.New("template ran out of fuel")
	ErrBytes   = errors.New("template builds too much text")
	ErrOutput  = errors.New("template writes too much")
	ErrNesting = errors.New("template nests too deep")
)

// Limits is what one execution of a template may use.
type Limits struct {
	Fuel   int64 // steps: rounds of a range, calls of a template, writes, and one for each 64 bytes that functions build
	Bytes  int64 // bytes that functions build, in all
	Output int64 // bytes of the rendered text, and so of any value in it
}

// Budget is what is left of the Limits of one execution.
type Budget struct {
	ctx         context.Context
	fuel, bytes int64
	most        int64 // bytes of one value
}

// Step takes one step. It looks at the context every 64 steps.
func (b *Budget) Step() error {
	b.fuel--
	if b.fuel&63 == 0 || b.fuel < 0 {
		return b.look()
	}
	return nil
}

func (b *Budget) look() error {
	if b.fuel < 0 {
		return ErrFuel
	}
	return b.ctx.Err()
}

// Make pays for n bytes before they are built.
func (b *Budget) Make(n int) error {
	if err := b.Room(n); err != nil {
		return err
	}
	b.bytes -= int64(n)
	b.fuel -= 1 + int64(n)/64
	return b.look()
}

// Room tells whether one value of n bytes could be built.
func (b *Budget) Room(n int) error {
	if int64(n) > min(b.bytes, b.most) {
		return ErrBytes
	}
	return nil
}

// Work pays for steps that build nothing.
func (b *Budget) Work(steps int) error {
	b.fuel -= int64(min(steps, math.MaxInt32))
	return b.look()
}

// Pay returns v after paying for what a method may build of it.
func (r *Run) Pay(v any) (any, error) {
	return v, r.Budget.Make(times(4, r.shapes.measure(v).bytes))
}

// plus and times count bytes of things that may be too large to exist.

func plus(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func times(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}

package wasm_test

import (
	"testing"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
)

// The price list fuel/1, by example. These numbers stand in manifests and tests
// of users: a change of any needs a new list.
func TestPriceList(t *testing.T) {
	const base = 3 // entering render, its last i32.const and its end
	r := newRuntime(t, wasm.Options{})
	for name, c := range map[string]struct {
		code string
		want uint64
	}{
		"nothing":      {``, base},
		"instructions": {`nop nop`, base + 2},
		"block":        {`(block nop)`, base + 3}, // block, nop, end
		"if, not taken": {`(if (local.get $n) (then nop nop))`,
			base + 5}, // local.get, if, nop, nop, end
		"loop of 10": {`(local.set $n (i32.const 10))
			(loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))`,
			base + 3 + 10*7}, // i32.const, local.set, loop; each round 1, and six instructions with the end
		"loop in a loop": {`(local.set $n (i32.const 4))
			(loop $l (local.set $m (i32.const 5))
				(loop $k (br_if $k (local.tee $m (i32.sub (local.get $m) (i32.const 1)))))
				(br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))`,
			base + 3 + 4*(7+3) + 4*5*7},
		"memory.grow":          {`(drop (memory.grow (i32.const 1)))`, base + 3 + 100},
		"memory.fill of 3200":  {`(memory.fill (i32.const 0) (i32.const 1) (i32.const 3200))`, base + 4 + 100},
		"memory.copy of 31":    {`(memory.copy (i32.const 0) (i32.const 1) (i32.const 31))`, base + 4},
		"write of 5":           {`(call $write (i32.const 0) (i32.const 5))`, base + 3 + 64},
		"write of 6400":        {`(call $write (i32.const 0) (i32.const 6400))`, base + 3 + 64 + 200},
		"a call of a function": {`(drop (call $render2))`, base + 2 + base},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, r, module(t, `(func $render2 (result i32) (i32.const 0))
				(func $render (export "render") (result i32) (local $n i32) (local $m i32) `+c.code+` (i32.const 0))`))
			_, stats, err := run(t, m, wasm.Invocation{Limits: wasm.Limits{Fuel: c.want}})
			if err != nil || stats.Fuel != c.want {
				t.Errorf("%d units of fuel, %v; want %d", stats.Fuel, err, c.want)
			}
			_, stats, err = run(t, m, wasm.Invocation{Limits: wasm.Limits{Fuel: c.want - 1}})
			wantProblem(t, err, problem.GuestFuel, "it used up its")
			if stats.Fuel != c.want {
				t.Errorf("%d units were counted when it ended", stats.Fuel)
			}
		})
	}
}

// table.grow costs by its entries.
func TestPriceOfTables(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, module(t, `(table 1 funcref) (func (export "render") (result i32)
		(drop (table.grow (ref.null) (i32.const 400))) (i32.const 0))`))
	if _, stats, err := run(t, m, wasm.Invocation{}); err != nil || stats.Fuel != 3+4+100 {
		t.Errorf("%d units of fuel, %v", stats.Fuel, err)
	}
}

// Fuel is counted across many slices to the unit, the same each time.
func TestFuelOfManySlices(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, guest(t, `(local.set $n (i32.const 1000000))
		(loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
		(call $write (i32.const 0) (i32.const 5))`))
	const want = 3 + 3 + 7e6 + 3 + 64
	for range 3 {
		if _, stats, err := run(t, m, wasm.Invocation{Limits: wasm.Limits{Fuel: want}}); err != nil || stats.Fuel != want {
			t.Errorf("%d units of fuel, %v; want %d", stats.Fuel, err, int(want))
		}
	}
	_, _, err := run(t, m, wasm.Invocation{Limits: wasm.Limits{Fuel: want - 1}})
	wantProblem(t, err, problem.GuestFuel)
}

// A deep recursion fits, an endless one does not, and the stack is given back
// by every way out of a function.
func TestStack(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	deep := func(depth string) *wasm.Module {
		return load(t, r, module(t, `(func $f (param $n i32) (result i32)
			(if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
			(call $f (i32.sub (local.get $n) (i32.const 1))))
			(func (export "render") (result i32) (call $f (i32.const `+depth+`)))`))
	}
	if _, _, err := run(t, deep("10000"), wasm.Invocation{}); err != nil {
		t.Error(err)
	}
	_, _, err := run(t, deep("20000"), wasm.Invocation{})
	wantProblem(t, err, problem.GuestFailed, "it used up its stack of 524288 units")
	_, _, err = run(t, deep("100"), wasm.Invocation{Limits: wasm.Limits{Stack: 100 * 33}})
	wantProblem(t, err, problem.GuestFailed, "stack of 3300 units")
	ways := load(t, r, module(t, `
		(func $leaf)
		(func $return (call $leaf) return)
		(func $branch (block $b (call $leaf) (br 1)))
		(func $end (call $leaf))
		(func $table (block $b (call $leaf) (br_table 1 0 (i32.const 0))))
		(func $value (param $n i32) (result i32) (call $leaf) (br_if 0 (i32.const 7) (local.get $n)))
		(func (export "render") (result i32) (local $n i32)
			(local.set $n (i32.const 200000))
			(loop $l (call $return) (call $branch) (call $end) (call $table) (drop (call $value (local.get $n)))
				(br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
			(i32.const 0))`))
	if _, _, err := run(t, ways, wasm.Invocation{Limits: wasm.Limits{Stack: 200}}); err != nil {
		t.Error(err)
	}
}

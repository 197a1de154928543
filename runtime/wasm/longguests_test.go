package wasm_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
)

// Guests that run for long go on in lanes, and leave them however they end: with
// more of them than there are processors all come to their own end.
func TestLongGuestsLeaveTheirLanes(t *testing.T) {
	const long = 4000 << 17 // in units of fuel: many turns
	r := newRuntime(t, wasm.Options{})
	count := func(rounds int, end string) *wasm.Module {
		return load(t, r, module(t, fmt.Sprintf(`(func (export "render") (result i32) (local $n i64)
			(local.set $n (i64.const %d))
			(loop $l (br_if $l (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
			%s)`, rounds, end)))
	}
	enough, endless := count(10<<20, `(i32.const 0)`), count(1<<50, `(i32.const 0)`)
	traps, says := count(10<<20, `unreachable`), count(10<<20, `(i32.const 3)`)
	limits := wasm.Limits{Fuel: long, Time: time.Minute}
	for range 2 {
		var all sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			for m, code := range map[*wasm.Module]string{enough: "", endless: problem.GuestFuel, traps: problem.GuestFailed, says: problem.GuestFailed} {
				all.Go(func() {
					_, _, err := run(t, m, wasm.Invocation{Limits: limits})
					switch {
					case code != "":
						wantProblem(t, err, code)
					case err != nil:
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
	}
}

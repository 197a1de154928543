package wasm_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	guests "github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// manyKeys is half a million keys in a flat directory, and fewer in another, in
// which every name is that of a key and of a directory, with others between
// them, so that a listing comes out of order and twice.
var manyKeys = sync.OnceValue(func() *kv.Snapshot {
	var pairs []kv.Pair
	for i := range 500_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/flat/%06d", i), Value: fmt.Sprintf("%06x", i*7919%1_000_003)})
	}
	for i := range 50_000 {
		name := fmt.Sprintf("/mixed/%05d", i)
		pairs = append(pairs, kv.Pair{Key: name, Value: "v"}, kv.Pair{Key: name + "-b", Value: "v"}, kv.Pair{Key: name + "/c", Value: "v"})
	}
	return kv.NewSnapshot(pairs)
})

// walking asks one function for two names in turn, for ever: the host keeps no
// more than the last answer.
func walking(t testing.TB, function, one, other string) []byte {
	t.Helper()
	ask := func(at, text string) string {
		return fmt.Sprintf(`(drop (call $ask (i32.const %s) (i32.const %d) (i32.const 65536) (i32.const 10000000)))`, at, len(text))
	}
	return wat.Assemble(t, `(module
		(import "wconf/v1" "`+function+`" (func $ask (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 200)
		(data (i32.const 0) "`+strings.ReplaceAll(one, `\`, `\\`)+`")
		(data (i32.const 8192) "`+strings.ReplaceAll(other, `\`, `\\`)+`")
		(func (export "render") (result i32) (loop $l `+ask("0", one)+ask("8192", other)+`(br $l)) (i32.const 0)))`)
}

// A guest whose host calls walk over half a million keys ends at its deadline as
// one that spins does, and within its fuel when that is less.
func TestHostileWalks(t *testing.T) {
	const limit, bar = 100 * time.Millisecond, 64 << 20
	long := "*" + strings.Repeat("0*", 2000) + "x"
	walks := []struct{ name, function, one, other string }{
		{"gets", "gets", "/flat/*", "/mixed/*"},
		{"gets that fits", "gets", "/flat/0*", "/flat/1*"},
		{"gets of nothing", "gets", "/flat/*x", "/*/*x"},
		{"gets with a class", "gets", "/flat/[a-z]*", "/[a-z]*"},
		{"gets of a long pattern", "gets", "/flat/" + long, "/mixed/" + long},
		{"gets of a deep pattern", "gets", "/mixed/*" + strings.Repeat("/c", 1900) + "/*", "/mixed/*" + strings.Repeat("/d", 1900) + "/*"},
		{"getvs", "getvs", "/flat/*", "/mixed/*"},
		{"ls", "ls", "/flat", "/flat/"},
		{"ls out of order", "ls", "/mixed", "/mixed/"},
		{"lsdir", "lsdir", "/flat", "/mixed"},
	}
	fuel := map[string]uint64{}
	for _, interpreter := range []bool{false, true} {
		r := newRuntime(t, wasm.Options{Interpreter: interpreter})
		for _, w := range walks {
			t.Run(fmt.Sprintf("%s, interpreter %v", w.name, interpreter), func(t *testing.T) {
				m := load(t, r, walking(t, w.function, w.one, w.other))
				keys := manyKeys()
				walk := func(l wasm.Limits) (kv.ReadSet, uint64, error) {
					v := kv.NewView(keys, kv.NewScope("", []string{"/"}))
					_, stats, err := run(t, m, wasm.Invocation{Session: guests.NewSession(v, nil), Limits: l})
					return v.Reads(), stats.Fuel, err
				}
				var late time.Duration
				walked := false // a busy machine may come to the deadline before the walk
				more := least(t, bar, func() {
					late = soonest(t, func() time.Duration {
						began := time.Now()
						reads, _, err := walk(wasm.Limits{Time: limit, Fuel: 1e11})
						took := time.Since(began)
						wantProblem(t, err, problem.GuestTimeout, "it was stopped")
						walked = walked || len(slices.Collect(reads.Listings())) > 0 || len(maps.Collect(reads.Globs())) > 0
						return took - limit
					})
				})
				if !walked {
					t.Error("what it walked over is not in its reads")
				}
				if t.Logf("it ended %v after its deadline, with %d MiB more", late, more>>20); more > bar {
					t.Errorf("it took %d MiB", more>>20)
				}
				_, used, err := walk(wasm.Limits{Time: time.Minute, Fuel: 1e6})
				wantProblem(t, err, problem.GuestFuel)
				if before := fuel[w.name]; before != 0 && before != used {
					t.Errorf("it used %d units of fuel, and %d as machine code", used, before)
				}
				fuel[w.name] = used
			})
		}
	}
}

// A command whose standard input is half a million keys ends at its deadline, and
// within its fuel, while these are written for it, and takes no memory for all of
// them.
func TestHostileStdin(t *testing.T) {
	const limit, bar = 20 * time.Millisecond, 64 << 20
	bin := wat.Assemble(t, `(module
		(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 2) (data (i32.const 0) "\00\00\01\00\00\80\00\00")
		(func (export "_start") (loop $l
			(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
			(br_if $l (i32.load (i32.const 16))))))`)
	fuel := map[guests.Stdin]uint64{}
	for _, interpreter := range []bool{false, true} {
		m := load(t, newRuntime(t, wasm.Options{Interpreter: interpreter}), bin)
		for _, stdin := range []guests.Stdin{guests.Lines, guests.JSON, guests.JSONTree} {
			t.Run(fmt.Sprintf("%s, interpreter %v", stdin, interpreter), func(t *testing.T) {
				keys := manyKeys()
				render := func(l wasm.Limits) (used wasm.Stats, err error) {
					g, err := guests.New(m, guests.Options{Stdin: stdin, Limits: l, Stats: func(s wasm.Stats) { used = s }})
					if err != nil {
						t.Fatal(err)
					}
					v := kv.NewView(keys, kv.NewScope("", []string{"/"}))
					_, err = g.Render(t.Context(), v)
					if !v.Reads().Touches(kv.Change{Key: "/new"}) {
						t.Error("a new key is not in its reads")
					}
					return used, err
				}
				var late time.Duration
				more := least(t, bar, func() {
					late = soonest(t, func() time.Duration {
						began := time.Now()
						_, err := render(wasm.Limits{Time: limit, Fuel: 1e11})
						took := time.Since(began)
						wantProblem(t, err, problem.GuestTimeout, "it was stopped")
						return took - limit
					})
				})
				if t.Logf("it ended %v after its deadline, with %d MiB more", late, more>>20); more > bar {
					t.Errorf("it took %d MiB", more>>20)
				}
				used, err := render(wasm.Limits{Time: time.Minute, Fuel: 1e6})
				wantProblem(t, err, problem.GuestFuel)
				if before := fuel[stdin]; before != 0 && before != used.Fuel {
					t.Errorf("it used %d units of fuel, and %d as machine code", used.Fuel, before)
				}
				fuel[stdin] = used.Fuel
			})
		}
	}
}

package wasm

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wconf/wconf/hostfuncs"
)

// Limits bound one invocation of a guest. Zero values mean the defaults.
type Limits struct {
	Memory uint64        // bytes; default 32 MiB
	Fuel   uint64        // price list fuel/1; default 2,000,000,000: one to four seconds
	Time   time.Duration // wall clock, but for waiting for a turn (see lane); default 5 s
	Stack  uint32        // locals of the active functions, and 32 for each; default 2^19
	Output int           // bytes; default 8 MiB
	Result int           // bytes of one answer of a host function; default 8 MiB
	Calls  uint64        // host calls; default 10,000,000
	Reads  int           // bytes of names that it asks for, each once and with 128 more; default 16 MiB: 100,000 keys
}

// Defaults are the limits of a guest that asks for none.
var Defaults = Limits{
	Memory: 32 << 20, Fuel: 2e9, Time: 5 * time.Second, Stack: 1 << 19,
	Output: 8 << 20, Result: 8 << 20, Calls: 10e6, Reads: 16 << 20,
}

// Ceiling is what a resource may raise the limits to.
var Ceiling = Limits{
	Memory: 256 << 20, Fuel: 1e11, Time: 60 * time.Second, Stack: 1 << 20,
	Output: 64 << 20, Result: 64 << 20, Calls: 1e9, Reads: 256 << 20,
}

// Or fills what l leaves open from o.
func (l Limits) Or(o Limits) Limits {
	return Limits{
		Memory: cmp.Or(l.Memory, o.Memory), Fuel: cmp.Or(l.Fuel, o.Fuel), Time: cmp.Or(l.Time, o.Time),
		Stack: cmp.Or(l.Stack, o.Stack), Output: cmp.Or(l.Output, o.Output), Result: cmp.Or(l.Result, o.Result),
		Calls: cmp.Or(l.Calls, o.Calls), Reads: cmp.Or(l.Reads, o.Reads),
	}
}

// Beyond names the first limit that is above the Ceiling, or is nil.
func (l Limits) Beyond() error {
	for _, c := range []struct {
		name     string
		got, max uint64
	}{
		{"memory", l.Memory, Ceiling.Memory}, {"fuel", l.Fuel, Ceiling.Fuel}, {"time", uint64(l.Time), uint64(Ceiling.Time)},
		{"stack", uint64(l.Stack), uint64(Ceiling.Stack)}, {"output", uint64(l.Output), uint64(Ceiling.Output)},
		{"result", uint64(l.Result), uint64(Ceiling.Result)}, {"calls", l.Calls, Ceiling.Calls}, {"reads", uint64(l.Reads), uint64(Ceiling.Reads)},
	} {
		if c.got > c.max {
			return fmt.Errorf("limit %s is above the most that wconf allows (%d)", c.name, c.max)
		}
	}
	return nil
}

// forHost is the part that the host functions look at.
func (l Limits) forHost() hostfuncs.Limits {
	return hostfuncs.Limits{Calls: l.Calls, Output: l.Output, Result: l.Result, Reads: l.Reads, LogBytes: 64 << 10, LogLines: 256}
}

// Stats is what an invocation used. Fuel and the counts are the same each time
// for the same module, keys and parameters.
type Stats struct {
	Fuel    uint64
	Time    time.Duration
	Memory  uint64            // bytes that the guest's memory grew to
	Calls   map[string]uint64 // host calls by name
	Denied  []string          // keys that it asked for and may not see
	Written int               // bytes of output
}

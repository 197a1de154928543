package wasm

import (
	"context"

	"github.com/tetratelabs/wazero/api"
)

// An engine that asks host_interrupt now and then whether to go on is told when
// its limits are reached, so that it can say which line of the script was
// running. For that it gets a little more fuel and time than its limits; whoever
// does not ask is stopped at the end of these.

// spare is which part of the limits that is.
const spare = 16

func withSpare(l Limits) Limits {
	l.Fuel += l.Fuel / spare
	l.Time += l.Time / spare
	return l
}

// withoutSpare undoes withSpare, exactly.
func withoutSpare(l Limits) Limits {
	l.Fuel -= l.Fuel / (spare + 1)
	l.Time -= l.Time / (spare + 1)
	return l
}

// answerInterrupt is host_interrupt() → 1 to end the script.
func answerInterrupt(ctx context.Context, _ api.Module, stack []uint64) {
	i := instanceOf(ctx).interpreter
	i.charge(1)
	stack[0] = 0
	switch {
	case i.meter.used() > i.limits.Fuel:
		i.interrupted = errFuel
	case i.ran() > i.limits.Time:
		i.interrupted = context.DeadlineExceeded
	}
	if i.interrupted != nil {
		stack[0] = 1
	}
}

// Interrupted is why the engine was told to end its script, for Explain; nil
// when it was not.
func (i *Interpreter) Interrupted() error { return i.interrupted }

package wasm

import (
	"context"
	"runtime"
	"time"
)

// Go cannot take the processor from a guest between two ticks, and while all
// processors run guests nobody else runs, and the network is looked at only every
// 10 ms. So there are fewer lanes for guests that run for long than processors;
// they take turns there. After each turn such a guest rests, the longer the more
// it has had, for those whom the system lets wait: a tenth of its time at first,
// half of it after a second. The system is not told to prefer others: whoever
// collects garbage waits for the guest's next tick.
const (
	slicesBefore  = 256 // some milliseconds
	slicesPerTurn = 16
	restPerSlice  = 25 * time.Nanosecond
	longestRest   = time.Millisecond
)

func newLanes() turn { return make(turn, max(1, runtime.GOMAXPROCS(0)-1)) }

// lane is an instance's use of the lanes.
type lane struct {
	lanes  turn
	slices int // that the instance has had
	in     bool
	waited time.Duration // for a turn: no time of the guest's
}

// next is called before each slice of fuel but the first. It returns when the
// instance may have it, or with the end of ctx.
func (l *lane) next(ctx context.Context) error {
	if l.slices++; l.slices < slicesBefore || l.slices%slicesPerTurn != 0 {
		return nil
	}
	l.leave()
	time.Sleep(min(time.Duration(l.slices)*restPerSlice, longestRest))
	began := time.Now()
	err := l.lanes.take(ctx)
	l.in, l.waited = err == nil, l.waited+time.Since(began)
	return err
}

// leave makes room for others, now that the guest does not run.
func (l *lane) leave() {
	if l.in {
		l.in = false
		l.lanes.give()
	}
}

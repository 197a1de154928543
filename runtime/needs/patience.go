package needs

import (
	"context"
	"time"
)

// steps is how many steps a patience has. A moment in which a machine stands
// still, however long, costs one. There may be hundreds of patiences, for nobody
// ends one early.
const steps = 100

// Patience is closed when a test has waited for d while its process ran. A
// virtual machine may stand still for a minute, with all that a test waits for,
// and its clock goes on; no test is to fail by that.
func Patience(d time.Duration) <-chan struct{} {
	ended, step := make(chan struct{}), max(d/steps, time.Millisecond)
	var next func()
	next = func() {
		if d <= 0 {
			close(ended)
			return
		}
		wait := min(step, d)
		d -= wait
		time.AfterFunc(wait, next)
	}
	next()
	return ended
}

// Await waits until something has come true. It is false where that has not come
// when the patience is at its end.
func Await(patience time.Duration, come func() bool) bool {
	for ended := Patience(patience); !come(); time.Sleep(2 * time.Millisecond) {
		select {
		case <-ended:
			return come()
		default:
		}
	}
	return true
}

// Context is canceled at the end of the patience.
func Context(parent context.Context, patience time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	ended := Patience(patience)
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

package needs

import (
	"context"
	"time"
)

// step is what a moment costs in which a machine stands still, however long.
const step = 5 * time.Millisecond

// Patience is closed when a test has waited for d while its process ran. A
// virtual machine may stand still for a minute, with all that a test waits for,
// and its clock goes on; no test is to fail by that.
func Patience(d time.Duration) <-chan struct{} {
	ended := make(chan struct{})
	var next func()
	next = func() {
		if d <= 0 {
			close(ended)
			return
		}
		d -= step
		time.AfterFunc(step, next)
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

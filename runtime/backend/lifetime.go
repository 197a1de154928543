package backend

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is what List and Watch return once Close has been called.
var ErrClosed = errors.New("the backend is closed")

// Lifetime lets Close of a backend end the List and Watch that still run. The
// zero value is alive.
type Lifetime struct {
	once sync.Once
	over context.Context
	end  context.CancelFunc
}

func (l *Lifetime) begin() {
	l.once.Do(func() { l.over, l.end = context.WithCancel(context.Background()) })
}

// Bind returns a context that ends with ctx or with Close, whichever is first;
// context.Cause of it is ctx's cause or ErrClosed. The function frees it.
func (l *Lifetime) Bind(ctx context.Context) (context.Context, context.CancelFunc) {
	l.begin()
	ctx, cancel := context.WithCancelCause(ctx)
	if l.over.Err() != nil {
		cancel(ErrClosed) // at once, not from another goroutine
	}
	stop := context.AfterFunc(l.over, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// Close ends every bound context, now and later. It may be called twice.
func (l *Lifetime) Close() error {
	l.begin()
	l.end()
	return nil
}

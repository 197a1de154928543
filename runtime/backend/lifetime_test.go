package backend

import (
	"context"
	"testing"
)

func TestCloseEndsWhatIsBound(t *testing.T) {
	var l Lifetime
	before, free := l.Bind(t.Context())
	defer free()
	if before.Err() != nil {
		t.Fatal("a new lifetime is over")
	}
	l.Close()
	l.Close()
	<-before.Done()
	if context.Cause(before) != ErrClosed {
		t.Errorf("the cause is %v", context.Cause(before))
	}
	after, free := l.Bind(t.Context())
	defer free()
	if after.Err() == nil {
		t.Error("a context bound after Close is not over at once")
	}
}

func TestBoundContextEndsWithItsParent(t *testing.T) {
	var l Lifetime
	parent, stop := context.WithCancel(t.Context())
	ctx, free := l.Bind(parent)
	defer free()
	stop()
	<-ctx.Done()
	if context.Cause(ctx) != context.Canceled {
		t.Errorf("the cause is %v", context.Cause(ctx))
	}
}

package needs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/needs"
)

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		<-needs.Patience(0)
		<-needs.Patience(-time.Second)
		if time.Since(began) != 0 {
			t.Error("who has no patience waits")
		}
		<-needs.Patience(time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("a second took %v", took)
		}
		if needs.Await(time.Second, func() bool { return false }) {
			t.Error("what does not come has come")
		}
		looks := 0
		if !needs.Await(time.Second, func() bool { looks++; return looks == 3 }) || looks != 3 {
			t.Errorf("looked %d times", looks)
		}
		ctx, stop := needs.Context(t.Context(), time.Second)
		defer stop()
		<-ctx.Done()
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("a context, and what was before, took %v", took)
		}
	})
}

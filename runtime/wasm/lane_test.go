package wasm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// old is a lane of an instance that has run for long.
func old(lanes turn) *lane { return &lane{lanes: lanes, slices: slicesBefore - slicesPerTurn} }

// takeTurn asks for a turn's slices.
func takeTurn(ctx context.Context, l *lane) error {
	for range slicesPerTurn {
		if err := l.next(ctx); err != nil {
			return err
		}
	}
	return nil
}

func TestLaneShortGuestsNeedNone(t *testing.T) {
	l := &lane{lanes: make(turn)} // nobody ever gets a place
	for range slicesBefore - 1 {
		if err := l.next(t.Context()); err != nil || l.in {
			t.Fatal("a short guest was in a lane", err)
		}
	}
}

func TestLaneLongGuestsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lanes := make(turn, 1)
		first, second := old(lanes), old(lanes)
		if err := takeTurn(t.Context(), first); err != nil || !first.in {
			t.Fatal(first.in, err)
		}
		done := false
		go func() { done = takeTurn(t.Context(), second) == nil }()
		time.Sleep(time.Second)
		if synctest.Wait(); done {
			t.Fatal("two guests ran in one lane")
		}
		go takeTurn(t.Context(), first) // which lets the other in, and waits for it
		time.Sleep(time.Second)
		if synctest.Wait(); !done || !second.in || first.in {
			t.Fatalf("second %v %v, first %v", done, second.in, first.in)
		}
		second.leave()
		if synctest.Wait(); !first.in {
			t.Fatal("nobody took the lane that was left")
		}
		if first.waited.Round(time.Millisecond) != time.Second || second.waited.Round(time.Millisecond) != time.Second { // without the rest before it
			t.Errorf("they waited %v and %v", first.waited, second.waited)
		}
		first.leave()
	})
}

func TestLaneEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lanes := make(turn, 1)
		if err := lanes.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		l := old(lanes)
		if err := takeTurn(ctx, l); !errors.Is(err, context.DeadlineExceeded) || l.in {
			t.Fatal(l.in, err)
		}
		l.leave() // of nothing
		if len(lanes) != 1 {
			t.Fatal("it gave away the place of another")
		}
	})
}

// Waiting for a turn is no time of the guest's.
func TestTimeIsThatOfTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &Instance{ctx: &guestContext{t.Context(), nil}, began: time.Now(), deadline: time.Now().Add(time.Second)}
		time.Sleep(3 * time.Second)
		i.lane.waited = 3*time.Second - 1
		if err := i.overdue(); err != nil || i.ran() != 1 {
			t.Errorf("%v after %v", err, i.ran())
		}
		time.Sleep(time.Second)
		if err := i.overdue(); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

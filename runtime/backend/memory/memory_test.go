package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/backendtest"
	"github.com/wconf/wconf/runtime/backend/memory"
	"github.com/wconf/wconf/runtime/kv"
)

func TestConformance(t *testing.T) {
	backendtest.Suite(t, backendtest.Harness{
		Steps: true,
		Open: func(t *testing.T, pairs []kv.Pair) backendtest.Store {
			s := memory.New(pairs...)
			return backendtest.Store{
				Backend: s, Apply: s.Apply, Forget: s.Forget,
				Down: func(down bool) {
					if down {
						s.Down(errors.New("down"))
					} else {
						s.Down(nil)
					}
				},
			}
		},
	})
}

func TestReplaceIsOneStep(t *testing.T) {
	s := memory.New(kv.Pair{Key: "/a", Value: "1"}, kv.Pair{Key: "/b", Value: "1"}, kv.Pair{Key: "/same", Value: "1"})
	l, err := s.List(t.Context(), []string{"/"})
	if err != nil {
		t.Fatal(err)
	}
	s.Replace(kv.Pair{Key: "/a", Value: "2"}, kv.Pair{Key: "/same", Value: "1"})
	ctx, stop := context.WithCancel(t.Context())
	out := make(chan backend.Batch)
	ended := make(chan error)
	go func() { ended <- s.Watch(ctx, []string{"/"}, l.Cursor, out) }()
	b := <-out
	if b.Full || len(b.Puts) != 1 || b.Puts[0] != (kv.Pair{Key: "/a", Value: "2"}) || len(b.Deletes) != 1 || b.Deletes[0] != "/b" {
		t.Errorf("the batch is %+v", b)
	}
	stop()
	<-ended
}

func TestForgetAndDownEndWatches(t *testing.T) {
	away := errors.New("away")
	for name, c := range map[string]struct {
		harm func(*memory.Store)
		want error
	}{
		"forget": {(*memory.Store).Forget, backend.ErrCursorLost},
		"down":   {func(s *memory.Store) { s.Down(away) }, away},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory.New()
				l, _ := s.List(t.Context(), []string{"/"})
				ended := make(chan error, 1)
				go func() { ended <- s.Watch(t.Context(), []string{"/"}, l.Cursor, nil) }()
				synctest.Wait()
				c.harm(s)
				if err := <-ended; !errors.Is(err, c.want) {
					t.Errorf("Watch ended with %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestOldStepsAreForgotten(t *testing.T) {
	s := memory.New()
	l, _ := s.List(t.Context(), []string{"/"})
	for range 10_001 {
		s.Put("/n", "1")
	}
	if err := s.Watch(t.Context(), []string{"/"}, l.Cursor, nil); !errors.Is(err, backend.ErrCursorLost) {
		t.Errorf("Watch ended with %v", err)
	}
}

func TestZeroStoreIsEmpty(t *testing.T) {
	var s memory.Store
	s.Put("/a", "1")
	l, err := s.List(t.Context(), []string{"/"})
	if err != nil || len(l.Pairs) != 1 {
		t.Errorf("List: %v, %v", l.Pairs, err)
	}
}

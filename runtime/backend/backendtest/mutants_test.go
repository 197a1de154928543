package backendtest_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/backendtest"
	"github.com/wconf/wconf/runtime/backend/memory"
	"github.com/wconf/wconf/runtime/kv"
)

// A mutant is a good backend with one mistake.
type mutant struct {
	backend.Backend
	list  func(backend.Backend, []string) (backend.Listing, error)
	from  func(backend.Backend, []string, backend.Cursor) backend.Cursor
	batch func(backend.Batch) (backend.Batch, bool)
	after error // what Watch returns in place of its error
	mute  bool  // Watch and Close know nothing of each other
}

func (m mutant) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	if m.list != nil {
		return m.list(m.Backend, prefixes)
	}
	return m.Backend.List(ctx, prefixes)
}

func (m mutant) Watch(ctx context.Context, prefixes []string, from backend.Cursor, out chan<- backend.Batch) error {
	if m.from != nil {
		from = m.from(m.Backend, prefixes, from)
	}
	inner, ended := make(chan backend.Batch), make(chan error, 1)
	go func() { ended <- m.Backend.Watch(ctx, prefixes, from, inner) }()
	for {
		select {
		case b := <-inner:
			if m.batch != nil {
				var keep bool
				if b, keep = m.batch(b); !keep {
					continue
				}
			}
			select {
			case out <- b:
			case <-ctx.Done():
				<-ended
				return ctx.Err()
			}
		case err := <-ended:
			if m.after != nil {
				return m.after
			}
			return err
		}
	}
}

func (m mutant) Close() error {
	if m.mute {
		return nil
	}
	return m.Backend.Close()
}

var mutants = map[string]func() mutant{
	"none": func() mutant { return mutant{} },
	"watches from now": func() mutant { // confd's rancher backend
		return mutant{from: func(b backend.Backend, prefixes []string, _ backend.Cursor) backend.Cursor {
			l, _ := b.List(context.Background(), prefixes)
			return l.Cursor
		}}
	},
	"raw prefixes": func() mutant { // confd's file and env backends
		return mutant{list: func(b backend.Backend, prefixes []string) (backend.Listing, error) {
			l, err := b.List(context.Background(), []string{"/"})
			l.Pairs = slices.DeleteFunc(l.Pairs, func(p kv.Pair) bool {
				return !slices.ContainsFunc(prefixes, func(at string) bool { return strings.HasPrefix(p.Key, at) })
			})
			return l, err
		}}
	},
	"lists a part when cancelled": func() mutant {
		return mutant{list: func(b backend.Backend, prefixes []string) (backend.Listing, error) {
			return b.List(context.Background(), prefixes)
		}}
	},
	"lists nothing when down": func() mutant {
		return mutant{list: func(b backend.Backend, prefixes []string) (backend.Listing, error) {
			l, _ := b.List(context.Background(), prefixes)
			return l, nil
		}}
	},
	"loses deletes": func() mutant {
		return mutant{batch: func(b backend.Batch) (backend.Batch, bool) { b.Deletes = nil; return b, true }}
	},
	"loses a batch": func() mutant {
		n := 0
		return mutant{batch: func(b backend.Batch) (backend.Batch, bool) { n++; return b, n != 2 }}
	},
	"tears steps": func() mutant {
		return mutant{batch: func(b backend.Batch) (backend.Batch, bool) {
			b.Puts = b.Puts[:min(1, len(b.Puts))]
			return b, true
		}}
	},
	"keeps one cursor": func() mutant {
		first := backend.Cursor("")
		return mutant{batch: func(b backend.Batch) (backend.Batch, bool) {
			if first == "" {
				first = b.Cursor
			}
			return b, true
		}, from: func(_ backend.Backend, _ []string, c backend.Cursor) backend.Cursor {
			if first != "" {
				return first
			}
			return c
		}}
	},
	"ends without an error": func() mutant {
		return mutant{batch: func(b backend.Batch) (backend.Batch, bool) { return b, true }, after: errNone{}}
	},
	"always calls the cursor lost": func() mutant { return mutant{after: backend.ErrCursorLost} },
	"never closes":                 func() mutant { return mutant{mute: true} },
}

// errNone stands for no error at all.
type errNone struct{}

func (errNone) Error() string { return "" }

func (h silent) Watch(ctx context.Context, prefixes []string, from backend.Cursor, out chan<- backend.Batch) error {
	if err := h.Backend.Watch(ctx, prefixes, from, out); err != (errNone{}) {
		return err
	}
	return nil
}

type silent struct{ backend.Backend }

const mutantVariable = "BACKENDTEST_MUTANT"

// TestMutant is run by TestSuiteCatchesMistakes in a process of its own.
func TestMutant(t *testing.T) {
	name, ok := os.LookupEnv(mutantVariable)
	if !ok {
		return
	}
	backendtest.Suite(t, backendtest.Harness{
		Steps: true, Patience: 300 * time.Millisecond,
		Open: func(t *testing.T, pairs []kv.Pair) backendtest.Store {
			s := memory.New(pairs...)
			m := mutants[name]()
			m.Backend = s
			return backendtest.Store{Backend: silent{m}, Apply: s.Apply, Forget: s.Forget, Down: func(down bool) {
				s.Down(map[bool]error{true: os.ErrDeadlineExceeded}[down])
			}}
		},
	})
}

func TestSuiteCatchesMistakes(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(mutants)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$")
			cmd.Env = append(os.Environ(), mutantVariable+"="+name)
			report, err := cmd.CombinedOutput()
			if caught := err != nil; caught != (name != "none") {
				t.Errorf("caught: %v\n%s", caught, report)
			}
		})
	}
}

package runtime

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// Guests is the runtime of Wasm guests; it starts with the first of them.
type Guests struct {
	stateDir   string // compiled modules lie below it; empty: none are kept
	background bool   // a daemon does not wait for a guest to compile
	log        *slog.Logger
	shared     bool // whoever opened it closes it

	once    sync.Once
	runtime *wasm.Runtime
	err     error
}

// NewGuests is a runtime of guests for several offline runtimes. What it
// compiles is kept as OpenGuests does.
func NewGuests(stateDir string, log *slog.Logger) *Guests {
	return &Guests{stateDir: stateDir, log: log, shared: true}
}

// GuestCache is where compiled guests lie below a state directory.
func GuestCache(stateDir string) string { return filepath.Join(stateDir, "guests") }

// OpenGuests starts a runtime of guests that keeps what it compiles below the
// state directory. Where that is not to be had, an ordinary user's guests are
// kept among the caches of that user; root's are not, for whom it is a mistake
// to mend. An empty state directory keeps nothing.
func OpenGuests(stateDir string, o wasm.Options) (*wasm.Runtime, error) {
	if stateDir == "" {
		return wasm.NewRuntime(o)
	}
	o.Cache = GuestCache(stateDir)
	r, failed := wasm.NewRuntime(o)
	if failed == nil {
		return r, nil
	}
	if dir, err := os.UserCacheDir(); err == nil && os.Geteuid() != 0 {
		o.Cache = GuestCache(filepath.Join(dir, "wconf"))
		if r, err := wasm.NewRuntime(o); err == nil {
			return r, nil
		}
	}
	if o.Log != nil {
		o.Log.Warn("compiled guests are not kept", "err", failed)
	}
	o.Cache = ""
	return wasm.NewRuntime(o)
}

func (g *Guests) load(ctx context.Context, name string, bin []byte) (*wasm.Module, error) {
	if err := g.start(); err != nil {
		return nil, err
	}
	return g.runtime.Load(ctx, name, bin)
}

// loadEngine is load for what runs a script.
func (g *Guests) loadEngine(ctx context.Context, name string) (*wasm.Module, error) {
	if err := g.start(); err != nil {
		return nil, err
	}
	return script.Load(ctx, g.runtime, name)
}

func (g *Guests) start() error {
	g.once.Do(func() {
		g.runtime, g.err = OpenGuests(g.stateDir, wasm.Options{Background: g.background, Log: g.log})
	})
	return g.err
}

// Close frees the guests. What uses them must have been closed.
func (g *Guests) Close() error {
	if g.runtime == nil {
		return nil
	}
	return g.runtime.Close()
}

// fingerprint tells whether a file is as it was.
func fingerprint(text []byte, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

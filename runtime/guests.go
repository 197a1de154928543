package runtime

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// Guests is the runtime of Wasm guests; it starts with the first of them.
type Guests struct {
	cache      string // directory of compiled modules
	background bool   // a daemon does not wait for a guest to compile
	log        *slog.Logger
	shared     bool // whoever opened it closes it

	once    sync.Once
	runtime *wasm.Runtime
	err     error
}

func newGuests(stateDir string, log *slog.Logger) *Guests {
	g := &Guests{log: log}
	if stateDir != "" {
		g.cache = GuestCache(stateDir)
	}
	return g
}

// GuestCache is where compiled guests lie below a state directory.
func GuestCache(stateDir string) string { return filepath.Join(stateDir, "guests") }

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
		if g.runtime, g.err = wasm.NewRuntime(wasm.Options{Cache: g.cache, Background: g.background, Log: g.log}); g.err != nil && g.cache != "" {
			g.log.Warn("compiled guests are not kept", "err", g.err)
			g.runtime, g.err = wasm.NewRuntime(wasm.Options{Background: g.background, Log: g.log})
		}
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

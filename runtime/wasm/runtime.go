// Package wasm runs guests: it vets a module, compiles it once, gives each
// invocation a fresh instance with memory, time and output of its own, and says
// in words why one ended early. It is the only room that imports wazero.
//
// A guest sees the functions of package hostfuncs and a WASI without files,
// clock, environment or network, and nothing else. No state survives an
// instance, and nothing of a guest reaches a file from here.
package wasm

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Options are how a Runtime works. The zero value is right for tests.
type Options struct {
	// Cache is a directory for compiled modules, made with mode 0700 when it is
	// not there. It holds machine code that wconf runs: it must belong to the
	// user who runs wconf, and be closed to all others. Empty keeps nothing.
	Cache string
	// Interpreter runs guests without machine code, ten to fifty times slower, in
	// the same time. Where there can be no machine code, all guests run so, and get
	// longer.
	Interpreter bool
	// Background lets a large guest that is not in the cache start in the
	// interpreter, while it compiles: for a daemon that must not wait.
	Background bool
	// Log hears of a cache that cannot be used, and of an interpreter that nobody
	// asked for; nil: nobody does.
	Log *slog.Logger
}

// Runtime holds the compiled modules of one process. It is safe for concurrent
// use.
type Runtime struct {
	engine     wazero.Runtime
	compiled   wazero.CompilationCache // nil without a directory
	cache      *cache                  // nil without a directory
	background bool
	slow       bool // engine is an interpreter, because there can be no machine code
	memories   memories
	lanes      turn // for guests that run for long
	log        *slog.Logger

	compiling turn // one module at a time
	compilers sync.WaitGroup

	loading     sync.Mutex // guards what follows
	programs    map[Digest]*program
	interpreter wazero.Runtime // nil until a guest starts in it
}

// NewRuntime makes a Runtime; Close ends it.
func NewRuntime(o Options) (*Runtime, error) {
	r := &Runtime{programs: map[Digest]*program{}, compiling: make(turn, 1), lanes: newLanes(), log: o.Log}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.memories = memories{free: map[uint64][]*linearMemory{}, keep: 2 * runtime.GOMAXPROCS(0)}
	config := wazero.NewRuntimeConfig()
	if o.Interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	if o.Cache != "" {
		if err := r.openCache(o.Cache); err != nil {
			return nil, fmt.Errorf("cache of compiled guests: %w", err)
		}
		config = config.WithCompilationCache(r.compiled)
	}
	why := withoutMachineCode()
	r.slow = why != "" && !o.Interpreter
	r.background = o.Background && !o.Interpreter && !r.slow
	var err error
	if r.engine, err = newEngine(config); err != nil {
		return nil, firstOf(err, r.Close())
	}
	if r.slow {
		r.log.Info("guests run in the interpreter, ten to fifty times slower, and get ten times as long", "why", why)
	}
	return r, nil
}

// withoutMachineCode says why guests cannot be compiled; empty: they can. It is
// what wazero goes by.
func withoutMachineCode() string {
	switch {
	case runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64":
		return "there is no compiler for " + runtime.GOARCH
	case !executable():
		return "the system forbids machine code (MemoryDenyWriteExecute of systemd does)"
	}
	return ""
}

// newEngine is a wazero with everything that guests import.
func newEngine(config wazero.RuntimeConfig) (wazero.Runtime, error) {
	ctx := context.Background()
	engine := wazero.NewRuntimeWithConfig(ctx, config.
		WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(uint32(Ceiling.Memory/pageSize)).
		WithDebugInfoEnabled(false).
		WithCloseOnContextDone(false)) // every path through a guest comes by tick
	for _, provide := range []func(context.Context, wazero.Runtime) error{provideHost, provideWASI, provideTick, provideEngine} {
		if err := provide(ctx, engine); err != nil {
			return engine, fmt.Errorf("guest runtime: %w", err)
		}
	}
	return engine, nil
}

func (r *Runtime) openCache(dir string) (err error) {
	if r.cache, err = openCache(dir); err != nil {
		return err
	}
	r.compiled, err = wazero.NewCompilationCacheWithDir(dir)
	return err
}

// Close ends what compiles in the background and frees every module. No
// instance may be open.
func (r *Runtime) Close() error {
	r.loading.Lock()
	for _, p := range r.programs {
		p.stop()
	}
	engines := []wazero.Runtime{r.engine, r.interpreter}
	r.loading.Unlock()
	r.compilers.Wait()
	ctx, err := context.Background(), error(nil)
	for _, e := range engines {
		if e != nil {
			err = firstOf(err, e.Close(ctx))
		}
	}
	if r.compiled != nil {
		err = firstOf(err, r.compiled.Close(ctx))
	}
	r.memories.close()
	return err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

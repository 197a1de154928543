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
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Options are how a Runtime works. The zero value is right for tests.
type Options struct {
	// Cache is a directory for compiled modules, made with mode 0700 when it is
	// not there. It holds machine code that wconf runs: nobody else may write to
	// it. Empty means that nothing is kept.
	Cache string
	// Interpreter runs guests without machine code.
	Interpreter bool
}

// Runtime holds the compiled modules of one process. It is safe for concurrent
// use.
type Runtime struct {
	engine wazero.Runtime
	cache  wazero.CompilationCache // nil without a directory
	slots  chan struct{}           // one for each guest that runs

	compiling sync.Mutex // one module at a time
	mu        sync.Mutex
	programs  map[Digest]*program
}

// NewRuntime makes a Runtime; Close ends it.
func NewRuntime(o Options) (*Runtime, error) {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigInterpreter()
	if !o.Interpreter {
		config = wazero.NewRuntimeConfig()
	}
	r := &Runtime{slots: make(chan struct{}, runtime.GOMAXPROCS(0)), programs: map[Digest]*program{}}
	if o.Cache != "" {
		cache, err := wazero.NewCompilationCacheWithDir(o.Cache)
		if err != nil {
			return nil, fmt.Errorf("cache of compiled guests %s: %w", o.Cache, err)
		}
		r.cache = cache
		config = config.WithCompilationCache(cache)
	}
	r.engine = wazero.NewRuntimeWithConfig(ctx, config.
		WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(uint32(Ceiling.Memory/pageSize)).
		WithDebugInfoEnabled(false).
		WithCloseOnContextDone(false)) // every path through a guest comes by tick
	for _, build := range []func(context.Context, wazero.Runtime) error{provideHost, provideWASI, provideTick} {
		if err := build(ctx, r.engine); err != nil {
			_ = r.Close()
			return nil, fmt.Errorf("guest runtime: %w", err)
		}
	}
	return r, nil
}

// Close ends every instance and frees every compiled module.
func (r *Runtime) Close() error {
	ctx := context.Background()
	err := r.engine.Close(ctx)
	if r.cache != nil {
		err = firstOf(err, r.cache.Close(ctx))
	}
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

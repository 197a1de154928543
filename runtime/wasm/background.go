package wasm

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
)

// large is from how many bytes on a module may start in the interpreter: those
// take a tenth of a second and more to compile.
const large = 256 << 10

// slowness is how much more time an invocation gets in the interpreter.
const slowness = 10

// startSlowly makes a program that runs in the interpreter until its machine
// code is there. Errors that the module has show at once.
func (r *Runtime) startSlowly(ctx context.Context, name string, about *Inspection, rewritten []byte) (*program, error) {
	if r.interpreter == nil {
		engine, err := newEngine(wazero.NewRuntimeConfigInterpreter())
		if err != nil {
			return nil, err
		}
		r.interpreter = engine
	}
	compiled, err := r.interpreter.CompileModule(ctx, rewritten)
	if err != nil {
		return nil, refuse(name, "it does not compile: "+err.Error(), "", err)
	}
	p := &program{about: *about}
	p.code.Store(&code{engine: r.interpreter, compiled: compiled, slow: true})
	ctx, p.stop = context.WithCancel(context.Background()) // it outlives the call of Load
	r.compilers.Go(func() {
		if err := r.quicken(ctx, name, p, rewritten); err != nil {
			r.log.Warn("guest stays in the interpreter", "guest", name, "err", err)
		}
	})
	return p, nil
}

// quicken compiles a program and gives it its machine code. Instances that run
// end as they began.
func (r *Runtime) quicken(ctx context.Context, name string, p *program, rewritten []byte) error {
	compiled, err := r.compile(ctx, rewritten)
	r.loading.Lock()
	defer r.loading.Unlock()
	switch {
	case ctx.Err() != nil && err == nil: // the last user has closed it
		return compiled.Close(context.Background())
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	r.kept(name, r.cache.put(&p.about, rewritten))
	old := p.code.Swap(&code{engine: r.engine, compiled: compiled})
	if err := old.compiled.Close(ctx); err != nil {
		return fmt.Errorf("interpreted code: %w", err)
	}
	return nil
}

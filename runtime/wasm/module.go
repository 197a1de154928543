package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// Digest is the SHA-256 of a module's bytes.
type Digest [sha256.Size]byte

func (d Digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

// MarshalText is String.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(strings.TrimPrefix(string(text), "sha256:"))
	if err != nil || len(b) != len(d) {
		return fmt.Errorf("%q is no digest", text)
	}
	copy(d[:], b)
	return nil
}

// Module is a compiled guest under the name it was loaded by. Modules of equal
// bytes share what was compiled. It is safe for concurrent use.
type Module struct {
	runtime *Runtime
	name    string
	*program
	closed bool // guarded by runtime.loading
}

// program is what modules of equal bytes share.
type program struct {
	about Inspection
	code  atomic.Pointer[code]
	stop  context.CancelFunc // ends the compilation in the background, if there is one
	users int
}

// code is a module that an engine can run.
type code struct {
	engine   wazero.Runtime
	compiled wazero.CompiledModule
	slow     bool // the engine is the interpreter: while the module compiles, or for good
}

func (r *Runtime) program(about *Inspection, compiled wazero.CompiledModule) *program {
	p := &program{about: *about, stop: func() {}}
	p.code.Store(&code{engine: r.engine, compiled: compiled, slow: r.slow})
	return p
}

// Load vets and compiles a guest. Name stands in errors and logs: the path as
// the resource says it. What is wrong with the module is a *problem.Problem
// with the code guest-load; when ctx is canceled the load ends, with the error of
// the context. The module must be closed.
func (r *Runtime) Load(ctx context.Context, name string, bin []byte) (*Module, error) {
	m, err := r.loadAs(ctx, name, bin, vet)
	if err == nil && m.about.Kind == Engine {
		return nil, firstOf(m.Close(), onlyForScripts(name))
	}
	return m, err
}

// vetter stands between bytes and a compiler.
type vetter func(name string, bin []byte) (*shape, *Inspection, error)

func (r *Runtime) loadAs(ctx context.Context, name string, bin []byte, vet vetter) (*Module, error) {
	r.loading.Lock()
	defer r.loading.Unlock()
	digest := Digest(sha256.Sum256(bin))
	p := r.programs[digest]
	if p == nil {
		var err error
		if p, err = r.load(ctx, name, digest, bin, vet); err != nil {
			return nil, err
		}
		r.programs[digest] = p
	}
	p.users++
	return &Module{runtime: r, name: name, program: p}, nil
}

// load takes a module from the cache, or vets, rewrites and compiles it and
// puts it there.
func (r *Runtime) load(ctx context.Context, name string, digest Digest, bin []byte, vet vetter) (*program, error) {
	if about, rewritten := r.cache.get(digest); about != nil {
		compiled, err := r.compile(ctx, rewritten)
		switch {
		case err == nil:
			r.kept(name, r.cache.seal())
			return r.program(about, compiled), nil
		case ctx.Err() != nil:
			return nil, unfinished(name, ctx.Err())
		}
		r.log.Warn("cache of compiled guests is damaged, it is emptied", "guest", name)
		if err := r.cache.empty(); err != nil {
			return nil, fmt.Errorf("cache of compiled guests: %w", err)
		}
	}
	s, about, err := vet(name, bin)
	if err != nil {
		return nil, err
	}
	about.Digest = digest
	rewritten, err := instrument(s)
	if err != nil {
		return nil, refuse(name, err.Error(), "", err)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, unfinished(name, ctx.Err())
	}
	if r.background && len(rewritten) > large {
		return r.startSlowly(ctx, name, about, rewritten)
	}
	compiled, err := r.compile(ctx, rewritten)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled): // no fault of the guest's
		return nil, unfinished(name, ctx.Err())
	case err != nil:
		return nil, refuse(name, "it does not compile: "+err.Error(), "", err)
	}
	r.kept(name, r.cache.put(about, rewritten))
	return r.program(about, compiled), nil
}

func unfinished(name string, err error) error {
	return fmt.Errorf("guest %s: compile: %w", name, err)
}

// kept says that the cache could not be written; the guest runs all the same.
func (r *Runtime) kept(name string, err error) {
	if err != nil {
		r.log.Warn("compiled guest is not kept", "guest", name, "err", err)
	}
}

// turn is a lock for which one need not wait to the end.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

func (r *Runtime) compile(ctx context.Context, rewritten []byte) (wazero.CompiledModule, error) {
	if err := r.compiling.take(ctx); err != nil {
		return nil, err
	}
	defer r.compiling.give()
	ctx, cancel := context.WithTimeout(experimental.WithCompilationWorkers(ctx, 2), compileTime)
	defer cancel()
	compiled, err := r.engine.CompileModule(ctx, rewritten)
	if err != nil && r.compiled != nil {
		// When only keeping the machine code failed, wazero has it in memory.
		compiled, err = r.engine.CompileModule(ctx, rewritten)
	}
	return compiled, err
}

// Close lets go of the module. Instances that run keep what they need; new ones
// are refused once nobody uses the module.
func (m *Module) Close() error {
	r, p := m.runtime, m.program
	r.loading.Lock()
	defer r.loading.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	if p.users--; p.users > 0 {
		return nil
	}
	p.stop()
	delete(r.programs, p.about.Digest)
	return p.code.Load().compiled.Close(context.Background())
}

// Name is what the module was loaded under.
func (m *Module) Name() string { return m.name }

package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
)

// Digest is the SHA-256 of a module's bytes.
type Digest [sha256.Size]byte

func (d Digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

// Module is a compiled guest under the name it was loaded by. Modules of equal
// bytes share what was compiled. It is safe for concurrent use.
type Module struct {
	runtime *Runtime
	name    string
	*program
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
	slow     bool // the engine is the interpreter, for as long as the module compiles
}

func (r *Runtime) program(about *Inspection, compiled wazero.CompiledModule) *program {
	p := &program{about: *about, stop: func() {}}
	p.code.Store(&code{engine: r.engine, compiled: compiled})
	return p
}

// compileTime bounds the compilation of one module.
const compileTime = 30 * time.Second

// Load vets and compiles a guest. Name stands in errors and logs: the path as
// the resource says it. What is wrong with the module is a *problem.Problem
// with the code guest-load. The module must be closed.
func (r *Runtime) Load(ctx context.Context, name string, bin []byte) (*Module, error) {
	r.loading.Lock()
	defer r.loading.Unlock()
	digest := Digest(sha256.Sum256(bin))
	p := r.programs[digest]
	if p == nil {
		var err error
		if p, err = r.load(ctx, name, digest, bin); err != nil {
			return nil, err
		}
		r.programs[digest] = p
	}
	p.users++
	return &Module{runtime: r, name: name, program: p}, nil
}

// load takes a module from the cache, or vets, rewrites and compiles it and
// puts it there.
func (r *Runtime) load(ctx context.Context, name string, digest Digest, bin []byte) (*program, error) {
	if about, rewritten := r.cache.get(digest); about != nil {
		if compiled, err := r.compile(ctx, rewritten); err == nil {
			r.kept(name, r.cache.seal())
			return r.program(about, compiled), nil
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
	if r.background && len(rewritten) > large {
		return r.startSlowly(ctx, name, about, rewritten)
	}
	compiled, err := r.compile(ctx, rewritten)
	if err != nil {
		return nil, refuse(name, "it does not compile: "+err.Error(), "", err)
	}
	r.kept(name, r.cache.put(about, rewritten))
	return r.program(about, compiled), nil
}

// kept says that the cache could not be written; the guest runs all the same.
func (r *Runtime) kept(name string, err error) {
	if err != nil {
		r.log.Warn("compiled guest is not kept", "guest", name, "err", err)
	}
}

func (r *Runtime) compile(ctx context.Context, rewritten []byte) (wazero.CompiledModule, error) {
	r.compiling.Lock()
	defer r.compiling.Unlock()
	ctx, cancel := context.WithTimeout(experimental.WithCompilationWorkers(ctx, 2), compileTime)
	defer cancel()
	compiled, err := r.engine.CompileModule(ctx, rewritten)
	if err != nil && r.compiled != nil {
		// When only keeping the machine code failed, wazero has it in memory.
		compiled, err = r.engine.CompileModule(ctx, rewritten)
	}
	return compiled, err
}

// Close lets go of the module. Instances that run keep what they need.
func (m *Module) Close() error {
	r := m.runtime
	r.loading.Lock()
	defer r.loading.Unlock()
	if m.program == nil {
		return nil
	}
	p := m.program
	m.program = nil
	if p.users--; p.users > 0 {
		return nil
	}
	p.stop()
	delete(r.programs, p.about.Digest)
	return p.code.Load().compiled.Close(context.Background())
}

// Name is what the module was loaded under.
func (m *Module) Name() string { return m.name }

// Inspection is what can be known about a module without running it.
type Inspection struct {
	Digest    Digest
	Size      int // bytes
	Kind      Kind
	Imports   []string // "wconf/v1.getv"
	Exports   []string // the roles it has: render, filter, check, call, _start
	Manifest  *Manifest
	MinMemory uint64 // bytes at the start
	MaxMemory uint64 // bytes that it says it needs at most; 0: it does not say
	Measures  []Measure
}

// Measure is one dimension of a module and the most that wconf accepts.
type Measure struct {
	What      string // "functions", "bytes of the longest function"
	Got, Most int
}

// Inspect tells what the module is.
func (m *Module) Inspect() Inspection { return m.about }

// Inspect vets a module without compiling it.
func Inspect(name string, bin []byte) (Inspection, error) {
	_, about, err := vet(name, bin)
	if err != nil {
		return Inspection{}, err
	}
	about.Digest = sha256.Sum256(bin)
	return *about, nil
}

// vet is everything that stands between bytes and a compiler.
func vet(name string, bin []byte) (*shape, *Inspection, error) {
	if isComponent(bin) {
		return nil, nil, refuse(name, "it "+component.msg, component.hint, nil)
	}
	s, err := scan(bin)
	if err != nil {
		return nil, nil, refuse(name, err.Error(), "", err)
	}
	kind, no := kindOf(s)
	if no != nil {
		return nil, nil, refuse(name, "it "+no.msg, no.hint, nil)
	}
	if err := checkImports(s); err != nil {
		return nil, nil, refuse(name, err.Error(), "", err)
	}
	if err := checkExports(s, kind); err != nil {
		return nil, nil, refuse(name, err.Error(), "", err)
	}
	manifest, err := readManifest(s)
	if err != nil {
		return nil, nil, refuse(name, err.Error(), "", err)
	}
	return s, describe(s, kind, manifest), nil
}

func describe(s *shape, kind Kind, manifest *Manifest) *Inspection {
	about := &Inspection{Size: len(s.bin), Kind: kind, Manifest: manifest}
	about.Measures = []Measure{
		{"bytes", len(s.bin), maxModule},
		{"functions", len(s.funcs), maxFunctions},
		{"bytes of code", len(s.sections[codeSection]), maxCode},
		{"bytes of the longest function", s.code.largest, maxBody},
		{"blocks times locals of a function", s.code.blockLocals, maxBlockLocals},
		{"blocks times locals of all functions", s.code.sum, maxAllBlocks},
		{"locals of all functions", s.code.locals, maxAllLocals},
	}
	about.MinMemory = uint64(s.memory.least) * pageSize
	about.MaxMemory = uint64(max(s.memory.most, 0)) * pageSize
	for _, i := range s.imports {
		about.Imports = append(about.Imports, i.module+"."+i.name)
	}
	for _, e := range s.exports {
		if e.kind == 0 && isRole(e.name) {
			about.Exports = append(about.Exports, e.name)
		}
	}
	return about
}

func refuse(name, why, hint string, err error) error {
	return &problem.Problem{Code: problem.GuestLoad, Msg: fmt.Sprintf("guest %s is refused: %s", name, why), Hint: hint, Err: err}
}

// checkImports holds each import against what wconf provides.
func checkImports(s *shape) error {
	for _, i := range s.imports {
		want, err := provided(i)
		if err != nil {
			return err
		}
		if !i.sig.equal(want) {
			return fmt.Errorf("it imports %s.%s as %v; wconf provides %v", i.module, i.name, i.sig, want)
		}
	}
	return nil
}

func provided(i imported) (signature, error) {
	switch i.module {
	case hostfuncs.Module:
		for _, f := range hostfuncs.All() {
			if f.Name == i.name {
				return hostSignature(f), nil
			}
		}
		return signature{}, fmt.Errorf("it needs %s.%s, a function of a newer ABI; this wconf provides %s", i.module, i.name, hostfuncs.Version)
	case wasiModule:
		if f, ok := wasiFunction(i.name); ok {
			return f.signature(), nil
		}
		return signature{}, fmt.Errorf("it imports %s.%s, which is no function of WASI preview 1", i.module, i.name)
	}
	return signature{}, fmt.Errorf("it imports %s.%s; wconf provides %s and %s only", i.module, i.name, hostfuncs.Module, wasiModule)
}

func isRole(name string) bool {
	for _, r := range append([]string{"_start"}, roles...) {
		if r == name {
			return true
		}
	}
	return false
}

// checkExports looks at the signatures of what wconf calls.
func checkExports(s *shape, kind Kind) error {
	if !s.exportsMemory() {
		return fmt.Errorf("it does not export its memory as %q", "memory")
	}
	gives := signature{results: []byte{i32}}
	for _, name := range append([]string{"_start", "_initialize"}, roles...) {
		want := gives
		if name[0] == '_' {
			want = signature{}
		}
		if sig, ok := s.function(name); ok && !sig.equal(want) {
			return fmt.Errorf("it exports %s as %v; wconf calls %v", name, sig, want)
		}
	}
	return nil
}

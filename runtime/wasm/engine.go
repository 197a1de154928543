package wasm

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Engine is the kind of a module that runs another language: its exports are
// called one by one, with numbers and what lies in its memory, and it calls
// back through host_call. Only LoadEngine loads one, and only one whose digest
// the caller has built in: a file of a user never is an engine.
const Engine Kind = "engine"

// engineModule is the import module of engines. The names and signatures are
// those of quickjs-wasi; the silent ones are for features that stay off: time
// zones (all is UTC), modules, promises.
const engineModule = "env"

type engineFunction struct {
	name   string
	params int // all i32
	gives  bool
	code   api.GoModuleFunc
}

const hostCallName = "host_call"

func engineFunctions() []engineFunction {
	return []engineFunction{
		{hostCallName, 5, true, answerHostCall},
		{"host_get_timezone_offset", 2, true, silent},
		{"host_interrupt", 0, true, answerInterrupt},
		{"host_module_load", 2, true, silent},
		{"host_module_normalize", 2, true, silent},
		{"host_promise_rejection", 3, false, silent},
	}
}

func (f engineFunction) signature() signature {
	var sig signature
	for range f.params {
		sig.params = append(sig.params, i32)
	}
	if f.gives {
		sig.results = []byte{i32}
	}
	return sig
}

func provideEngine(ctx context.Context, engine wazero.Runtime) error {
	builder := engine.NewHostModuleBuilder(engineModule)
	for _, f := range engineFunctions() {
		sig := f.signature()
		builder.NewFunctionBuilder().WithGoModuleFunction(f.code, sig.params, sig.results).Export(f.name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// silent answers 0 where an answer is due.
func silent(ctx context.Context, _ api.Module, stack []uint64) {
	if len(stack) > 0 {
		stack[0] = 0
	}
	instanceOf(ctx).charge(1)
}

// LoadEngine is Load for an engine. Name is that of the script which it is to
// run: it stands in errors.
func (r *Runtime) LoadEngine(ctx context.Context, name string, bin []byte, want Digest) (*Module, error) {
	return r.loadAs(ctx, name, bin, func(name string, bin []byte) (*shape, *Inspection, error) { return vetEngine(name, bin, want) })
}

// vetEngine is vet for an engine.
func vetEngine(name string, bin []byte, want Digest) (*shape, *Inspection, error) {
	if got := Digest(sha256.Sum256(bin)); got != want {
		return nil, nil, refuse(name, fmt.Sprintf("its engine is %s, not %s", got, want), "", nil)
	}
	s, err := scan(bin)
	if err == nil {
		err = checkEngine(s)
	}
	if err != nil {
		return nil, nil, refuse(name, "its engine: "+err.Error(), "", err)
	}
	s.dearest = engineDearest
	return s, describe(s, Engine, nil), nil
}

// engineDearest is where the prices of an engine differ from fuel/1. The loop at
// the heart of an interpreter holds the code of all its operations, of which a
// round runs one; by fuel/1 a script would pay for all of them each time. Modules
// in caches are rewritten by this number: a new one needs a new rewriter.
const engineDearest = 16

// checkEngine looks that everything which wconf keeps of an engine at rest is
// its memory and its one stack pointer.
func checkEngine(s *shape) error {
	for _, i := range s.imports {
		want, err := providedToEngine(i)
		if err != nil {
			return err
		}
		if !i.sig.equal(want) {
			return fmt.Errorf("it imports %s.%s as %v; wconf provides %v", i.module, i.name, i.sig, want)
		}
	}
	if !s.exportsMemory() {
		return fmt.Errorf("it does not export its memory")
	}
	for _, e := range s.exports {
		if e.name == stackPointer && e.kind == 3 && len(s.globals) == 1 {
			return nil
		}
	}
	return fmt.Errorf("it has other globals than %s, or does not export that", stackPointer)
}

func providedToEngine(i imported) (signature, error) {
	if i.module == wasiModule {
		return provided(i)
	}
	for _, f := range engineFunctions() {
		if i.module == engineModule && i.name == f.name {
			return f.signature(), nil
		}
	}
	return signature{}, fmt.Errorf("it imports %s.%s, which no engine gets", i.module, i.name)
}

// onlyForScripts refuses an engine where a guest is due: somebody named the
// engine's own module.
func onlyForScripts(name string) error {
	return refuse(name, "it is the engine of scripts", `name a script: src = "….js"`, nil)
}

package wasm

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
)

// Inspection is what can be known about a module without running it.
type Inspection struct {
	Digest    Digest
	Size      int // bytes
	Kind      Kind
	Imports   []string // "wconf/v1.getv"
	Exports   []string // the roles it has: render, filter, check, call, _start
	Beside    []string // what else it exports
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

// Inspect vets a module without compiling it. Of one that is refused it tells,
// beside the error, its digest and its measures as far as it could be read.
func Inspect(name string, bin []byte) (Inspection, error) {
	_, about, err := vet(name, bin)
	if err != nil {
		about = &Inspection{Size: len(bin)}
		if s, _ := scan(bin); s != nil {
			about = describe(s, "", nil)
		}
	}
	about.Digest = sha256.Sum256(bin)
	return *about, err
}

// vet is everything that stands between bytes and a compiler.
func vet(name string, bin []byte) (*shape, *Inspection, error) {
	if isComponent(bin) {
		return nil, nil, refuse(name, "it "+component.msg, component.hint, nil)
	}
	s, err := scan(bin)
	if err != nil {
		return nil, nil, refuse(name, err.Error(), hintOf(err), err)
	}
	kind, no := kindOf(s)
	if no != nil {
		return nil, nil, refuse(name, "it "+no.msg, no.hint, nil)
	}
	if err := checkImports(s); err != nil {
		return nil, nil, refuse(name, err.Error(), hintOf(err), err)
	}
	if err := checkExports(s, kind); err != nil {
		return nil, nil, refuse(name, err.Error(), hintOf(err), err)
	}
	manifest, err := readManifest(s)
	if err != nil {
		return nil, nil, refuse(name, err.Error(), hintOf(err), err)
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
		{"instructions of all functions", s.code.instructions, maxInstructions},
	}
	if s.memory != nil {
		about.MinMemory = uint64(s.memory.least) * pageSize
		about.MaxMemory = uint64(max(s.memory.most, 0)) * pageSize
	}
	for _, i := range s.imports {
		about.Imports = append(about.Imports, i.module+"."+i.name)
	}
	for _, e := range s.exports {
		if e.kind == 0 && isRole(e.name) {
			about.Exports = append(about.Exports, e.name)
		} else {
			about.Beside = append(about.Beside, e.name)
		}
	}
	return about
}

// refuse is why a module is not loaded. It may quote what stands in the module.
func refuse(name, why, hint string, err error) error {
	return &problem.Problem{Code: problem.GuestLoad, Msg: fmt.Sprintf("guest %s is refused: %s", name, hostfuncs.Printable(why)), Hint: hint, Err: err}
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
	return signature{}, &foreign{fmt.Sprintf("it imports %s.%s; wconf provides %s and %s only", i.module, i.name, hostfuncs.Module, wasiModule), foreignHint(i)}
}

func isRole(name string) bool {
	return name == "_start" || slices.Contains(roles, name)
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
		sig, own, ok := s.function(name)
		if ok && !own {
			return fmt.Errorf("its %s is a function that it imports", name)
		}
		if ok && !sig.equal(want) {
			return fmt.Errorf("it exports %s as %v; wconf calls %v", name, sig, want)
		}
	}
	return nil
}

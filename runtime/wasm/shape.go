package wasm

import (
	"bytes"
	"fmt"
)

// Section ids of the binary format.
const (
	customSection   = 0
	typeSection     = 1
	importSection   = 2
	functionSection = 3
	tableSection    = 4
	memorySection   = 5
	globalSection   = 6
	exportSection   = 7
	startSection    = 8
	elementSection  = 9
	codeSection     = 10
	dataSection     = 11
	countSection    = 12
)

// shape is what a module's sections say, before anything believes them.
type shape struct {
	bin      []byte
	sections map[byte][]byte // the bodies, without custom sections
	custom   map[string][]byte
	types    []signature
	imports  []imported // all are functions
	funcs    []int      // the type of each function of its own
	tables   []tableLimits
	memory   *memoryLimits
	globals  []global
	exports  []exported
	start    int // function index, or -1
	code     codeShape
	dearest  int64 // what entering a function or a round of a loop costs at most; 0: no bound
}

type signature struct{ params, results []byte }

func (s signature) equal(o signature) bool {
	return bytes.Equal(s.params, o.params) && bytes.Equal(s.results, o.results)
}

func (s signature) String() string { return valueNames(s.params) + " → " + valueNames(s.results) }

func valueNames(types []byte) string {
	names := map[byte]string{0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref"}
	var b bytes.Buffer
	for i, t := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, names[t])
	}
	return "(" + b.String() + ")"
}

type imported struct {
	module, name string
	sig          signature
}

type exported struct {
	name  string
	kind  byte // 0 function, 1 table, 2 memory, 3 global
	index int
}

type (
	tableLimits struct {
		kind        byte
		least, most int
	}
	memoryLimits struct{ least, most int } // pages of 64 KiB; most is -1 when it names none
	global       struct{ valueType, mutable byte }
)

// function is an export's signature, and whether the module has its code.
func (s *shape) function(name string) (sig signature, own, ok bool) {
	for _, e := range s.exports {
		if e.name != name || e.kind != 0 {
			continue
		}
		if e.index < len(s.imports) {
			return s.imports[e.index].sig, false, true
		}
		return s.types[s.funcs[e.index-len(s.imports)]], true, true
	}
	return signature{}, false, false
}

func (s *shape) exportsMemory() bool {
	for _, e := range s.exports {
		if e.name == "memory" && e.kind == 2 && e.index == 0 {
			return s.memory != nil
		}
	}
	return false
}

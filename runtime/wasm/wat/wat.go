// Package wat assembles small WebAssembly modules from their text format, so
// that tests can say what a guest does in the words of the specification. It
// knows the instructions and fields that tests use, plain and folded.
//
// Only tests import it. It never judges a module: it also assembles what no
// engine accepts.
package wat

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Assemble is the binary of one (module …) in text format. What it does not
// understand ends the test.
func Assemble(t testing.TB, text string) []byte {
	t.Helper()
	m := &module{t: t, funcs: map[string]int{}, globals: map[string]int{}}
	nodes := parse(t, text)
	if len(nodes) != 1 || nodes[0].head() != "module" {
		t.Fatalf("wat: want one (module …)")
	}
	for _, field := range nodes[0].list[1:] {
		m.declare(field)
	}
	for _, field := range nodes[0].list[1:] {
		m.define(field)
	}
	return m.bytes()
}

// module collects the sections.
type module struct {
	t                                         testing.TB
	types                                     []string
	imports, functions, tables, memories      [][]byte
	globalDefs, exports, elements, code, data [][]byte
	funcs, globals                            map[string]int
	nFuncs, nGlobals                          int
	start                                     []byte
}

var valueTypes = map[string]byte{"i32": 0x7f, "i64": 0x7e, "f32": 0x7d, "f64": 0x7c, "v128": 0x7b, "funcref": 0x70, "externref": 0x6f}

func (m *module) valueType(name string) byte {
	v, ok := valueTypes[name]
	if !ok {
		m.t.Fatalf("wat: value type %q", name)
	}
	return v
}

// typeOf finds or adds the function type of (param …) (result …) in a list.
func (m *module) typeOf(list []node) (index, params int) {
	var p, r []byte
	for _, n := range list {
		for _, v := range n.list[min(1, len(n.list)):] {
			switch {
			case strings.HasPrefix(v.atom, "$"):
			case n.head() == "param":
				p = append(p, m.valueType(v.atom))
			case n.head() == "result":
				r = append(r, m.valueType(v.atom))
			}
		}
	}
	key := "\x60" + string(vector(p)) + string(vector(r))
	for i, t := range m.types {
		if t == key {
			return i, len(p)
		}
	}
	m.types = append(m.types, key)
	return len(m.types) - 1, len(p)
}

// declare gives functions and globals their numbers, so that bodies may name
// what comes later.
func (m *module) declare(f node) {
	id := ""
	if len(f.list) > 1 && strings.HasPrefix(f.list[1].atom, "$") && !f.list[1].quoted {
		id = f.list[1].atom
	}
	switch f.head() {
	case "import":
		desc := f.list[3]
		if desc.head() == "func" {
			if len(desc.list) > 1 && strings.HasPrefix(desc.list[1].atom, "$") {
				m.funcs[desc.list[1].atom] = m.nFuncs
			}
			m.nFuncs++
		}
	case "func":
		m.funcs[id] = m.nFuncs
		m.nFuncs++
	case "global":
		m.globals[id] = m.nGlobals
		m.nGlobals++
	}
}

func (m *module) define(f node) {
	switch f.head() {
	case "import":
		m.defineImport(f)
	case "func":
		m.defineFunc(f)
	case "memory", "table":
		m.defineSpace(f)
	case "global":
		m.defineGlobal(f)
	case "data":
		m.defineData(f)
	case "elem":
		m.defineElem(f)
	case "start":
		m.start = U(uint64(m.index(m.funcs, f.list[1].atom)))
	case "export":
		m.export(f.list[1].atom, f.list[2].head(), f.list[2].list[1].atom)
	default:
		m.t.Fatalf("wat: field (%s …)", f.head())
	}
}

func (m *module) export(as, what, id string) {
	kinds := map[string]byte{"func": 0, "table": 1, "memory": 2, "global": 3}
	spaces := map[string]map[string]int{"func": m.funcs, "global": m.globals}
	m.exports = append(m.exports, append(append(name(as), kinds[what]), U(uint64(m.index(spaces[what], id)))...))
}

func (m *module) index(space map[string]int, id string) int {
	if i, ok := space[id]; ok {
		return i
	}
	i, err := strconv.Atoi(id)
	if err != nil {
		m.t.Fatalf("wat: no %q", id)
	}
	return i
}

func (m *module) defineImport(f node) {
	b := append(name(f.list[1].atom), name(f.list[2].atom)...)
	desc := f.list[3]
	switch desc.head() {
	case "func":
		t, _ := m.typeOf(desc.list)
		b = append(append(b, 0), U(uint64(t))...)
	case "memory":
		b = append(append(b, 2), m.limits(desc.list[1:])...)
	case "global":
		b = append(b, 3, m.valueType(desc.list[1].atom), 0)
	default:
		m.t.Fatalf("wat: import of %q", desc.head())
	}
	m.imports = append(m.imports, b)
}

func (m *module) limits(list []node) []byte {
	b, flag := []byte(nil), byte(0)
	for i, n := range list {
		v, err := strconv.ParseUint(n.atom, 0, 32)
		if err != nil {
			break
		}
		b, flag = append(b, U(v)...), byte(i)
	}
	return append([]byte{flag}, b...)
}

// defineSpace defines a memory or a table.
func (m *module) defineSpace(f node) {
	rest := f.list[1:]
	for len(rest) > 0 && rest[0].isList {
		if rest[0].head() == "export" {
			m.export(rest[0].list[1].atom, f.head(), "0")
		}
		rest = rest[1:]
	}
	if f.head() == "memory" {
		m.memories = append(m.memories, m.limits(rest))
		return
	}
	m.tables = append(m.tables, append([]byte{m.valueType(rest[len(rest)-1].atom)}, m.limits(rest)...))
}

func (m *module) defineGlobal(f node) {
	rest := f.list[1:]
	if strings.HasPrefix(rest[0].atom, "$") {
		rest = rest[1:]
	}
	b := []byte{m.valueType(rest[0].atom + last(rest[0])), 0}
	if rest[0].isList {
		b[1] = 1
	}
	fn := &body{m: m}
	fn.all(rest[1:])
	m.globalDefs = append(m.globalDefs, append(append(b, fn.out...), 0x0b))
}

func last(n node) string {
	if !n.isList {
		return ""
	}
	return n.list[len(n.list)-1].atom
}

func (m *module) defineData(f node) {
	fn := &body{m: m}
	fn.all(f.list[1:2])
	b := append(append(append([]byte{0}, fn.out...), 0x0b), name(f.list[2].atom)...)
	m.data = append(m.data, b)
}

func (m *module) defineElem(f node) {
	fn := &body{m: m}
	fn.all(f.list[1:2])
	b := append(append([]byte{0}, fn.out...), 0x0b)
	b = append(b, U(uint64(len(f.list)-2))...)
	for _, n := range f.list[2:] {
		b = append(b, U(uint64(m.index(m.funcs, n.atom)))...)
	}
	m.elements = append(m.elements, b)
}

func (m *module) defineFunc(f node) {
	t, params := m.typeOf(f.list)
	m.functions = append(m.functions, U(uint64(t)))
	fn := &body{m: m, locals: map[string]int{}}
	n, self := 0, fmt.Sprint(len(m.imports)+len(m.functions)-1)
	var groups []byte
	rest := f.list[1:]
	for ; len(rest) > 0; rest = rest[1:] {
		switch h := rest[0].head(); {
		case !rest[0].isList && strings.HasPrefix(rest[0].atom, "$"):
		case h == "export":
			m.export(rest[0].list[1].atom, "func", self)
		case h == "param" || h == "local":
			for _, v := range rest[0].list[1:] {
				if strings.HasPrefix(v.atom, "$") {
					fn.locals[v.atom] = n
					continue
				}
				if h == "local" {
					groups = append(groups, 1, m.valueType(v.atom))
				}
				n++
			}
		case h == "result" || h == "type":
		default:
			fn.all(rest)
			rest = rest[:1]
		}
	}
	code := append(U(uint64(n-params)), groups...)
	m.code = append(m.code, vector(append(append(code, fn.out...), 0x0b)))
}

func (m *module) bytes() []byte {
	out := []byte(Preamble)
	types := make([][]byte, len(m.types))
	for i, t := range m.types {
		types[i] = []byte(t)
	}
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{
		{1, types}, {2, m.imports}, {3, m.functions}, {4, m.tables}, {5, m.memories}, {6, m.globalDefs}, {7, m.exports},
		{8, nil}, {9, m.elements}, {10, m.code}, {11, m.data},
	} {
		if s.id == 8 && m.start != nil {
			out = append(out, Section(8, m.start)...)
		}
		if len(s.items) == 0 {
			continue
		}
		b := U(uint64(len(s.items)))
		for _, i := range s.items {
			b = append(b, i...)
		}
		out = append(out, Section(s.id, b)...)
	}
	return out
}

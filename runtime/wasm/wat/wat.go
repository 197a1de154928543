// Package wat assembles small WebAssembly modules from their text format, so
// that tests can say what a guest does in the words of the specification. It
// knows the instructions and fields that tests use, plain and folded.
//
// Only tests import it. It never judges a module: it also assembles what no
// engine accepts.
package wat

import (
	"encoding/binary"
	"fmt"
	"math"
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

// node is an atom, a string or a list.
type node struct {
	atom   string
	quoted bool
	list   []node
	isList bool
}

func (n node) head() string {
	if !n.isList || len(n.list) == 0 {
		return ""
	}
	return n.list[0].atom
}

func parse(t testing.TB, text string) []node {
	stack := [][]node{nil}
	push := func(n node) { stack[len(stack)-1] = append(stack[len(stack)-1], n) }
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ';' && strings.HasPrefix(text[i:], ";;"):
			i += length(text[i:], "\n")
		case c == '(':
			stack = append(stack, nil)
			i++
		case c == ')':
			list := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			push(node{list: list, isList: true})
			i++
		case c == '"':
			s, n := quoted(t, text[i:])
			push(node{atom: s, quoted: true})
			i += n
		case c == ' ' || c == '\n' || c == '\t':
			i++
		default:
			n := length(text[i:], " \n\t();")
			push(node{atom: text[i : i+n]})
			i += n
		}
	}
	return stack[0]
}

// length is how far text goes before any of the stops.
func length(text, stops string) int {
	if n := strings.IndexAny(text, stops); n >= 0 {
		return n
	}
	return len(text)
}

// quoted reads a string with its escapes: \n \t \" \\ and two hex digits.
func quoted(t testing.TB, s string) (value string, length int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1
		case s[i] != '\\':
			b.WriteByte(s[i])
		default:
			i++
			if k := strings.IndexByte(`nt"\`, s[i]); k >= 0 {
				b.WriteByte("\n\t\"\\"[k])
				continue
			}
			v, err := strconv.ParseUint(s[i:i+2], 16, 8)
			if err != nil {
				t.Fatalf("wat: escape %q", s[i-1:i+2])
			}
			b.WriteByte(byte(v))
			i++
		}
	}
	t.Fatalf("wat: unfinished string")
	return "", 0
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

func vector(b []byte) []byte { return append(U(uint64(len(b))), b...) }

func name(s string) []byte { return vector([]byte(s)) }

// U is an unsigned LEB128.
func U(v uint64) []byte { return binary.AppendUvarint(nil, v) }

// S is a signed LEB128.
func S(v int64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Section is one section of a binary module.
func Section(id byte, body []byte) []byte { return append([]byte{id}, vector(body)...) }

// Preamble begins a binary module.
const Preamble = "\x00asm\x01\x00\x00\x00"

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

// body assembles instructions.
type body struct {
	m      *module
	locals map[string]int
	labels []string
	out    []byte
}

func (f *body) all(list []node) {
	for len(list) > 0 {
		if list[0].isList {
			f.folded(list[0])
			list = list[1:]
			continue
		}
		list = list[f.plain(list[0].atom, list[1:])+1:]
	}
}

// folded is (op immediates… operands…), and (if (result t) condition (then …) (else …)).
func (f *body) folded(n node) {
	op, rest := n.head(), n.list[1:]
	if op == "block" || op == "loop" || op == "if" {
		f.block(op, rest)
		return
	}
	k := 0
	for k < len(rest) && !rest[k].isList {
		k++
	}
	f.all(rest[k:])
	f.plain(op, rest[:k])
}

func (f *body) block(op string, rest []node) {
	label, kind := "", []byte{0x40}
	if len(rest) > 0 && strings.HasPrefix(rest[0].atom, "$") {
		label, rest = rest[0].atom, rest[1:]
	}
	if len(rest) > 0 && rest[0].head() == "result" {
		kind, rest = []byte{f.m.valueType(rest[0].list[1].atom)}, rest[1:]
	}
	if op == "if" {
		for rest[0].head() != "then" {
			f.folded(rest[0])
			rest = rest[1:]
		}
	}
	f.out = append(append(f.out, map[string]byte{"block": 2, "loop": 3, "if": 4}[op]), kind...)
	f.labels = append(f.labels, label)
	if op == "if" {
		f.all(rest[0].list[1:])
		if len(rest) > 1 {
			f.out = append(f.out, 5)
			f.all(rest[1].list[1:])
		}
	} else {
		f.all(rest)
	}
	f.labels = f.labels[:len(f.labels)-1]
	f.out = append(f.out, 0x0b)
}

// plain writes one instruction and returns how many of args were immediates.
func (f *body) plain(op string, args []node) int {
	code, ok := opcodes[op]
	if !ok {
		f.m.t.Fatalf("wat: instruction %q", op)
	}
	f.out = append(f.out, code...)
	arg := func(i int) string {
		if i >= len(args) {
			f.m.t.Fatalf("wat: %s misses an argument", op)
		}
		return args[i].atom
	}
	switch op {
	case "local.get", "local.set", "local.tee":
		f.put(f.m.index(f.locals, arg(0)))
	case "global.get", "global.set":
		f.put(f.m.index(f.m.globals, arg(0)))
	case "call", "ref.func":
		f.put(f.m.index(f.m.funcs, arg(0)))
	case "br", "br_if":
		f.put(f.label(arg(0)))
	case "br_table":
		n := 0
		for n < len(args) && !args[n].isList && (args[n].atom[0] == '$' || args[n].atom[0] >= '0' && args[n].atom[0] <= '9') {
			n++
		}
		f.put(n - 1)
		for i := range n {
			f.put(f.label(arg(i)))
		}
		return n
	case "call_indirect":
		t, err := strconv.Atoi(arg(0))
		if err != nil {
			f.m.t.Fatalf("wat: call_indirect takes a type's number")
		}
		f.put(t)
		f.put(0)
	case "i32.const", "i64.const":
		v, err := strconv.ParseInt(arg(0), 0, 64)
		if err != nil {
			f.m.t.Fatalf("wat: %s %s", op, arg(0))
		}
		if op == "i32.const" {
			v = int64(int32(v))
		}
		f.out = append(f.out, S(v)...)
	case "f64.const":
		v, err := strconv.ParseFloat(arg(0), 64)
		if err != nil {
			f.m.t.Fatalf("wat: %s %s", op, arg(0))
		}
		f.out = binary.LittleEndian.AppendUint64(f.out, math.Float64bits(v))
	case "ref.null":
		f.out = append(f.out, 0x70)
	default:
		return f.memoryArgs(op, code, args)
	}
	return 1
}

// memoryArgs writes the alignment and offset of loads and stores.
func (f *body) memoryArgs(op string, code []byte, args []node) int {
	if code[0] < 0x28 || code[0] > 0x3e || len(code) > 1 {
		return 0
	}
	offset, n := uint64(0), 0
	if len(args) > 0 {
		if text, ok := strings.CutPrefix(args[0].atom, "offset="); ok {
			v, err := strconv.ParseUint(text, 0, 32)
			if err != nil {
				f.m.t.Fatalf("wat: %s %s", op, args[0].atom)
			}
			offset, n = v, 1
		}
	}
	f.out = append(append(f.out, 0), U(offset)...)
	return n
}

func (f *body) put(v int) { f.out = append(f.out, U(uint64(v))...) }

func (f *body) label(id string) int {
	for i := len(f.labels) - 1; i >= 0; i-- {
		if f.labels[i] == id {
			return len(f.labels) - 1 - i
		}
	}
	n, err := strconv.Atoi(id)
	if err != nil {
		f.m.t.Fatalf("wat: label %q", id)
	}
	return n
}

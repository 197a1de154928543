package wat

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

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

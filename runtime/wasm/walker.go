package wasm

// walker visits the instructions of a body in order. It checks every index that
// the rewriter could make valid: what was out of range before must never become
// a counter or a function of wconf's.
type walker struct {
	reader
	f     *function
	op    byte
	sub   int // of opBulk and opVector
	start int // where the instruction begins; it ends at reader.at
	index int // its function, for opCall and opRefFunc
	depth int // open blocks; -1 after the end of the function

	targets int             // of the br_tables so far
	labels  func(label int) // hears of each branch; may be nil
}

func (f *function) walk() *walker { return &walker{reader: reader{data: f.data, at: f.code}, f: f} }

// next reads one instruction. It is false at the end and after an error.
func (w *walker) next() bool {
	if w.err != nil {
		return false
	}
	if w.at >= len(w.data) {
		if w.depth >= 0 {
			w.failf("it ends inside a block")
		}
		return false
	}
	if w.depth < 0 {
		w.failf("it has code after its end")
		return false
	}
	w.start = w.at
	w.op = w.byte()
	w.immediates()
	return w.err == nil
}

func (w *walker) immediates() {
	switch op := w.op; {
	case op == opBlock || op == opLoop || op == opIf:
		w.blockType()
		if w.depth++; w.depth > maxNest {
			w.failf("its blocks are nested in more than the %d that wconf accepts", maxNest)
		}
	case op == opEnd:
		w.depth--
	case op == opBr || op == opBrIf:
		w.label()
	case op == opBrTable:
		n := w.vector("targets of br_tables", maxTargets-w.targets)
		w.targets += n
		for range n + 1 {
			w.label()
		}
	case op == opCall || op == opRefFunc:
		w.index = w.within("function", w.f.functions())
	case op == opIndirect:
		w.within("type", len(w.f.types))
		w.within("table", len(w.f.tables))
	case op == opSelect:
		w.take(w.vector("types of a select", maxResults))
	case op >= opLocalGet && op <= opLocalTee:
		w.within("local", w.f.locals)
	case op == opGlobalGet || op == opGlobalSet:
		w.within("global", len(w.f.globals))
	case op == 0x25 || op == 0x26: // table.get, table.set
		w.within("table", len(w.f.tables))
	case op >= 0x28 && op <= 0x3e: // loads and stores
		w.u32()
		w.u32()
	case op == 0x3f || op == opGrow:
		w.byte()
	case op == opI32Const:
		w.signed(32)
	case op == opI64Const:
		w.signed(64)
	case op == opF32Const:
		w.take(4)
	case op == opF64Const:
		w.take(8)
	case op == opRefNull:
		w.byte()
	case op == opBulk:
		w.bulk()
	case op == opVector:
		w.vectorImmediates()
	case op <= 0x01 || op == opElse || op == opReturn || op == 0x1a || op == 0x1b || op >= 0x45 && op <= 0xc4 || op == 0xd1:
	default:
		p, ok := opcodesOf[op]
		if !ok {
			p = unknown
		}
		w.beyond(p, "opcode %#x", op)
	}
}

func (w *walker) within(what string, space int) int {
	i := w.u32()
	if w.err == nil && i >= space {
		w.failf("it names %s %d of %d", what, i, space)
	}
	return i
}

// label counts from the innermost block; the function itself is the last.
func (w *walker) label() {
	if i := w.within("label", w.depth+1); w.labels != nil {
		w.labels(i)
	}
}

// blockType is empty, a value type, or the index of a type: a signed number, of
// which the negative ones are value types.
func (w *walker) blockType() {
	from := w.at
	w.signed(28) // four bytes: no type has a longer index
	if w.err != nil || w.data[w.at-1]&0x40 != 0 {
		return
	}
	i := 0
	for k, b := range w.data[from:w.at] {
		i |= int(b&0x7f) << (7 * k)
	}
	if i >= len(w.f.types) {
		w.failf("it names type %d of %d", i, len(w.f.types))
	}
}

func (w *walker) bulk() {
	w.sub = w.u32()
	switch w.sub {
	case subMemoryInit, subMemoryCopy, subTableInit, subTableCopy:
		w.u32()
		w.u32()
	case 9, subMemoryFill, 13, subTableGrow, 16, subTableFill:
		w.u32()
	default:
		if w.sub > subTableFill {
			p := unknown
			if w.sub >= 19 && w.sub <= 22 {
				p = wideArithmetic
			}
			w.beyond(p, "opcode 0xfc %d", w.sub)
		}
	}
}

func (w *walker) vectorImmediates() {
	w.sub = w.u32()
	switch sub := w.sub; {
	case sub <= 11 || sub == 92 || sub == 93:
		w.u32()
		w.u32()
	case sub == 12 || sub == 13:
		w.take(16)
	case sub >= 21 && sub <= 34:
		w.byte()
	case sub >= 84 && sub <= 91:
		w.u32()
		w.u32()
		w.byte()
	case sub > 255:
		w.beyond(relaxedSIMD, "opcode 0xfd %d", sub)
	}
}

package wasm

import "fmt"

// Opcodes that the rewriter and the bounds know by name (WebAssembly Core
// Specification 2.0, "Instructions").
const (
	opBlock     = 0x02
	opLoop      = 0x03
	opIf        = 0x04
	opElse      = 0x05
	opEnd       = 0x0b
	opBr        = 0x0c
	opBrIf      = 0x0d
	opBrTable   = 0x0e
	opReturn    = 0x0f
	opCall      = 0x10
	opIndirect  = 0x11
	opSelect    = 0x1c // with types
	opLocalGet  = 0x20
	opLocalTee  = 0x22
	opGlobalGet = 0x23
	opGlobalSet = 0x24
	opGrow      = 0x40 // memory.grow
	opI32Const  = 0x41
	opI64Const  = 0x42
	opF32Const  = 0x43
	opF64Const  = 0x44
	opI64LtS    = 0x53
	opI32LtS    = 0x48
	opI32Add    = 0x6a
	opI32Sub    = 0x6b
	opI64Sub    = 0x7d
	opI64ShrU   = 0x88
	opExtendU   = 0xad // i64.extend_i32_u
	opRefNull   = 0xd0
	opRefFunc   = 0xd2
	opBulk      = 0xfc // memory.copy and its kin, saturating conversions
	opVector    = 0xfd // SIMD
)

// Of opBulk.
const (
	subMemoryInit = 8
	subMemoryCopy = 10
	subMemoryFill = 11
	subTableInit  = 12
	subTableCopy  = 14
	subTableGrow  = 15
	subTableFill  = 17
)

// Bounds of one function body. Within them the worst function that we could
// build compiles in half a second; a few bytes beyond,
// others took half a minute.
const (
	maxBody        = 128 << 10
	maxLocals      = 10_000  // of one function, parameters included
	maxAllLocals   = 1 << 20 // of all functions
	maxNest        = 1500
	maxLoops       = 1000
	maxLoopNest    = 40      // loops around a loop
	maxLoopLocals  = 20_000  // nested loops × locals: each loop carries every local
	maxBlocks      = 4000    // blocks, loops, ifs and br_ifs
	maxBlockLocals = 140_000 // blocks × locals: what register allocation costs
	maxAllBlocks   = 10 << 20
	maxTargets     = 20_000 // of all br_tables
	maxCode        = 12 << 20
)

// codeShape is what the code section adds up to.
type codeShape struct {
	bodies      int
	largest     int // bytes of the longest body
	blockLocals int // the largest product of blocks and locals
	locals      int
	sum         int // of all products
}

// function is one body as the walker sees it.
type function struct {
	*shape
	sig    signature
	data   []byte // locals and code
	groups int    // of locals
	from   int    // where the groups of locals begin
	code   int    // where the code begins
	locals int    // parameters and locals
}

func (s *shape) readCode(r *reader) {
	n := r.vector("function bodies", maxFunctions)
	if r.err == nil && len(r.data) > maxCode {
		r.failf("it has %d bytes of code, more than the %d that wconf accepts", len(r.data), maxCode)
	}
	if r.err == nil && n != len(s.funcs) {
		r.failf("it declares %d functions but has the code of %d", len(s.funcs), n)
	}
	for range n {
		if r.err != nil {
			return
		}
		f := s.readFunction(r)
		if r.err == nil {
			s.weigh(r, f)
		}
	}
}

// readFunction reads the head of the next body.
func (s *shape) readFunction(r *reader) *function {
	f := &function{shape: s, data: r.take(r.atMost("bytes in one function", maxBody)), sig: s.types[s.funcs[s.code.bodies]]}
	s.code.bodies++
	b := &reader{data: f.data}
	f.groups = b.vector("groups of locals", maxLocals)
	f.from, f.locals = b.at, len(f.sig.params)
	for range f.groups {
		f.locals += b.atMost("locals in one function", maxLocals)
		b.byte()
		if f.locals > maxLocals {
			b.failf("it has a function with more than %d locals", maxLocals)
		}
		if b.err != nil {
			break
		}
	}
	f.code = b.at
	if b.err != nil {
		r.failf("function %d: %w", len(s.imports)+s.code.bodies-1, b.err)
	}
	return f
}

// weigh holds a body against the bounds.
func (s *shape) weigh(r *reader, f *function) {
	blocks, loops, deepest := 1, 0, 0
	var open []bool // of the open blocks, which are loops
	w := f.walk()
	for nest := 0; w.next(); {
		switch w.op {
		case opBlock, opLoop, opIf:
			blocks++
			open = append(open, w.op == opLoop)
			if w.op == opLoop {
				loops++
				nest++
				deepest = max(deepest, nest)
			}
		case opBrIf:
			blocks++
		case opEnd:
			if n := len(open) - 1; n >= 0 {
				if open[n] {
					nest--
				}
				open = open[:n]
			}
		}
	}
	c := &s.code
	product := blocks * (f.locals + 1)
	c.largest, c.blockLocals = max(c.largest, len(f.data)), max(c.blockLocals, product)
	c.locals += f.locals
	c.sum += product
	why := w.err
	switch {
	case why != nil:
	case loops > maxLoops:
		why = fmt.Errorf("it has %d loops, more than the %d that wconf accepts", loops, maxLoops)
	case deepest > maxLoopNest:
		why = fmt.Errorf("it has loops nested %d deep, more than the %d that wconf accepts", deepest, maxLoopNest)
	case deepest*f.locals > maxLoopLocals:
		why = fmt.Errorf("its nested loops times its locals are %d, more than the %d that wconf accepts", deepest*f.locals, maxLoopLocals)
	case blocks > maxBlocks:
		why = fmt.Errorf("it has %d blocks and branches, more than the %d that wconf accepts", blocks, maxBlocks)
	case product > maxBlockLocals:
		why = fmt.Errorf("its blocks times its locals are %d, more than the %d that wconf accepts", product, maxBlockLocals)
	case c.sum > maxAllBlocks || c.locals > maxAllLocals:
		why = fmt.Errorf("the module has too many blocks and locals in all")
	}
	if why != nil {
		r.failf("function %d: %w", len(s.imports)+c.bodies-1, why)
	}
}

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

	targets int // of the br_tables so far
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
			w.failf("its blocks are nested deeper than %d", maxNest)
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
		w.failf("opcode %#x is of a proposal that wconf does not run (%s)", op, proposal(op))
	}
}

func proposal(op byte) string {
	switch op {
	case 0x12, 0x13:
		return "tail calls"
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return "exceptions"
	case 0xfb, 0x14, 0x15, 0xd3, 0xd4, 0xd5, 0xd6:
		return "garbage collection"
	case 0xfe:
		return "threads"
	}
	return "unknown"
}

func (w *walker) within(what string, space int) int {
	i := w.u32()
	if w.err == nil && i >= space {
		w.failf("it names %s %d of %d", what, i, space)
	}
	return i
}

// label counts from the innermost block; the function itself is the last.
func (w *walker) label() { w.within("label", w.depth+1) }

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
			w.failf("opcode 0xfc %d is of a proposal that wconf does not run", w.sub)
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
		w.failf("opcode 0xfd %d is of a proposal that wconf does not run (relaxed SIMD)", sub)
	}
}

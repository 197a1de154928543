package wasm

import "fmt"

// Bounds of one function body. Within them the worst function that we could
// build compiles in half a second; a few bytes beyond,
// others took half a minute. printf of musl has 53 loops with 43 locals, the
// largest function of QuickJS 79,344 blocks × locals and 16,302 branches to loops
// × locals, the loop of an interpreter in Go (expr-lang) 1,610 nested blocks.
const (
	maxBody        = 128 << 10
	maxLocals      = 10_000  // of one function, parameters included
	maxAllLocals   = 1 << 20 // of all functions
	maxNest        = 4000    // as many as blocks: Go nests each case of a switch in the next
	maxLoops       = 1000
	maxLoopNest    = 40        // loops around a loop
	maxLoopLocals  = 20_000    // loops × locals: each loop carries every local
	maxRoundLocals = 40_000    // branches to loops × locals: each moves every local
	maxAllRounds   = 2_000_000 // of all functions: 20 bytes of machine code each. Large guests of Go have 460,000
	maxBlocks      = 4000      // blocks, loops, ifs and br_ifs
	maxBlockLocals = 140_000   // blocks × locals: what register allocation costs
	maxAllBlocks   = 10 << 20
	maxTargets     = 20_000 // of all br_tables
	maxCode        = 12 << 20
	// maxInstructions bounds what the interpreter makes of all functions, which
	// nothing interrupts: 56 bytes of each. A Go guest with text/template has 1.6
	// million, one with net/http 3.1.
	maxInstructions = 3_500_000
)

// codeShape is what the code section adds up to.
type codeShape struct {
	bodies       int
	largest      int // bytes of the longest body
	blockLocals  int // the largest product of blocks and locals
	locals       int
	sum          int // of all products
	rounds       int // of all branches to loops × locals
	instructions int // of all functions
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
		b.valueTypes(b.byte())
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
	blocks, loops, deepest, rounds := 1, 0, 0, 0
	var open []bool // of the open blocks, which are loops
	w := f.walk()
	w.labels = func(label int) {
		if n := len(open) - 1 - label; n >= 0 && open[n] {
			rounds++
		}
	}
	for nest := 0; w.next(); {
		s.code.instructions++
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
	c.rounds += rounds * f.locals
	why := w.err
	switch {
	case why != nil:
	case loops > maxLoops:
		why = fmt.Errorf("it has %d loops, more than the %d that wconf accepts", loops, maxLoops)
	case deepest > maxLoopNest:
		why = fmt.Errorf("it has loops nested %d deep, more than the %d that wconf accepts", deepest, maxLoopNest)
	case loops*f.locals > maxLoopLocals:
		why = fmt.Errorf("its loops times its locals are %d, more than the %d that wconf accepts", loops*f.locals, maxLoopLocals)
	case rounds*f.locals > maxRoundLocals:
		why = fmt.Errorf("its branches to loops times its locals are %d, more than the %d that wconf accepts", rounds*f.locals, maxRoundLocals)
	case blocks > maxBlocks:
		why = fmt.Errorf("it has %d blocks and branches, more than the %d that wconf accepts", blocks, maxBlocks)
	case product > maxBlockLocals:
		why = fmt.Errorf("its blocks times its locals are %d, more than the %d that wconf accepts", product, maxBlockLocals)
	case c.sum > maxAllBlocks || c.locals > maxAllLocals:
		why = fmt.Errorf("the module has too many blocks and locals in all")
	case c.rounds > maxAllRounds:
		why = fmt.Errorf("the branches to loops times the locals of all functions are more than the %d that wconf accepts", maxAllRounds)
	case c.instructions > maxInstructions:
		why = fmt.Errorf("the module has more than the %d instructions that wconf accepts", maxInstructions)
	}
	if why != nil {
		r.failf("function %d: %w", len(s.imports)+c.bodies-1, why)
	}
}

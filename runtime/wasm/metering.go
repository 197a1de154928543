package wasm

import "math/bits"

func (w *writer) code() []byte {
	r := &reader{data: w.sections[codeSection]}
	out := appendU(make([]byte, 0, len(r.data)+len(r.data)/4), uint64(len(w.funcs)))
	if len(w.funcs) > 0 {
		r.u32()
	}
	w.shape.code.bodies = 0
	var body []byte
	for range w.funcs {
		f := w.readFunction(r)
		if r.err != nil {
			w.err = r.err
			return nil
		}
		body = w.body(body[:0], f)
		out = append(appendU(out, uint64(len(body))), body...)
	}
	return out
}

// costs are the prices of a body's regions: the function without its loops
// first, then each loop without the loops inside it, in the order of their
// heads.
type costs struct {
	regions []int64
	bulk    bool // it has operations that charge by their size
	calls   bool
}

func (f *function) costs() costs {
	c := costs{regions: []int64{1}}
	open := []int{0} // the region of each open block
	for w := f.walk(); w.next(); {
		region := open[len(open)-1]
		c.regions[region]++
		switch w.op {
		case opBlock, opIf:
			open = append(open, region)
		case opLoop:
			c.regions = append(c.regions, 1)
			open = append(open, len(c.regions)-1)
		case opEnd:
			open = open[:len(open)-1]
		case opGrow:
			c.regions[region] += priceGrow
		case opCall, opIndirect:
			c.calls = true
		case opBulk:
			c.bulk = c.bulk || divisor(w.sub) > 0
		}
	}
	if f.dearest > 0 {
		for n, price := range c.regions {
			c.regions[n] = min(price, f.dearest)
		}
	}
	return c
}

// divisor is how many bytes or entries of a bulk operation cost one unit.
func divisor(sub int) int {
	switch sub {
	case subMemoryInit, subMemoryCopy, subMemoryFill:
		return bytesPerFuel
	case subTableInit, subTableCopy, subTableGrow, subTableFill:
		return entriesPerFuel
	}
	return 0
}

// body writes one function anew. A function that calls others keeps its own
// measure of the stack: it is wrapped in a block that returns and branches
// leave through.
func (w *writer) body(b []byte, f *function) []byte {
	c := f.costs()
	b = w.locals(b, f, c)
	b = w.charge(b, c.regions[0])
	wrapped := c.calls || f.locals > leafLocals
	if wrapped {
		b = w.enter(b, f)
	}
	b = w.instructions(b, f, c, wrapped)
	if wrapped {
		b = append(w.room(b, f, opI32Add), opEnd)
	}
	return b
}

// locals are the function's own, and one i32 for the sizes of bulk operations.
func (w *writer) locals(b []byte, f *function, c costs) []byte {
	if !c.bulk {
		return append(b, f.data[:f.code]...)
	}
	b = appendU(b, uint64(f.groups+1))
	b = append(b, f.data[f.from:f.code]...)
	return append(b, 1, i32)
}

func (w *writer) instructions(b []byte, f *function, c costs, wrapped bool) []byte {
	from, region := f.code, 0
	walk := f.walk()
	for walk.next() {
		switch {
		case walk.op == opLoop:
			region++
			b = w.charge(append(b, f.data[from:walk.at]...), c.regions[region])
			from = walk.at
		case walk.op == opCall || walk.op == opRefFunc:
			b = appendU(append(b, f.data[from:walk.start+1]...), w.shifted(walk.index))
			from = walk.at
		case walk.op == opReturn && wrapped:
			b = appendU(append(append(b, f.data[from:walk.start]...), opBr), uint64(walk.depth))
			from = walk.at
		case walk.op == opBulk && divisor(walk.sub) > 0:
			b = w.chargeSize(append(b, f.data[from:walk.start]...), f, divisor(walk.sub))
			from = walk.start
		}
	}
	return append(b, f.data[from:]...)
}

// charge takes a price from the fuel and calls tick when none is left.
func (w *writer) charge(b []byte, price int64) []byte {
	b = appendU(append(b, opGlobalGet), w.fuel)
	b = append(appendS(append(b, opI64Const), price), opI64Sub)
	return w.tickIfSpent(appendU(append(b, opGlobalSet), w.fuel))
}

func (w *writer) tickIfSpent(b []byte) []byte {
	b = appendU(append(b, opGlobalGet), w.fuel)
	b = append(b, opI64Const, 0, opI64LtS, opIf, emptyBlock)
	return append(appendU(append(b, opCall), uint64(w.tick)), opEnd)
}

// chargeSize takes fuel by the size that lies on top of the operands.
func (w *writer) chargeSize(b []byte, f *function, per int) []byte {
	size := uint64(f.locals)
	b = appendU(append(b, opLocalTee), size)
	b = appendU(append(b, opGlobalGet), w.fuel)
	b = appendU(append(b, opLocalGet), size)
	b = append(b, opExtendU, opI64Const, byte(bits.TrailingZeros(uint(per))), opI64ShrU, opI64Sub)
	return w.tickIfSpent(appendU(append(b, opGlobalSet), w.fuel))
}

// enter takes a frame from the room, calls tick when none is left, and opens
// the block around the body.
func (w *writer) enter(b []byte, f *function) []byte {
	b = w.room(b, f, opI32Sub)
	b = appendU(append(b, opGlobalGet), w.fuel+1)
	b = append(b, opI32Const, 0, opI32LtS, opIf, emptyBlock)
	b = append(appendU(append(b, opCall), uint64(w.tick)), opEnd)
	return w.blockOf(append(b, opBlock), f.sig.results)
}

// room adds a frame to the room or takes it.
func (w *writer) room(b []byte, f *function, op byte) []byte {
	b = appendU(append(b, opGlobalGet), w.fuel+1)
	b = append(appendS(append(b, opI32Const), int64(f.locals+frameUnits)), op)
	return appendU(append(b, opGlobalSet), w.fuel+1)
}

// blockOf is a block's type for results: nothing, one value type, or a type of
// the new module.
func (w *writer) blockOf(b, results []byte) []byte {
	switch len(results) {
	case 0:
		return append(b, emptyBlock)
	case 1:
		return append(b, results[0])
	}
	for i, known := range w.blocks {
		if known == string(results) {
			return appendS(b, int64(len(w.types)+1+i))
		}
	}
	w.blocks = append(w.blocks, string(results))
	return appendS(b, int64(len(w.types)+len(w.blocks)))
}

package wasm

func (s *shape) readElements(r *reader) {
	items := 0
	for range r.vector("element segments", maxElements) {
		items += s.element(r, nil)
		if r.err == nil && items > maxTableSize {
			r.failf("it has more than %d element items", maxTableSize)
		}
		if r.err != nil {
			return
		}
	}
}

// element walks one element segment; visit gets the place of each function
// index in it. It returns the number of items.
func (s *shape) element(r *reader, visit func(from, to, function int)) int {
	flags := r.u32()
	if r.err == nil && flags > 7 {
		r.failf("an element segment of kind %d", flags)
		return 0
	}
	if flags&1 == 0 { // active: it has an offset, perhaps a table
		if flags&2 != 0 {
			if t := r.u32(); r.err == nil && t >= len(s.tables) {
				r.failf("an element segment is for table %d of %d", t, len(s.tables))
			}
		}
		s.constant(r, visit)
	}
	if flags&3 != 0 {
		r.byte() // what the items are
	}
	n := r.vector("element items", maxTableSize)
	for range n {
		if flags&4 != 0 {
			s.constant(r, visit)
		} else {
			from := r.at
			s.functionIndex(r, from, visit)
		}
		if r.err != nil {
			return 0
		}
	}
	return n
}

func (s *shape) functionIndex(r *reader, from int, visit func(from, to, function int)) {
	f := r.u32()
	if r.err == nil && f >= s.functions() {
		r.failf("a function index is out of range")
	}
	if r.err == nil && visit != nil {
		visit(from, r.at, f)
	}
}

// constant walks a constant expression; visit gets the place of each function
// index in it.
func (s *shape) constant(r *reader, visit func(from, to, function int)) {
	for r.err == nil {
		switch op := r.byte(); op {
		case opEnd:
			return
		case opI32Const:
			r.signed(32)
		case opI64Const:
			r.signed(64)
		case opF32Const:
			r.take(4)
		case opF64Const:
			r.take(8)
		case opRefFunc:
			from := r.at
			s.functionIndex(r, from, visit)
		case opRefNull:
			r.byte()
		case opVector:
			if sub := r.u32(); r.err == nil && sub != 12 {
				r.beyond(extendedConstant, "a constant expression that computes")
			}
			r.take(16)
		case opGlobalGet:
			r.failf("a constant expression takes its value from a global")
		case 0xfb:
			r.beyond(garbage, "a constant expression with opcode %#x", op)
		default:
			r.beyond(extendedConstant, "a constant expression with opcode %#x", op)
		}
	}
}

func (s *shape) readData(r *reader) {
	for range r.vector("data segments", maxData) {
		switch kind := r.u32(); kind {
		case 0, 2:
			if kind == 2 {
				r.u32()
			}
			s.constant(r, nil)
		case 1:
		default:
			r.failf("a data segment of kind %d", kind)
		}
		r.take(r.u32())
		if r.err != nil {
			return
		}
	}
}

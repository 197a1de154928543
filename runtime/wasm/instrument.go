package wasm

// The rewriter adds to a module what a daemon needs to run it in its own
// process: a count of fuel that is taken at the entry of each function, at the
// head of each loop and before each bulk operation, a measure of the stack that
// is left, and a call of wconf's tick when either is below zero. Machine code
// cannot be interrupted from outside; so every path through it comes by a tick.
//
// The counters are globals behind the module's own, tick is an import behind
// its own, and all indices are checked against the spaces of the module as it
// came: see walker.
const (
	tickModule = "wconf/host"
	tickName   = "tick"
	reserved   = "wconf:"
	fuelExport = reserved + "fuel"
	roomExport = reserved + "room"
)

// PriceList names what fuel counts. Limits and measurements of fuel mean the
// same as long as it does not change.
const PriceList = "fuel/1"

// Prices of fuel/1. Each instruction costs 1, whether it runs or not,
// once for each time that its function is entered or its innermost loop begins
// a round; entering and each round cost 1 more. These cost more:
const (
	priceGrow      = 100 // memory.grow
	bytesPerFuel   = 32  // memory.copy, memory.fill, memory.init
	entriesPerFuel = 4   // table.copy, table.fill, table.init, table.grow
)

const (
	frameUnits   = 32   // of the stack, for each active function, and one for each local
	leafLocals   = 1000 // a function with more takes a frame, also when it calls nothing
	functionType = 0x60
	emptyBlock   = 0x40
)

// instrument writes the module anew. The shape must have passed scan.
func instrument(s *shape) ([]byte, error) {
	w := &writer{shape: s, tick: len(s.imports), fuel: uint64(len(s.globals))}
	code := w.code() // first: it adds block types
	if w.err != nil {
		return nil, w.err
	}
	out := append(make([]byte, 0, len(s.bin)+len(s.bin)/4), preamble...)
	for _, id := range sectionOrder {
		body, ok := s.sections[id]
		switch id {
		case typeSection:
			body, ok = w.typesWith(body), true
		case importSection:
			body, ok = w.importsWith(body), true
		case tableSection:
			body = w.tables()
		case globalSection:
			body, ok = w.globalsWith(body), true
		case exportSection:
			body, ok = w.exports(), true
		case startSection:
			body = appendU(nil, w.shifted(max(s.start, 0)))
		case elementSection:
			body = w.elements(body)
		case codeSection:
			body = code
		}
		if ok {
			out = appendU(append(out, id), uint64(len(body)))
			out = append(out, body...)
		}
	}
	return append(out, w.nameSectionOf(s.names())...), nil
}

// writer makes the sections of the new module.
type writer struct {
	*shape
	tick   int      // the index of tick; functions of the module's own move up by one
	fuel   uint64   // the global of the fuel; the one of the stack's room is behind it
	blocks []string // result lists that became block types
	err    error
}

func appendU(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendS(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte { return append(appendU(b, uint64(len(s))), s...) }

func (w *writer) shifted(function int) uint64 {
	if function >= w.tick {
		function++
	}
	return uint64(function)
}

// more is a vector with its count raised by n; the caller adds the items.
func more(body []byte, n int) []byte {
	r := &reader{data: body}
	count := 0
	if len(body) > 0 {
		count = r.u32()
	}
	return append(appendU(nil, uint64(count+n)), body[r.at:]...)
}

func (w *writer) typesWith(body []byte) []byte {
	b := append(more(body, 1+len(w.blocks)), functionType, 0, 0)
	for _, results := range w.blocks {
		b = appendName(append(b, functionType, 0), results)
	}
	return b
}

func (w *writer) importsWith(body []byte) []byte {
	b := appendName(appendName(more(body, 1), tickModule), tickName)
	return appendU(append(b, 0), uint64(len(w.types)))
}

// tables gives every table a maximum.
func (w *writer) tables() []byte {
	b := appendU(nil, uint64(len(w.shape.tables)))
	for _, t := range w.shape.tables {
		most := t.most
		if most < 0 || most > maxTableSize {
			most = maxTableSize
		}
		b = appendU(appendU(append(b, t.kind, 1), uint64(t.least)), uint64(most))
	}
	return b
}

func (w *writer) globalsWith(body []byte) []byte {
	var b []byte
	if len(body) > 0 {
		r := &reader{data: body}
		r.u32()
		b = w.moved(body, r.at, func(visit func(from, to, function int)) {
			for range w.shape.globals {
				r.take(2)
				w.constant(r, visit)
			}
		})
	}
	b = append(appendU(nil, w.fuel+2), b...)
	b = append(b, i64, 1, opI64Const, 0, opEnd) // no fuel: the first instruction comes by tick
	return append(b, i32, 1, opI32Const, 0, opEnd)
}

func (w *writer) elements(body []byte) []byte {
	r := &reader{data: body}
	n := r.u32()
	return append(appendU(nil, uint64(n)), w.moved(body, r.at, func(visit func(from, to, function int)) {
		for range n {
			w.element(r, visit)
		}
	})...)
}

// moved copies body from a place on, with the function indices that walk visits
// written anew.
func (w *writer) moved(body []byte, from int, walk func(visit func(from, to, function int))) []byte {
	var b []byte
	walk(func(at, to, function int) {
		b = appendU(append(b, body[from:at]...), w.shifted(function))
		from = to
	})
	return append(b, body[from:]...)
}

func (w *writer) exports() []byte {
	b := appendU(nil, uint64(len(w.shape.exports)+2))
	for _, e := range w.shape.exports {
		index := uint64(e.index)
		if e.kind == 0 {
			index = w.shifted(e.index)
		}
		b = appendU(append(appendName(b, e.name), e.kind), index)
	}
	b = appendU(append(appendName(b, fuelExport), 3), w.fuel)
	return appendU(append(appendName(b, roomExport), 3), w.fuel+1)
}

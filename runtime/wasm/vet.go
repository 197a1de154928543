package wasm

import (
	"bytes"
	"fmt"
	"strings"
)

// Bounds are the shapes of module that wconf accepts. What is beyond them makes
// a decoder allocate for counts that are lies, or a compiler work for minutes
// (its cost grows with blocks × locals of a function). Real interpreters pass:
// QuickJS has 1,601 functions, bodies of 52 KB and 132,990 blocks × locals.
const (
	maxModule    = 16 << 20 // bytes
	maxSections  = 200
	maxTypes     = 4000
	maxImports   = 128
	maxFunctions = 50_000
	maxTables    = 4
	maxTableSize = 100_000 // entries, also what a table may grow to
	maxGlobals   = 4000
	maxExports   = 4000
	maxElements  = 4000
	maxData      = 200_000
	maxParams    = 64
	maxResults   = 16
	maxManifest  = 16 << 10
	mostPages    = 1 << 16
	pageSize     = 1 << 16
	preamble     = "\x00asm\x01\x00\x00\x00"
)

// sectionOrder is how the sections follow each other (WebAssembly Core
// Specification, "Modules").
var sectionOrder = []byte{typeSection, importSection, functionSection, tableSection, memorySection, globalSection,
	exportSection, startSection, elementSection, countSection, codeSection, dataSection}

// scan takes a module apart and holds it against the bounds, in one pass that
// allocates nothing for what a count merely claims. With an error comes what was
// read before it, or nil.
func scan(bin []byte) (*shape, error) {
	if len(bin) > maxModule {
		return nil, fmt.Errorf("it has %d bytes, more than the %d that wconf accepts", len(bin), maxModule)
	}
	if len(bin) < 8 || string(bin[:8]) != preamble {
		return nil, fmt.Errorf("it is no WebAssembly 1 module")
	}
	s := &shape{bin: bin, sections: map[byte][]byte{}, custom: map[string][]byte{}, start: -1}
	r, last := &reader{data: bin, at: 8}, -1
	for n := 0; r.more(); n++ {
		if n == maxSections {
			r.failf("it has more than %d sections", maxSections)
			break
		}
		id := r.byte()
		body := r.take(r.u32())
		if r.err != nil {
			break
		}
		if id != customSection {
			if p, ok := sectionsOf[id]; ok {
				return s, &beyond{fmt.Sprintf("section %d", id), p}
			}
			rank := bytes.IndexByte(sectionOrder, id)
			if rank <= last {
				return s, fmt.Errorf("section %d is unknown, there twice, or out of order", id)
			}
			last = rank
		}
		if err := s.section(id, body); err != nil {
			return s, err
		}
	}
	if r.err != nil {
		return s, r.err
	}
	return s, s.whole()
}

func (s *shape) section(id byte, body []byte) error {
	r := &reader{data: body}
	if id == customSection {
		name := r.name()
		if r.err == nil {
			s.custom[name] = body[r.at:]
		}
		return r.err
	}
	s.sections[id] = body
	read := map[byte]func(*reader){
		typeSection: s.readTypes, importSection: s.readImports, functionSection: s.readFunctions,
		tableSection: s.readTables, memorySection: s.readMemory, globalSection: s.readGlobals,
		exportSection: s.readExports, startSection: s.readStart, elementSection: s.readElements,
		codeSection: s.readCode, dataSection: s.readData, countSection: func(r *reader) { r.u32() },
	}[id]
	if read(r); r.err == nil && r.at != len(body) {
		r.failf("section %d has %d bytes too many", id, len(body)-r.at)
	}
	return r.err
}

// whole is what only the whole module can tell.
func (s *shape) whole() error {
	if len(s.funcs) != s.code.bodies {
		return fmt.Errorf("it declares %d functions but has the code of %d", len(s.funcs), s.code.bodies)
	}
	for _, e := range s.exports {
		if space := s.spaceOf(e.kind); e.index >= space {
			return fmt.Errorf("export %q names number %d of %d", e.name, e.index, space)
		}
	}
	if s.start >= s.functions() {
		return fmt.Errorf("the start function is number %d of %d", s.start, s.functions())
	}
	return nil
}

func (s *shape) functions() int { return len(s.imports) + len(s.funcs) }

func (s *shape) spaceOf(kind byte) int {
	switch kind {
	case 0:
		return s.functions()
	case 1:
		return len(s.tables)
	case 2:
		if s.memory != nil {
			return 1
		}
	case 3:
		return len(s.globals)
	}
	return 0
}

func (s *shape) readTypes(r *reader) {
	for range r.vector("types", maxTypes) {
		if form := r.byte(); r.err == nil && form != 0x60 {
			p, ok := formsOf[form]
			if !ok {
				p = unknown
			}
			r.beyond(p, "a type of form %#x", form)
		}
		s.types = append(s.types, signature{
			params:  r.valueTypes(r.take(r.atMost("parameters in one function", maxParams))...),
			results: r.valueTypes(r.take(r.atMost("results of one function", maxResults))...),
		})
		if r.err != nil {
			return
		}
	}
}

func (s *shape) typeIndex(r *reader) int {
	if t := r.u32(); t < len(s.types) {
		return t
	}
	r.failf("a type index is out of range")
	return 0
}

func (s *shape) readImports(r *reader) {
	for range r.vector("imports", maxImports) {
		i := imported{module: r.name(), name: r.name()}
		if kind := r.byte(); r.err == nil && kind != 0 {
			if kind == 4 {
				r.beyond(exceptions, "its import %s.%s, a tag,", i.module, i.name)
			}
			what := []string{"function", "table", "memory", "global", "thing"}[min(kind, 4)]
			r.failf("it imports the %s %s.%s; wconf provides functions only", what, i.module, i.name)
		}
		t := s.typeIndex(r)
		if r.err != nil {
			return
		}
		i.sig = s.types[t]
		s.imports = append(s.imports, i)
	}
}

func (s *shape) readFunctions(r *reader) {
	n := r.vector("functions", maxFunctions)
	s.funcs = make([]int, 0, n)
	for range n {
		s.funcs = append(s.funcs, s.typeIndex(r))
	}
}

func (s *shape) readTables(r *reader) {
	for range r.vector("tables", maxTables) {
		kind := r.byte()
		if r.err == nil && kind != 0x70 && kind != 0x6f {
			p, ok := typesOf[kind]
			if !ok {
				p = garbage // 0x40: a table with its first value
			}
			r.beyond(p, "a table of type %#x", kind)
		}
		least, most := r.limits()
		if r.err == nil && least > maxTableSize {
			r.failf("a table has %d entries, more than the %d that wconf accepts", least, maxTableSize)
		}
		if r.err == nil && most >= 0 && most < least {
			r.failf("a table's limits make no sense")
		}
		s.tables = append(s.tables, tableLimits{kind, least, most})
	}
}

func (s *shape) readMemory(r *reader) {
	n := r.vector("memories", len(r.data))
	if r.err == nil && n > 1 {
		r.beyond(multiMemory, "its second memory")
		return
	}
	for range n {
		least, most := r.limits()
		s.memory = &memoryLimits{least, most}
		if r.err == nil && (least > mostPages || most > mostPages || most >= 0 && most < least) {
			r.failf("its memory's limits make no sense")
		}
	}
}

func (s *shape) readGlobals(r *reader) {
	for range r.vector("globals", maxGlobals) {
		g := global{valueType: r.valueTypes(r.byte())[0], mutable: r.byte()}
		s.globals = append(s.globals, g)
		s.constant(r, nil)
		if r.err != nil {
			return
		}
	}
}

func (s *shape) readExports(r *reader) {
	seen := map[string]bool{}
	for range r.vector("exports", maxExports) {
		e := exported{name: r.name(), kind: r.byte(), index: r.u32()}
		if r.err == nil && seen[e.name] {
			r.failf("it exports %q twice", e.name)
		}
		if strings.HasPrefix(e.name, reserved) {
			r.failf("it exports %q; names that begin with %q are wconf's own", e.name, reserved)
		}
		seen[e.name] = true
		s.exports = append(s.exports, e)
		if r.err != nil {
			return
		}
	}
}

func (s *shape) readStart(r *reader) { s.start = r.u32() }

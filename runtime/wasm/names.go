package wasm

// nameSection is the custom section with names for debuggers (WebAssembly Core
// Specification, appendix "Custom Sections"). wazero believes its counts; so
// only what was read here is written into the new module, for stack traces.
const nameSection = "name"

const (
	functionNames = 1       // the subsection
	maxNames      = 1 << 20 // bytes of all names
)

// named is a function with a name.
type named struct {
	function int
	name     string
}

// names are the functions' names, or none when the section is not sound.
func (s *shape) names() []named {
	r := &reader{data: s.custom[nameSection]}
	for r.more() {
		id := r.byte()
		body := &reader{data: r.take(r.u32())}
		if r.err != nil || id != functionNames {
			continue
		}
		return s.readNames(body)
	}
	return nil
}

func (s *shape) readNames(r *reader) (list []named) {
	last, size := -1, 0
	for range r.vector("names", maxFunctions) {
		n := named{function: r.u32(), name: r.name()}
		size += len(n.name)
		if r.err != nil || n.function <= last || n.function >= s.functions() || size > maxNames {
			return nil
		}
		last = n.function
		list = append(list, n)
	}
	return list
}

// nameSectionOf writes names for the new module, behind its last section.
func (w *writer) nameSectionOf(list []named) []byte {
	if len(list) == 0 {
		return nil
	}
	names := appendU(nil, uint64(len(list)))
	for _, n := range list {
		names = appendName(appendU(names, w.shifted(n.function)), n.name)
	}
	body := appendU(append(appendName(nil, nameSection), functionNames), uint64(len(names)))
	body = append(body, names...)
	return append(appendU([]byte{customSection}, uint64(len(body))), body...)
}

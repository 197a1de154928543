package hostfuncs

import "encoding/binary"

// encoder builds a LIST or a KVS: a count, then for each item its lengths and
// its bytes, little-endian, unaligned.
//
//	LIST: u32 n, n × { u32 len, bytes }
//	KVS:  u32 n, n × { u32 klen, u32 vlen, key, value }
type encoder struct {
	bytes []byte
	n     uint32
}

func (e *encoder) length(s string) {
	if e.bytes == nil {
		e.bytes = make([]byte, 4, 64)
	}
	e.bytes = binary.LittleEndian.AppendUint32(e.bytes, uint32(len(s)))
}

func (e *encoder) item(s string) {
	e.length(s)
	e.bytes = append(e.bytes, s...)
	e.n++
}

func (e *encoder) pair(k, v string) {
	e.length(k)
	e.length(v)
	e.bytes = append(append(e.bytes, k...), v...)
	e.n++
}

func (e *encoder) done() string {
	if e.bytes == nil {
		return "\x00\x00\x00\x00"
	}
	binary.LittleEndian.PutUint32(e.bytes, e.n)
	return string(e.bytes)
}

func listSize(items []string) int {
	size := 4
	for _, s := range items {
		size += 4 + len(s)
	}
	return size
}

func list(items []string) string {
	e := encoder{bytes: make([]byte, 4, listSize(items))}
	for _, s := range items {
		e.item(s)
	}
	return e.done()
}

// List is the LIST that a template function finds in its input.
func List(items ...string) []byte { return []byte(list(items)) }

package hostfuncs

import (
	"encoding/binary"
	"slices"
)

// encoder builds a LIST or a KVS: a count, then for each item its lengths and
// its bytes, little-endian, unaligned.
//
//	LIST: u32 n, n × { u32 len, bytes }
//	KVS:  u32 n, n × { u32 klen, u32 vlen, key, value }
type encoder struct {
	bytes []byte
	n     uint32
	over  bool // it would be larger than a result may be
}

func (e *encoder) size() int { return max(4, len(e.bytes)) }

// result is what is encoded, or why that is nothing to give; its memory serves
// again.
func (e *encoder) result(err error) ([]byte, int32) {
	switch {
	case err != nil:
		return e.bytes, Invalid
	case e.over:
		return e.bytes, TooLarge
	}
	return e.done(), 0
}

func (e *encoder) length(s string) {
	if len(e.bytes) == 0 {
		e.bytes = append(e.bytes, 0, 0, 0, 0)
	}
	e.bytes = binary.LittleEndian.AppendUint32(e.bytes, uint32(len(s)))
}

func (e *encoder) item(s string) {
	e.length(s)
	e.bytes = append(e.bytes, s...)
	e.n++
}

func (e *encoder) pair(k, v string) {
	if need := 8 + len(k) + len(v); need > cap(e.bytes)-len(e.bytes) {
		e.bytes = slices.Grow(e.bytes, need+len(e.bytes)) // append leaves more behind, for what is large
	}
	e.length(k)
	e.length(v)
	e.bytes = append(append(e.bytes, k...), v...)
	e.n++
}

func (e *encoder) done() []byte {
	if len(e.bytes) == 0 {
		return append(e.bytes, 0, 0, 0, 0)
	}
	binary.LittleEndian.PutUint32(e.bytes, e.n)
	return e.bytes
}

// List is the LIST that a template function finds in its input.
func List(items ...string) []byte {
	var e encoder
	for _, s := range items {
		e.item(s)
	}
	return e.done()
}

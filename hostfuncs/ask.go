package hostfuncs

import (
	"encoding/binary"
	"iter"
)

// room is the buffer for answers that Ask begins with.
const room = 4096

// asker is the memory of a guest that a host speaks for.
type asker struct{ text, buffer []byte }

// Ask is Call for a host that speaks for a guest, as the engine of scripts does:
// the function gets a number and a text, as far as it takes them. Counts, limits
// and fuel are those of Call. The result is what the function filled in; it is
// good until the next Ask. n is its length, 1 or 0 for exists, or below zero.
func (f *Function) Ask(s *Session, number int32, text string) (result []byte, n int32, fuel uint64, err error) {
	var words []byte
	if f.slots.text >= 0 {
		s.asker.text = append(s.asker.text[:0], text...)
		words = s.asker.text
	}
	fills := f.slots.buffer >= 0
	if fills && s.asker.buffer == nil {
		s.asker.buffer = make([]byte, room)
	}
	for {
		if err := s.count(f.index); err != nil {
			return nil, 0, fuel, err
		}
		buffer := s.asker.buffer
		var price uint64
		if n, price, err = f.run(s, number, words, buffer); err != nil {
			return nil, 0, fuel, err
		}
		fuel += price
		if !fills || n < 0 {
			return nil, n, fuel, nil
		}
		if int(n) <= len(buffer) {
			return buffer[:n], n, fuel, nil
		}
		s.asker.buffer = make([]byte, n)
	}
}

// Items yields the items of a LIST, each with nothing.
func Items(list []byte) iter.Seq2[string, string] { return parts(list, 1) }

// Pairs yields the keys and values of a KVS.
func Pairs(kvs []byte) iter.Seq2[string, string] { return parts(kvs, 2) }

// parts are what encoder wrote, each texts together.
func parts(encoded []byte, each int) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		at := 4
		for range binary.LittleEndian.Uint32(encoded) {
			var texts [2]string
			from := at + 4*each
			for k := range each {
				length := int(binary.LittleEndian.Uint32(encoded[at+4*k:]))
				texts[k] = string(encoded[from : from+length])
				from += length
			}
			if at = from; !yield(texts[0], texts[1]) {
				return
			}
		}
	}
}

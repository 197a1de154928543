package hostfuncs

import (
	"encoding/binary"
	"slices"
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
	c := call{number: number}
	if slices.ContainsFunc(f.Args, func(a Arg) bool { return a.Kind == Text }) {
		s.asker.text = append(s.asker.text[:0], text...)
		c.text = s.asker.text
	}
	fills := f.Args[len(f.Args)-1].Kind == Buffer
	if fills && s.asker.buffer == nil {
		s.asker.buffer = make([]byte, room)
	}
	for {
		if err := s.count(f.index); err != nil {
			return nil, 0, fuel, err
		}
		c.buffer = s.asker.buffer
		var price uint64
		if n, price, err = f.run(s, c); err != nil {
			return nil, 0, fuel, err
		}
		fuel += price
		if !fills || n < 0 {
			return nil, n, fuel, nil
		}
		if int(n) <= len(c.buffer) {
			return c.buffer[:n], n, fuel, nil
		}
		s.asker.buffer = make([]byte, n)
	}
}

// Items are the items of a LIST (each 1), or the keys and values of a KVS in
// turn (each 2), as the functions of this package encode them.
func Items(encoded []byte, each int) []string {
	n := int(binary.LittleEndian.Uint32(encoded)) * each
	items := make([]string, 0, n)
	for at := 4; len(items) < n; {
		from := at + 4*each
		for k := range each {
			length := int(binary.LittleEndian.Uint32(encoded[at+4*k:]))
			items = append(items, string(encoded[from:from+length]))
			from += length
		}
		at = from
	}
	return items
}

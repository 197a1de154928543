package wat

import "encoding/binary"

func vector(b []byte) []byte { return append(U(uint64(len(b))), b...) }

func name(s string) []byte { return vector([]byte(s)) }

// U is an unsigned LEB128.
func U(v uint64) []byte { return binary.AppendUvarint(nil, v) }

// S is a signed LEB128.
func S(v int64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Section is one section of a binary module.
func Section(id byte, body []byte) []byte { return append([]byte{id}, vector(body)...) }

// Preamble begins a binary module.
const Preamble = "\x00asm\x01\x00\x00\x00"

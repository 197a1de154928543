package wasm

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// reader takes a module's binary apart. After the first error it gives zeros,
// so that callers look at err once. No count is believed: a vector has at most
// as many items as bytes are left, and nothing is allocated for it here.
type reader struct {
	data []byte
	at   int
	err  error
}

var errEnd = errors.New("unexpected end")

func (r *reader) failf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) more() bool { return r.err == nil && r.at < len(r.data) }

func (r *reader) byte() byte {
	if r.err != nil || r.at >= len(r.data) {
		if r.err == nil {
			r.err = errEnd
		}
		return 0
	}
	b := r.data[r.at]
	r.at++
	return b
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.data)-r.at {
		if r.err == nil {
			r.err = errEnd
		}
		return nil
	}
	b := r.data[r.at : r.at+n : r.at+n]
	r.at += n
	return b
}

// u32 reads an unsigned LEB128 of at most 32 bits (WebAssembly Core
// Specification, "Integers"): five bytes, unused bits zero.
func (r *reader) u32() int {
	var v uint64
	for shift := uint(0); shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			if v > 0xffffffff {
				r.failf("a number is wider than 32 bits")
				return 0
			}
			return int(v)
		}
	}
	r.failf("a number is longer than 32 bits need")
	return 0
}

// signed skips a signed LEB128 of at most bits bits. What it may hold is
// wazero's to judge; here only its length matters.
func (r *reader) signed(bits int) {
	for range (bits + 6) / 7 {
		if r.byte()&0x80 == 0 {
			return
		}
	}
	r.failf("a number is longer than %d bits need", bits)
}

// atMost reads a count and holds it against a limit.
func (r *reader) atMost(what string, limit int) int {
	n := r.u32()
	if r.err == nil && n > limit {
		r.failf("it has %d %s, more than the %d that wconf accepts", n, what, limit)
		return 0
	}
	return n
}

// vector reads the count of a vector whose items take a byte or more each.
func (r *reader) vector(what string, limit int) int {
	n := r.atMost(what, limit)
	if r.err == nil && n > len(r.data)-r.at {
		r.failf("it says that it has %d %s, but ends before", n, what)
		return 0
	}
	return n
}

const longestName = 1024

func (r *reader) name() string {
	b := r.take(r.atMost("bytes in a name", longestName))
	if r.err == nil && !utf8.Valid(b) {
		r.failf("a name is not UTF-8")
	}
	return string(b)
}

// limits reads the limits of a table or a memory; max is -1 when there is none.
func (r *reader) limits() (least, most int) {
	flag := r.byte()
	switch {
	case r.err != nil || flag <= 1:
	case flag > 7:
		r.beyond(unknown, "a memory or table with limits of kind %d", flag)
	case flag&4 != 0:
		r.beyond(memory64, "a memory or table with limits of 64 bits")
	default:
		r.beyond(threads, "a shared memory")
	}
	least, most = r.u32(), -1
	if flag == 1 {
		most = r.u32()
	}
	return least, most
}

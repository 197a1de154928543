package wasm

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/wconf/wconf/hostfuncs"
)

func (c wasiCall) u32(param int) uint32 { return uint32(c.stack[param]) }

// span is n bytes of guest memory; a pointer outside ends the invocation.
func (c wasiCall) span(at, n uint32) []byte {
	if uint64(at)+uint64(n) > uint64(len(c.mem)) {
		panic(&hostfuncs.BoundsError{Function: "WASI", Pointer: at, Length: n, Memory: uint64(len(c.mem))})
	}
	return c.mem[at : at+n]
}

func (c wasiCall) put32(param int, v uint32) uint32 {
	binary.LittleEndian.PutUint32(c.span(c.u32(param), 4), v)
	return errnoSuccess
}

func (c wasiCall) put64(param int, v uint64) uint32 {
	binary.LittleEndian.PutUint64(c.span(c.u32(param), 8), v)
	return errnoSuccess
}

// std answers for the three standard descriptors; there are no others.
func (c wasiCall) std(errno uint32) uint32 {
	if c.u32(0) > 2 {
		return errnoBadf
	}
	return errno
}

func (c wasiCall) strings(list []string) uint32 {
	array, text := c.u32(0), c.u32(1)
	for _, s := range list {
		binary.LittleEndian.PutUint32(c.span(array, 4), text)
		at := c.span(text, uint32(len(s)+1))
		copy(at, s)
		at[len(s)] = 0
		array, text = array+4, text+uint32(len(s)+1)
	}
	return errnoSuccess
}

func (c wasiCall) stringSizes(list []string) uint32 {
	n := 0
	for _, s := range list {
		n += len(s) + 1
	}
	c.put32(0, uint32(len(list)))
	return c.put32(1, uint32(n))
}

func (c wasiCall) clockTime() uint32 {
	c.wasi.clock += time.Millisecond
	now := uint64(c.wasi.clock)
	if c.u32(0) == 0 { // the real time; all others count from the start
		now = uint64(wasiBase.Add(c.wasi.clock).UnixNano())
	}
	return c.put64(2, now)
}

func (c wasiCall) randomGet() uint32 {
	if c.wasi.random == nil {
		c.wasi.random = rand.NewChaCha8([32]byte([]byte("wconf guests see the same bytes.")))
	}
	b := c.span(c.u32(0), c.u32(1))
	c.wasi.moved += len(b) * 32 // it is made, not moved
	for len(b) > 0 {
		n := min(len(b), atATime)
		_, _ = c.wasi.random.Read(b[:n])
		b = b[n:]
		c.interrupt()
	}
	return errnoSuccess
}

// fdstat calls all three descriptors pipes (file type unknown), so that no C
// library flushes at each line as for a terminal.
func (c wasiCall) fdstat() uint32 {
	if c.u32(0) > 2 {
		return errnoBadf
	}
	b := c.span(c.u32(1), 24)
	clear(b)
	binary.LittleEndian.PutUint64(b[8:], 1<<1|1<<6) // may read and write
	return errnoSuccess
}

func (c wasiCall) filestat() uint32 {
	if c.u32(0) > 2 {
		return errnoBadf
	}
	clear(c.span(c.u32(1), 64))
	return errnoSuccess
}

// What one call does before it looks at the time: some tens of microseconds.
const (
	atATime      = 64 << 10 // bytes of randomness
	partsAtATime = 1024     // that are read or written
)

// vectors yields the parts of an array of {pointer, length}.
func (c wasiCall) vectors(yield func([]byte) bool) {
	array, n := c.u32(1), c.u32(2)
	for i := range n {
		if i%partsAtATime == partsAtATime-1 {
			c.interrupt()
		}
		v := c.span(array, 8)
		b := c.span(binary.LittleEndian.Uint32(v), binary.LittleEndian.Uint32(v[4:]))
		c.wasi.moved += 32 + len(b) // an empty part costs, too
		if !yield(b) {
			return
		}
		array += 8
	}
}

func (c wasiCall) read() uint32 {
	if c.u32(0) != 0 {
		return errnoBadf
	}
	n, in := 0, c.wasi.stdin
	in.Begin()
	for b := range c.vectors {
		k, err := in.Read(b)
		if err != nil {
			panic(err)
		}
		n += k
	}
	c.charge(in.Price())
	return c.put32(3, uint32(n))
}

func (c wasiCall) write() uint32 {
	fd, n := c.u32(0), 0
	if fd != 1 && fd != 2 {
		return errnoBadf
	}
	for b := range c.vectors {
		if fd == 2 || c.module.about.Kind != Command {
			c.session.Stderr(b)
		} else if _, err := c.session.Write(b); err != nil {
			panic(err)
		}
		n += len(b)
	}
	return c.put32(3, uint32(n))
}

// poll says that everything waited for is there. A sleep takes no time; it
// moves the guest's clock.
func (c wasiCall) poll() uint32 {
	n := c.u32(2)
	if n == 0 || n > 1024 {
		return errnoInval
	}
	subscriptions, events := c.span(c.u32(0), n*48), c.span(c.u32(1), n*32)
	for i := range n {
		sub, event := subscriptions[i*48:][:48], events[i*32:][:32]
		user, tag := binary.LittleEndian.Uint64(sub), sub[8]
		if tag == 0 && sub[40]&1 == 0 { // a clock, and not a time of day
			sleep := min(binary.LittleEndian.Uint64(sub[24:]), uint64(24*time.Hour))
			c.wasi.clock += time.Duration(sleep)
		}
		clear(event)
		binary.LittleEndian.PutUint64(event, user)
		event[10] = tag
	}
	c.wasi.moved += int(n) * 80
	return c.put32(3, n)
}

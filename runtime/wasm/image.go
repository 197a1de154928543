package wasm

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Image is an engine at rest: everything in which its instance differs from one
// that has just been made. Start goes on from there as often as one likes, and
// each time as if nobody had before. It is safe for concurrent use.
type Image struct {
	engine Digest
	size   int // bytes of memory
	spans  []span
	stack  uint64 // the stack pointer
	clock  time.Duration
	random *rand.ChaCha8
}

type span struct {
	at    int
	bytes []byte
}

// stackPointer is the one global of an engine.
const stackPointer = "__stack_pointer"

// grain is the size of what is compared: a page of the system.
const grain = 4096

// Image takes an image. The engine must be at rest: not within a Call, and not
// after an error.
func (i *Interpreter) Image() (*Image, error) {
	fresh, err := i.module.prepare(context.Background(), Invocation{Session: i.session, Limits: i.limits})
	if err != nil {
		return nil, err
	}
	defer fresh.Close()
	if err := fresh.instantiate(); err != nil {
		return nil, err
	}
	before, now := fresh.memory.bytes(), i.memory.bytes()
	image := &Image{engine: i.module.about.Digest, size: len(now), stack: i.pointer().Get(), clock: i.wasi.clock, random: copied(i.wasi.random)}
	for at := 0; at < len(now); at += grain {
		if differs(before, now, at) {
			image.add(at, now[at:at+grain])
		}
	}
	return image, nil
}

func differs(before, now []byte, at int) bool {
	if at >= len(before) {
		return !bytes.Equal(now[at:at+grain], zeros[:])
	}
	return !bytes.Equal(now[at:at+grain], before[at:at+grain])
}

var zeros [grain]byte

func (m *Image) add(at int, b []byte) {
	if n := len(m.spans) - 1; n >= 0 && m.spans[n].at+len(m.spans[n].bytes) == at {
		m.spans[n].bytes = append(m.spans[n].bytes, b...)
		return
	}
	m.spans = append(m.spans, span{at, bytes.Clone(b)})
}

// Size is how many bytes the image keeps.
func (m *Image) Size() int {
	n := 0
	for _, s := range m.spans {
		n += len(s.bytes)
	}
	return n
}

func (i *Interpreter) pointer() api.MutableGlobal {
	return i.guest.ExportedGlobal(stackPointer).(api.MutableGlobal)
}

func (i *Interpreter) restore(m *Image) error {
	if m.engine != i.module.about.Digest {
		return fmt.Errorf("guest %s: the image is another engine's", i.module.name)
	}
	memory := i.memory.bytes()
	if more := m.size - len(memory); more > 0 {
		if _, ok := i.guest.Memory().Grow(uint32(more / pageSize)); !ok {
			return i.explain("start", fmt.Errorf("its script needs %d bytes of memory before it begins", m.size))
		}
		memory = i.memory.bytes()
	}
	for _, s := range m.spans {
		copy(memory[s.at:], s.bytes)
	}
	i.pointer().Set(m.stack)
	i.wasi.clock, i.wasi.random = m.clock, copied(m.random)
	return nil
}

// copied goes on with the same bytes.
func copied(r *rand.ChaCha8) *rand.ChaCha8 {
	if r == nil {
		return nil
	}
	c := *r
	return &c
}

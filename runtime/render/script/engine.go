package script

import (
	_ "embed"
	"errors"

	"github.com/wconf/wconf/runtime/wasm"
)

// engine is QuickJS-NG as the npm package quickjs-wasi carries it. The folder
// says which version, and under which licence.
//
//go:embed quickjs/quickjs.wasm
var engine []byte

// engineDigest is what the engine's bytes must be.
var engineDigest = wasm.Digest{
	0xd4, 0xc9, 0x37, 0x5f, 0x2b, 0x1c, 0xa4, 0xdc, 0x95, 0xf7, 0x2c, 0x8a, 0xa2, 0x98, 0x2a, 0x7a,
	0x99, 0x51, 0xac, 0x80, 0x11, 0x49, 0x0d, 0x79, 0xc6, 0x58, 0x2d, 0xf7, 0x32, 0xb4, 0xbb, 0xd9,
}

// Flags of evaluation (quickjs.h, JS_EVAL_FLAG_*).
const (
	evalStrict      = 1 << 3
	evalCompileOnly = 1 << 5
)

// stackSize is how much of its stack of 1 MiB the engine lets scripts use. It is
// used up before stackUnits are: so a script that never returns is told its line.
const (
	stackSize  = 256 << 10
	stackUnits = 1 << 20
)

// value is QuickJS's word for a JavaScript value (quickjs.h, JSValue): its tag
// is in the upper half.
type value uint64

const tagException = 6

func (v value) isException() bool { return v>>32 == tagException }

// cell is the address of eight bytes that hold a value: so the qjs_ functions
// take and give values.
type cell uint32

// interpreter is an engine and its verbs. An exception of the script is an
// error of type *exception; every other error is the end of the engine. Values
// are not freed but where calls from the script would pile them up: the
// instance ends with the render.
type interpreter struct {
	*wasm.Interpreter
	context uint32 // QuickJS's JSContext
	room    uint32 // address of roomSize bytes of wconf's own
}

// The room: a length, two cells, arguments, text.
const (
	roomLength = 0
	roomCells  = 8
	roomArgs   = 24
	roomText   = 64
	roomSize   = 4096
)

var (
	errNoMemory = errors.New("the engine has no memory left")
	errBroken   = errors.New("the engine does not start")
)

func (i *interpreter) cell(export string, args ...uint64) (cell, error) {
	n, err := i.Call(export, args...)
	return cell(n), err
}

// begin makes QuickJS's runtime and its context.
func (i *interpreter) begin() error {
	if failed, err := i.Call("qjs_init"); err != nil {
		return err
	} else if failed != 0 {
		return errBroken
	}
	if _, err := i.Call("qjs_set_max_stack_size", stackSize); err != nil {
		return err
	}
	if _, err := i.Call("qjs_set_interrupt_handler", 1); err != nil {
		return err
	}
	context, err := i.Call("qjs_get_context_ptr")
	if err != nil {
		return err
	}
	i.context = uint32(context)
	i.room, err = i.alloc(roomSize)
	return err
}

func (i *interpreter) alloc(n int) (uint32, error) {
	at, err := i.Call("wasm_malloc", uint64(n))
	if err == nil && at == 0 {
		err = errNoMemory
	}
	return uint32(at), err
}

// store writes text and a zero behind it.
func (i *interpreter) store(at uint32, text string) error {
	b, err := i.Memory(at, uint32(len(text)+1))
	if err == nil {
		b[copy(b, text)] = 0
	}
	return err
}

// with has text in the engine's memory while f runs: in the room, or in memory
// of its own.
func (i *interpreter) with(text string, f func(at, n uint64) error) error {
	at := i.room + roomText
	long := roomText+len(text) >= roomSize
	if long {
		var err error
		if at, err = i.alloc(len(text) + 1); err != nil {
			return err
		}
	}
	if err := i.store(at, text); err != nil {
		return err
	}
	err := f(uint64(at), uint64(len(text)))
	if err == nil && long {
		_, err = i.Call("wasm_free", uint64(at))
	}
	return err
}

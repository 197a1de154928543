package script

import (
	_ "embed"
	"encoding/binary"
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

// compile reads a program without running it.
func (i *interpreter) compile(text, file string) (program value, err error) {
	name, err := i.alloc(len(file) + 1)
	if err == nil {
		err = i.store(name, file)
	}
	if err != nil {
		return 0, err
	}
	err = i.with(text, func(at, n uint64) error {
		v, err := i.Call("JS_Eval", uint64(i.context), at, n, uint64(name), evalStrict|evalCompileOnly)
		program = value(v)
		return err
	})
	if err == nil && program.isException() {
		err = i.exception()
	}
	return program, err
}

// execute runs what compile made, once; n says which of the room's two cells
// gets the result.
func (i *interpreter) execute(program value, n uint32) (cell, error) {
	v, err := i.Call("JS_EvalFunction", uint64(i.context), uint64(program))
	if err == nil && value(v).isException() {
		err = i.exception()
	}
	if err != nil {
		return 0, err
	}
	at := i.room + roomCells + 8*n
	b, err := i.Memory(at, 8)
	if err == nil {
		binary.LittleEndian.PutUint64(b, v)
	}
	return cell(at), err
}

// apply calls a function.
func (i *interpreter) apply(function cell, args ...cell) (cell, error) {
	this, err := i.cell("qjs_get_undefined")
	if err != nil {
		return 0, err
	}
	b, err := i.Memory(i.room+roomArgs, uint32(4*len(args)))
	if err != nil {
		return 0, err
	}
	for n, a := range args {
		binary.LittleEndian.PutUint32(b[4*n:], uint32(a))
	}
	result, err := i.cell("qjs_call", uint64(function), uint64(this), uint64(len(args)), uint64(i.room+roomArgs))
	if err != nil {
		return 0, err
	}
	if bad, err := i.is("exception", result); err != nil {
		return 0, err
	} else if bad {
		return 0, i.exception()
	}
	return result, nil
}

// is asks one of the qjs_is_ functions.
func (i *interpreter) is(what string, c cell) (bool, error) {
	yes, err := i.Call("qjs_is_"+what, uint64(c))
	return yes != 0, err
}

// newString makes a string of text, which must be UTF-8.
func (i *interpreter) newString(text string) (c cell, err error) {
	err = i.with(text, func(at, n uint64) (err error) {
		c, err = i.cell("qjs_new_string", at, n)
		return err
	})
	return c, err
}

// text is the string in a cell. Halves of surrogate pairs come as three bytes
// that are not UTF-8.
func (i *interpreter) text(c cell) (string, error) {
	at, err := i.Call("qjs_get_string_len", uint64(c), uint64(i.room+roomLength))
	if err == nil && at == 0 {
		err = errNoMemory
	}
	if err != nil {
		return "", err
	}
	length, err := i.Memory(i.room+roomLength, 4)
	if err != nil {
		return "", err
	}
	b, err := i.Memory(uint32(at), binary.LittleEndian.Uint32(length))
	if err != nil {
		return "", err
	}
	text := string(b)
	_, err = i.Call("qjs_free_cstring", at)
	return text, err
}

// set gives an object a property.
func (i *interpreter) set(object cell, name string, v cell) error {
	return i.with(name, func(at, _ uint64) error {
		_, err := i.Call("qjs_set_prop_string", uint64(object), at, uint64(v))
		return err
	})
}

// hostFunction makes a function that calls the host by a name.
func (i *interpreter) hostFunction(name string) (c cell, err error) {
	err = i.with(name, func(at, n uint64) (err error) {
		c, err = i.cell("qjs_new_host_function", at, n, 0)
		return err
	})
	return c, err
}

// throw raises an Error. A function of the host answers with what it gives: no
// cell.
func (i *interpreter) throw(message string) (cell, error) {
	e, err := i.cell("qjs_new_error")
	if err != nil {
		return 0, err
	}
	text, err := i.newString(message)
	if err == nil {
		err = i.set(e, "message", text)
	}
	if err == nil {
		_, err = i.Call("qjs_throw", uint64(e))
	}
	return 0, err
}

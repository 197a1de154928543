package wasm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/wconf/wconf/hostfuncs"
)

// Interpreter is an instance of an engine at work, for one invocation. It is
// not safe for concurrent use and must be closed; after an error of Call it must
// not be called again.
type Interpreter struct {
	*Instance
	host      HostCall
	functions map[string]api.Function
	words     []uint64 // parameters and results of the calls that are under way
	args      []uint32 // of the host calls that are

	interrupted error
}

// HostCall answers the engine's host_call: name is that of the function that a
// script called, this and args are the engine's own words for its values. The
// result is such a word, too. An error ends the invocation.
//
// It may Call the engine.
type HostCall func(i *Interpreter, name []byte, this uint32, args []uint32) (uint32, error)

// Start makes an instance of an engine: one that has run nothing but its
// _initialize, or, when there is an image, one that is as it was when the image
// was taken. The limits count from here to Close. Errors are *problem.Problem.
func (m *Module) Start(ctx context.Context, v Invocation, image *Image, host HostCall) (*Interpreter, error) {
	v.Limits = withSpare(v.Limits.Or(Defaults))
	instance, err := m.prepare(ctx, v)
	if err != nil {
		return nil, err
	}
	instance.limits = withoutSpare(instance.limits)
	i := &Interpreter{Instance: instance, host: host, functions: map[string]api.Function{}}
	i.interpreter = i
	if image == nil {
		err = i.start()
	} else if err = i.instantiate(); err == nil {
		err = i.restore(image)
	}
	if err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// Explain says in words why a call ended early, as a *problem.Problem around a
// *GuestError.
func (i *Interpreter) Explain(err error) error { return i.explain("render", err) }

// Call runs an export with its arguments as wazero's raw words. The result is 0
// where there is none. An error is for Explain, or for a HostCall to return.
func (i *Interpreter) Call(export string, args ...uint64) (uint64, error) {
	f := i.functions[export]
	if f == nil {
		if f = i.guest.ExportedFunction(export); f == nil {
			return 0, fmt.Errorf("the engine does not export %s", export)
		}
		i.functions[export] = f
	}
	depth := len(i.words)
	i.words = append(append(i.words, args...), 0)
	stack := i.words[depth:]
	err := i.run(f, stack)
	i.words = i.words[:depth]
	return stack[0], err
}

// Memory is n bytes of the engine's memory, to read and to write. They are good
// until the engine runs again. A place outside is an error.
func (i *Interpreter) Memory(at, n uint32) ([]byte, error) {
	b, ok := i.guest.Memory().Read(at, n)
	if !ok {
		return nil, &hostfuncs.BoundsError{Function: hostCallName, Pointer: at, Length: n, Memory: uint64(i.guest.Memory().Size())}
	}
	return b, nil
}

// Ask calls a function of package hostfuncs on behalf of the script, and takes
// the fuel that it costs.
func (i *Interpreter) Ask(f *hostfuncs.Function, number int32, text string) (result []byte, n int32, err error) {
	result, n, fuel, err := f.Ask(i.session, number, text)
	if err != nil {
		return nil, 0, err
	}
	return result, n, i.pay(fuel)
}

// Overdue is why the invocation must end now, for who works for the script and
// takes long.
func (i *Interpreter) Overdue() error { return i.overdue() }

// OutOfMemory tells whether the engine has asked for more memory than its limit.
func (i *Interpreter) OutOfMemory() bool { return i.memory.refused }

// answerHostCall is host_call(name, name_len, this, argc, argv) → value.
func answerHostCall(ctx context.Context, guest api.Module, stack []uint64) {
	i := instanceOf(ctx).interpreter
	result, err := i.answer(stack)
	if err == nil {
		err = i.pay(hostfuncs.Price(0))
	}
	if err != nil {
		panic(err)
	}
	stack[0] = uint64(result)
}

const mostArgs = 64

var errArgs = errors.New("a function of wconf was called with more than 64 arguments")

func (i *Interpreter) answer(stack []uint64) (uint32, error) {
	argc, depth := uint32(stack[3]), len(i.args)
	if argc > mostArgs {
		return 0, errArgs
	}
	argv, err := i.Memory(uint32(stack[4]), argc*4)
	if err != nil {
		return 0, err
	}
	for n := range argc {
		i.args = append(i.args, binary.LittleEndian.Uint32(argv[n*4:]))
	}
	defer func() { i.args = i.args[:depth] }()
	name, err := i.Memory(uint32(stack[0]), uint32(stack[1]))
	if err != nil {
		return 0, err
	}
	return i.host(i, name, uint32(stack[2]), i.args[depth:])
}

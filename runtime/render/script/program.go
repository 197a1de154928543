package script

import "encoding/binary"

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
	return result, i.free(this)
}

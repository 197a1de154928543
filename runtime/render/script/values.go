package script

import "encoding/binary"

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

// member is what a property of an object holds.
func (i *interpreter) member(object cell, name string) (c cell, err error) {
	err = i.with(name, func(at, _ uint64) (err error) {
		c, err = i.cell("qjs_get_prop_string", uint64(object), at)
		return err
	})
	return c, err
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

// free forgets values that exports gave.
func (i *interpreter) free(cells ...cell) error {
	for _, c := range cells {
		if _, err := i.Call("qjs_free_value", uint64(c)); err != nil {
			return err
		}
	}
	return nil
}

package script

import (
	"strings"

	"github.com/wconf/wconf/hostfuncs"
)

// exception is what a script threw and did not catch.
type exception struct {
	name    string // "TypeError", "Error"; empty when it is no Error
	message string
	stack   string // one line for each function
}

func (e *exception) Error() string {
	if e.name == "" || e.name == "Error" {
		return e.message
	}
	return e.name + ": " + e.message
}

// How many bytes are kept of what a script says of its exception, which is all
// that its memory holds. A message may quote the name of a key.
const (
	longestName    = 256
	longestMessage = 2 * hostfuncs.Longest
	longestStack   = 16 << 10
)

func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// exception takes the one that is under way. Reading it may run code of the
// script: it has its getters where it likes.
func (i *interpreter) exception() error {
	c, err := i.cell("qjs_get_exception")
	if err != nil {
		return err
	}
	e := &exception{}
	if is, err := i.is("string", c); err != nil {
		return err
	} else if is { // throw "text"
		e.message, err = i.text(c)
		e.message = shortened(e.message, longestMessage)
		return firstOf(err, e)
	}
	for _, p := range []struct {
		name string
		into *string
		most int
	}{{"name", &e.name, longestName}, {"message", &e.message, longestMessage}, {"stack", &e.stack, longestStack}} {
		if *p.into, err = i.property(c, p.name); err != nil {
			return err
		}
		*p.into = shortened(*p.into, p.most)
	}
	return e
}

// property is a property that is a string, or nothing.
func (i *interpreter) property(object cell, name string) (string, error) {
	c, err := i.member(object, name)
	if err != nil {
		return "", err
	}
	if is, err := i.is("string", c); err != nil || !is {
		return "", err
	}
	return i.text(c)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package script

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
		return firstOf(err, e)
	}
	for _, p := range []struct {
		name string
		into *string
	}{{"name", &e.name}, {"message", &e.message}, {"stack", &e.stack}} {
		if *p.into, err = i.property(c, p.name); err != nil {
			return err
		}
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

package gotmpl

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// guest is one function of a set as text/template can call it: with exactly
// its number of arguments.
func (e *execution) guest(prefix, name string, arity int) any {
	in := make([]reflect.Type, arity)
	for i := range in {
		in[i] = reflect.TypeFor[any]()
	}
	out := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[error]()}
	return reflect.MakeFunc(reflect.FuncOf(in, out, false), func(values []reflect.Value) []reflect.Value {
		s, err := e.call(prefix, name, values)
		failure := reflect.Zero(out[1])
		if err != nil {
			failure = reflect.ValueOf(&err).Elem()
		}
		return []reflect.Value{reflect.ValueOf(s), failure}
	}).Interface()
}

func (e *execution) call(prefix, name string, values []reflect.Value) (string, error) {
	args := make([]string, len(values))
	for i, v := range values {
		text, ok := argument(v.Interface())
		if !ok {
			return "", fmt.Errorf("argument %d must be text, a number or a truth value", i+1)
		}
		args[i] = text
	}
	calls, err := e.open(prefix)
	if err != nil {
		return "", &called{err}
	}
	s, err := calls.Call(e.ctx, name, args)
	if err != nil {
		return "", &called{err}
	}
	return s, e.run.Budget.Make(len(s))
}

// called is an error of a function of a set.
type called struct{ err error }

func (c *called) Error() string { return c.err.Error() }
func (c *called) Unwrap() error { return c.err }

// argument is a value as text, which is all that functions of a set take.
func argument(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int, float64, bool, funcs.Number, funcs.Integer, funcs.Natural:
		return fmt.Sprint(v), true
	}
	return "", false
}

// open starts a set of functions when a render first calls one of them.
func (e *execution) open(prefix string) (render.Calls, error) {
	if calls, ok := e.calls[prefix]; ok {
		return calls, nil
	}
	calls, err := e.template.opts.Functions[prefix].Open(e.ctx, e.view)
	if err != nil {
		return nil, err
	}
	if e.calls == nil {
		e.calls = map[string]render.Calls{}
	}
	e.calls[prefix] = calls
	return calls, nil
}

func (e *execution) closeCalls() error {
	var failed []error
	for prefix, calls := range e.calls {
		if err := calls.Close(); err != nil {
			failed = append(failed, fmt.Errorf("close functions %s: %w", prefix, err))
		}
	}
	clear(e.calls)
	return errors.Join(failed...)
}

package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
)

// mostParameters is more than anybody writes into a template.
const mostParameters = 32

var errNoFunctions = errors.New("it declares no function for templates")

// load runs the script, and keeps the functions that it declares.
func (s *Script) load(h *host, declared cell) error {
	err := s.declare(h, declared)
	if err != nil {
		err = s.explain(h, err)
	}
	s.start.early = h.early
	s.log(h)
	return err
}

func (s *Script) declare(h *host, declared cell) error {
	if _, err := h.execute(s.start.program, 0); err != nil {
		return err
	}
	list, err := h.apply(declared)
	if err != nil {
		return err
	}
	text, err := h.text(list)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), &s.arity); err != nil {
		return s.problem(problem.GuestLoad, "it declares a function whose length is no number", "")
	}
	if len(s.arity) == 0 {
		p := s.problem(problem.GuestLoad, errNoFunctions.Error(), "function name(argument) { return … }, outside of all others")
		p.Err = errNoFunctions
		return p
	}
	global, err := h.cell("qjs_get_global")
	if err != nil {
		return err
	}
	s.start.functions = map[string]cell{}
	for _, name := range slices.Sorted(maps.Keys(s.arity)) { // in one order: images must be equal
		if n := s.arity[name]; n < 0 || n > mostParameters {
			return s.problem(problem.GuestLoad, fmt.Sprintf("function %s has %d parameters, and may have %d", name, n, mostParameters), "")
		}
		if s.start.functions[name], err = h.member(global, name); err != nil {
			return err
		}
	}
	return nil
}

// Names maps each function that templates may call to its number of arguments.
func (s *Script) Names() map[string]int { return s.arity }

// Open starts the functions for one execution of a template. One engine answers
// all calls of it, and the limits are for all of them together.
func (s *Script) Open(ctx context.Context, v *kv.View) (render.Calls, error) {
	h, err := s.open(ctx, v, nil)
	if err != nil {
		return nil, err
	}
	return &calls{script: s, host: h}, nil
}

type calls struct {
	script *Script
	host   *host
	failed error
}

// Call runs one function. After an error every later call gives the same.
func (c *calls) Call(ctx context.Context, name string, args []string) (string, error) {
	if c.failed != nil {
		return "", c.failed
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	text, err := c.script.call(c.host, name, args)
	if err != nil {
		for _, arg := range args { // the message may quote them
			c.host.note(arg)
		}
		c.failed = c.script.explain(c.host, err)
		return "", c.failed
	}
	return text, nil
}

func (s *Script) call(h *host, name string, args []string) (string, error) {
	function, ok := s.start.functions[name]
	if !ok || len(args) != s.arity[name] {
		return "", fmt.Errorf("the script has no function %s with %d arguments", name, len(args))
	}
	cells := make([]cell, len(args))
	for n, arg := range args {
		var err error
		if cells[n], err = h.newString(arg); err != nil {
			return "", err
		}
	}
	result, err := h.apply(function, cells...)
	if err != nil {
		return "", err
	}
	text, err := s.text(h, result, name)
	if err != nil {
		return "", err
	}
	return text, h.free(append(cells, result)...)
}

// Close ends the functions.
func (c *calls) Close() error {
	c.script.asked.Store(int64(c.host.session.Asked()))
	c.script.tell(c.host)
	c.host.Close()
	return nil
}

package script

import (
	"context"
	_ "embed"
	"fmt"
	"unicode/utf8"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
)

// start is where renders begin.
type start struct {
	image   *wasm.Image
	context uint32 // of interpreter
	room    uint32
	program value // the script, compiled
	finder  value // gives render when the script has defined it
}

//go:embed prelude.js
var prelude string

// finder sees what a script declares, by const and let, too.
const finder = `typeof render === "function" ? render : undefined`

// ours stands in stacks for wconf's own lines.
const ours = "wconf"

// compile makes the image that renders start from.
func (s *Script) compile(ctx context.Context) error {
	h := &host{session: &hostfuncs.Session{}}
	i, err := s.module.Start(ctx, wasm.Invocation{Session: h.session, Limits: s.limits}, nil, h.answer)
	if err != nil {
		return s.unstarted(err)
	}
	defer i.Close()
	h.Interpreter = i
	if err := s.prepare(h); err != nil {
		return s.unparsed(h, err)
	}
	s.start.image, err = i.Image()
	return err
}

func (s *Script) prepare(h *host) (err error) {
	if err := h.begin(); err != nil {
		return err
	}
	if err := h.install(); err != nil {
		return fmt.Errorf("prelude: %w", err)
	}
	s.start.context, s.start.room = h.context, h.room
	if s.start.finder, err = h.compile(finder, ours); err != nil {
		return err
	}
	s.start.program, err = h.compile(s.source.text, s.source.name())
	return err
}

// install runs the prelude with the functions of the host.
func (h *host) install() error {
	program, err := h.compile(prelude, ours)
	if err != nil {
		return err
	}
	function, err := h.execute(program, 0)
	if err != nil {
		return err
	}
	object, err := h.cell("qjs_new_object")
	if err != nil {
		return err
	}
	for _, f := range hostfuncs.All() { // in one order: images must be equal
		function, err := h.hostFunction(f.Name)
		if err == nil {
			err = h.set(object, f.Name, function)
		}
		if err != nil {
			return err
		}
	}
	_, err = h.apply(function, object)
	return err
}

// run leaves the file in the session's output: what render returned, or, when
// there is none, the value of the script's last expression.
func (s *Script) run(h *host) error {
	last, err := h.execute(s.start.program, 0)
	if err != nil {
		return err
	}
	render, err := h.execute(s.start.finder, 1)
	if err != nil {
		return err
	}
	found, err := h.is("function", render)
	if err != nil {
		return err
	}
	who := "the script"
	if found {
		who = "render"
		if last, err = h.apply(render); err != nil {
			return err
		}
	}
	text, err := s.file(h, last, who)
	if err != nil {
		return err
	}
	_, _, err = h.Ask(functions["write"], 0, text)
	return err
}

// file is the text that a script gave. Nothing is converted: that would run
// code of the script in a place where nobody expects it.
func (s *Script) file(h *host, c cell, who string) (string, error) {
	if ok, err := h.is("string", c); err != nil {
		return "", err
	} else if !ok {
		return "", s.noText(h, c, who)
	}
	text, err := h.text(c)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(text) {
		return "", s.problem(problem.TemplateRender, who+" returned a string with half of a surrogate pair, which no file can hold",
			"was a character cut in two?")
	}
	return text, nil
}

// noText says what came in place of a string.
func (s *Script) noText(h *host, c cell, who string) error {
	for _, kind := range []struct{ is, name, hint string }{
		{"promise", "a promise", "a script cannot wait: drop async and await"},
		{"undefined", "nothing", "define function render() that returns the file, or let the script end with an expression"},
		{"null", "null", ""}, {"bool", "a boolean", ""}, {"function", "a function", "was a call forgotten?"},
		{"number", "a number", "make a string of it by String(…)"},
		{"array", "an array", `make a string of it by .join("\n") or JSON.stringify(…)`},
		{"object", "an object", "make a string of it by JSON.stringify(…)"},
	} {
		is, err := h.is(kind.is, c)
		if err != nil {
			return err
		}
		if is {
			return s.problem(problem.TemplateRender, fmt.Sprintf("%s returned %s; it must return a string", who, kind.name), kind.hint)
		}
	}
	return s.problem(problem.TemplateRender, who+" must return a string", "")
}

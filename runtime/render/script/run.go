package script

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// start is where renders begin.
type start struct {
	image   *wasm.Image
	context uint32 // of interpreter
	room    uint32
	program value // the script, compiled
	finder  value // gives the function of the role when the script has defined it

	functions map[string]cell // those that templates call
	early     bool            // it asked for what is not there while it loads
}

//go:embed prelude.js
var prelude string

// finder sees what a script declares, by const and let, too.
func finder(r guest.Role) string {
	return fmt.Sprintf(`typeof %s === "function" ? %[1]s : undefined`, r)
}

// ours stands in stacks for wconf's own lines.
const ours = "wconf"

// compile makes the image that renders start from.
func (s *Script) compile(ctx context.Context) error {
	h := &host{session: &hostfuncs.Session{Params: maps.Clone(s.params)}, view: kv.NewView(nil, kv.NewScope("", nil)), loading: true}
	i, err := s.module.Start(ctx, wasm.Invocation{Session: h.session, Limits: s.limits}, nil, h.answer)
	if err != nil {
		return s.unstarted(err)
	}
	defer i.Close()
	h.Interpreter = i
	declared, err := s.prepare(h)
	if err != nil {
		return s.unparsed(h, err)
	}
	if s.o.Role == guest.Functions {
		if err := s.load(h, declared); err != nil {
			return err
		}
	}
	s.start.image, err = i.Image()
	return err
}

// prepare compiles the script, and gives the function that says what it has
// declared once it has run.
func (s *Script) prepare(h *host) (declared cell, err error) {
	if err := h.begin(); err != nil {
		return 0, err
	}
	if declared, err = h.install(); err != nil {
		return 0, fmt.Errorf("prelude: %w", err)
	}
	s.start.context, s.start.room = h.context, h.room
	if s.start.finder, err = h.compile(finder(s.o.Role), ours); err != nil {
		return 0, err
	}
	s.start.program, err = h.compile(s.source.text, s.source.name())
	return declared, err
}

// install runs the prelude with the functions of the host.
func (h *host) install() (declared cell, err error) {
	program, err := h.compile(prelude, ours)
	if err != nil {
		return 0, err
	}
	function, err := h.execute(program, 0)
	if err != nil {
		return 0, err
	}
	object, err := h.cell("qjs_new_object")
	if err != nil {
		return 0, err
	}
	for _, f := range hostfuncs.All() { // in one order: images must be equal
		function, err := h.hostFunction(f.Name)
		if err == nil {
			err = h.set(object, f.Name, function)
		}
		if err != nil {
			return 0, err
		}
	}
	return h.apply(function, object)
}

// run leaves what the script made in the session's output. It is what the
// function of the role returned, or, when there is none, the value of the
// script's last expression.
func (s *Script) run(h *host) error {
	last, err := h.execute(s.start.program, 0)
	if err != nil {
		return err
	}
	function, err := h.execute(s.start.finder, 1)
	if err != nil {
		return err
	}
	found, err := h.is("function", function)
	if err != nil {
		return err
	}
	who := "the script"
	if found {
		who = string(s.o.Role)
		if last, err = h.apply(function); err != nil {
			return err
		}
	}
	if s.o.Role == guest.Checker {
		return s.verdict(h, last, found)
	}
	text, err := s.text(h, last, who)
	if err != nil {
		return err
	}
	_, _, err = h.Ask(functions["write"], 0, text)
	return err
}

// text is the text that a script gave. Nothing is converted: that would run
// code of the script in a place where nobody expects it.
func (s *Script) text(h *host, c cell, who string) (string, error) {
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
		return "", s.problem(problem.TemplateRender, who+" returned a string with half of a surrogate pair, which no text can hold",
			"was a character cut in two?")
	}
	return text, nil
}

// kinds are what comes in place of text, in the order in which it is asked.
var kinds = []struct{ is, name, hint string }{
	{"promise", "a promise", "a script cannot wait: drop async and await"},
	{"undefined", "nothing", ""}, {"null", "null", ""}, {"bool", "a boolean", ""}, {"function", "a function", "was a call forgotten?"},
	{"string", "a string", ""}, {"number", "a number", "make a string of it by String(…)"},
	{"array", "an array", `make a string of it by .join("\n") or JSON.stringify(…)`},
	{"object", "an object", "make a string of it by JSON.stringify(…)"},
}

// kind says what a value is: an index of kinds, or -1.
func (h *host) kind(c cell) (int, error) {
	for n, kind := range kinds {
		if is, err := h.is(kind.is, c); err != nil || is {
			return n, err
		}
	}
	return -1, nil
}

// noText says what came in place of a string.
func (s *Script) noText(h *host, c cell, who string) error {
	n, err := h.kind(c)
	switch {
	case err != nil:
		return err
	case n < 0:
		return s.problem(problem.TemplateRender, who+" must return a string", "")
	}
	hint := kinds[n].hint
	if kinds[n].is == "undefined" {
		hint = map[guest.Role]string{
			guest.Renderer: "define function render() that returns the file, or let the script end with an expression",
			guest.Filter:   "define function filter() that returns the new text, or let the script end with an expression",
		}[s.o.Role]
	}
	return s.problem(problem.TemplateRender, fmt.Sprintf("%s returned %s; it must return a string", who, kinds[n].name), hint)
}

// verdict judges what check returned. Whatever is no clear yes is no.
func (s *Script) verdict(h *host, c cell, found bool) error {
	if !found {
		return s.noCheck()
	}
	n, err := h.kind(c)
	if err != nil {
		return err
	}
	what, hint := "something else", ""
	if n >= 0 {
		what, hint = kinds[n].name, kinds[n].hint
	}
	switch what {
	case "nothing":
		return nil
	case "a boolean":
		yes, err := h.Call("qjs_get_bool", uint64(c))
		if err != nil || yes != 0 {
			return err
		}
		return s.problem(problem.CheckFailed, s.refused("check returned false"), "fail(…) says why")
	case "a promise":
	default:
		hint = "fail(…) refuses"
	}
	return s.problem(problem.TemplateRender, fmt.Sprintf("check returned %s; it accepts by returning nothing, or true", what), hint)
}

func (s *Script) refused(why string) string {
	return fmt.Sprintf("script %s refused the new content: %s", s.source.name(), why)
}

// noCheck is about a check that would accept everything.
func (s *Script) noCheck() error {
	return s.problem(problem.GuestLoad, "it has no function check", `function check() { if (!input().includes("…")) fail("…") }`)
}

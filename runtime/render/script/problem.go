package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// problem is about the script as a whole.
func (s *Script) problem(code, msg, hint string) *problem.Problem {
	return &problem.Problem{Code: code, File: s.o.File, Msg: msg, Hint: hint}
}

// explain words what ended a render.
func (s *Script) explain(h *host, err error) error {
	var (
		said *problem.Problem
		e    *exception
	)
	switch {
	case errors.As(err, &said):
	case errors.As(err, &e) && h.Interrupted() != nil:
		said = s.ended(h, h.Interrupted(), e.stack)
	case errors.As(err, &e):
		said = s.uncaught(h, e)
	default:
		said = s.ended(h, err, h.failed)
	}
	mask := s.mask(h)
	said.Msg, said.Hint = hostfuncs.Printable(mask(said.Msg)), wasm.WithLog(mask(said.Hint), h.session.Lines(), mask)
	return said
}

// unstarted is about an engine that did not get as far as the script.
func (s *Script) unstarted(err error) error {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return err
	}
	said := *p
	said.File = s.o.File
	return &said
}

// unparsed words what ended the compilation.
func (s *Script) unparsed(h *host, err error) error {
	var e *exception
	if !errors.As(err, &e) || h.OutOfMemory() {
		return s.ended(h, err, "")
	}
	p := s.at(e.stack, problem.TemplateParse, hostfuncs.Printable(e.Error()), "")
	switch words := strings.Fields(p.Source); {
	case len(words) > 0 && words[0] == "import":
		p.Hint = "a script is one file: it imports nothing"
	case len(words) > 0 && words[0] == "export":
		p.Hint = "a script is no module: drop export"
	case len(words) > 0 && strings.Contains(p.Source, "await "):
		p.Hint = "a script cannot wait: drop await"
	}
	return p
}

// ended is about a limit that was reached, or what fail said.
func (s *Script) ended(h *host, err error, stack string) *problem.Problem {
	var ge *wasm.GuestError
	p := s.at(stack, problem.GuestFailed, err.Error(), "")
	if errors.As(h.Explain(err), &ge) {
		p.Code, p.Msg, p.Err = ge.Code, ge.Reason, ge
	}
	switch {
	case ge != nil && ge.Failed && s.o.Role == guest.Checker:
		p.Code, p.Msg = problem.CheckFailed, s.refused(p.Msg)
		return p
	case ge != nil && ge.Failed:
		return p
	case ge != nil:
		p.Hint = ge.Advice
	}
	switch {
	case errors.Is(err, errNoMemory) || h.OutOfMemory() && p.Code == problem.GuestFailed:
		p.Code, p.Msg = problem.GuestMemory, s.outOfMemory()
	}
	switch p.Code {
	case problem.GuestMemory, problem.GuestFuel, problem.GuestTimeout:
		p.Hint = mayRaise
		if p.Line > 0 { // the engine knows where it was called, or where the loop begins
			p.Col, p.Len, p.Hint = 0, 0, "it was busy at or below this line; "+mayRaise
		}
	}
	return p
}

const mayRaise = "raise it in [template.limits], if the script needs more"

func (s *Script) outOfMemory() string {
	return fmt.Sprintf("it used up its memory of %d bytes", s.limits.Memory)
}

// uncaught is about an exception.
func (s *Script) uncaught(h *host, e *exception) *problem.Problem {
	p := s.at(e.stack, problem.TemplateRender, s.withoutValues(h, e), "")
	key := h.session.Missed()
	missing := key != "" && e.message == absent+key
	denied := key != "" && e.message == outside+key
	switch {
	case missing:
		p.Code, p.Msg, p.Hint = problem.KeyMissing, e.message, s.keyHint(h.view, key)
	case denied:
		p.Code, p.Hint = problem.KeyDenied, s.grantHint(key)
	case e.name == "InternalError" && e.message == "out of memory", h.OutOfMemory() && e.stack == "":
		p.Code, p.Msg, p.Hint = problem.GuestMemory, s.outOfMemory(), mayRaise
	case e.name == "RangeError" && strings.Contains(e.message, "call stack"):
		p.Hint = "is a recursion endless?"
	case e.stack == "":
		p.Hint = "throw an Error, and wconf shows its line"
	}
	if (missing || denied) && !strings.HasPrefix(key, "/") { // it may well be the value of another
		p.Msg, p.Hint = strings.TrimSuffix(e.message, key)+"its name does not begin with a slash", slashHint(h.view, key)
	}
	if prefix := h.view.Prefix(); missing && prefix != "" {
		p.Msg += " (prefix " + prefix + ")"
	}
	return p
}

func slashHint(v *kv.View, key string) string {
	if v.Exists("/" + key) {
		return "names of keys begin with a slash"
	}
	return ""
}

// How messages about keys begin: in the prelude, and in refusal.
const (
	absent  = "key does not exist: "
	outside = "key is outside the resource's keys: "
)

// keyHint says how a missing key may come to be there, as for templates. What
// it looks at counts as read.
func (s *Script) keyHint(v *kv.View, key string) string {
	if !strings.HasPrefix(key, "/") {
		return ""
	}
	hint := ""
	if near := render.Nearest(v, key); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return hint + fmt.Sprintf("A key that may be missing has a default: getv(%q, \"…\")", key)
}

func (s *Script) grantHint(key string) string {
	if s.o.Scope == nil {
		return fmt.Sprintf("add %q to the keys of the resource", key)
	}
	var quoted []string
	for _, root := range s.o.Scope.Roots() {
		quoted = append(quoted, strconv.Quote(strings.TrimPrefix(root, s.o.Scope.Prefix())))
	}
	return fmt.Sprintf("the resource's keys do not include %s; add it to keys = [%s]", key, strings.Join(quoted, ", "))
}

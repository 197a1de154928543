package script

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/wasm"
)

// problem is about the script as a whole.
func (s *Script) problem(code, msg, hint string) *problem.Problem {
	return &problem.Problem{Code: code, File: s.o.File, Msg: msg, Hint: hint}
}

// at is a problem at the place of the script that a stack names first. Lines of
// wconf's own come before it: the function that the script called.
func (s *Script) at(stack, code, msg, hint string) *problem.Problem {
	p := s.problem(code, msg, hint)
	called := ""
	for frame := range strings.Lines(stack) {
		line, column, ok := s.source.place(frame)
		if ok {
			p.Line, p.Source = line, s.source.line(line)
			p.Col, p.Len = underline(p.Source, column, called)
			break
		}
		if name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(frame), "at "), " ("+ours+":"); ok {
			called = name
		}
	}
	return p
}

// place reads "at name (script.js:3:8)". What a script writes into a stack by
// itself it may believe.
func (s source) place(frame string) (line, column int, ok bool) {
	_, at, ok := strings.Cut(frame, s.name()+":")
	if !ok {
		return 0, 0, false
	}
	first, rest, _ := strings.Cut(strings.TrimRight(at, ")\n"), ":")
	line, err := strconv.Atoi(first)
	if err != nil || line < 1 || line > 1+strings.Count(s.text, "\n") {
		return 0, 0, false
	}
	column, err = strconv.Atoi(rest)
	return line, column, err == nil
}

// line is the text of a line, which exists.
func (s source) line(n int) string {
	rest := s.text
	for ; n > 1; n-- {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	text, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSuffix(text, "\r")
}

// underline finds the word at a column, which counts bytes. For a call the
// engine may name a place beside the function; then it is the last call before it.
func underline(text string, column int, called string) (col, length int) {
	at := min(max(column, 1), len(text)+1) - 1
	if called != "" && !strings.HasPrefix(text[at:], called) {
		until := min(at+1+len(called)+1, len(text))
		if call := strings.LastIndex(text[:until], called+"("); call >= 0 {
			at = call
		}
	}
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at + 1, len(word.FindString(text[at:]))
}

var word = regexp.MustCompile(`^[\p{L}\p{N}_$]*`)

// explain words what ended a render.
func (s *Script) explain(h *host, v *kv.View, err error) error {
	var (
		said *problem.Problem
		e    *exception
	)
	switch {
	case errors.As(err, &said):
	case errors.As(err, &e) && h.Interrupted() != nil:
		said = s.ended(h, h.Interrupted(), e.stack)
	case errors.As(err, &e):
		said = s.uncaught(h, v, e)
	default:
		said = s.ended(h, err, h.failed)
	}
	said.Msg, said.Hint = s.mask(said.Msg), s.mask(said.Hint)
	return said
}

// unparsed words what ended the compilation.
func (s *Script) unparsed(h *host, err error) error {
	var e *exception
	if !errors.As(err, &e) || h.OutOfMemory() {
		return s.ended(h, err, "")
	}
	p := s.at(e.stack, problem.TemplateParse, e.Error(), "")
	switch words := strings.Fields(p.Source); {
	case len(words) > 0 && words[0] == "import":
		p.Hint = "a script is one file: it imports nothing"
	case len(words) > 0 && words[0] == "export":
		p.Hint = "a script is no module: define render without export"
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
	case errors.Is(err, errNoMemory) || h.OutOfMemory() && p.Code == problem.GuestFailed:
		p.Code, p.Msg = problem.GuestMemory, s.outOfMemory()
	case ge != nil && ge.Failed:
		return p
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
func (s *Script) uncaught(h *host, v *kv.View, e *exception) *problem.Problem {
	p := s.at(e.stack, problem.TemplateRender, s.withoutValues(h, e), "")
	key := h.session.Missed()
	switch {
	case e.message == absent+key && key != "":
		p.Code, p.Msg, p.Hint = problem.KeyMissing, e.message, s.keyHint(v, key)
		if !strings.HasPrefix(key, "/") { // it may well be the value of another
			p.Msg = "key does not exist: its name does not begin with a slash"
		}
		if prefix := v.Prefix(); prefix != "" {
			p.Msg += " (prefix " + prefix + ")"
		}
	case e.message == outside(key) && slices.Contains(h.session.Denied(), key):
		p.Code, p.Hint = problem.KeyDenied, s.grantHint(key)
	case e.name == "InternalError" && e.message == "out of memory", h.OutOfMemory() && e.stack == "":
		p.Code, p.Msg, p.Hint = problem.GuestMemory, s.outOfMemory(), mayRaise
	case e.name == "RangeError" && strings.Contains(e.message, "call stack"):
		p.Hint = "is a recursion endless?"
	case e.stack == "":
		p.Hint = "throw an Error, and wconf shows its line"
	}
	return p
}

// absent is how the prelude begins the message about a key that is not there.
const absent = "key does not exist: "

// keyHint says how a missing key may come to be there, as for templates. What
// it looks at counts as read.
func (s *Script) keyHint(v *kv.View, key string) string {
	switch {
	case !strings.HasPrefix(key, "/") && v.Exists("/"+key):
		return "names of keys begin with a slash"
	case !strings.HasPrefix(key, "/"):
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

// shortest is how long a word must be to tell something.
const shortest = 3

var words = regexp.MustCompile(`[\p{L}\p{N}_]{3,}`)

// withoutValues is the message of an exception. What the engine says by itself
// may quote the value of a key, or a part of it: each value, and each word of
// one, that the script itself does not have goes. An Error is the author's own
// words.
func (s *Script) withoutValues(h *host, e *exception) string {
	if e.name == "Error" {
		return e.message
	}
	msg := e.Error()
	values := slices.SortedFunc(maps.Keys(h.read), func(a, b string) int { return len(b) - len(a) })
	hide := func(part string) string {
		if strings.Contains(s.source.text, part) || !slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, part) }) {
			return part
		}
		return "…"
	}
	for _, value := range values {
		if len(value) >= shortest && strings.Contains(msg, value) {
			msg = strings.ReplaceAll(msg, value, hide(value))
		}
	}
	return words.ReplaceAllStringFunc(msg, hide)
}

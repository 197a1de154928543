package gotmpl

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// failure is an error of an execution, taken apart.
type failure struct {
	file   *file
	offset int
	nodes  []parse.Node // that stand there
	head   string       // "template: name:1:2: executing …: "
	msg    string
}

// explain makes a problem of whatever ended the execution of a file.
func (e *execution) explain(f *file, m *meter, err error) error {
	var inner *problem.Problem
	var exec template.ExecError
	at := failure{file: f, msg: err.Error()}
	if errors.As(err, &exec) {
		at = f.takeApart(exec)
	} else if len(f.ticks.places) > 0 {
		at.offset = f.ticks.places[m.last].offset
	}
	if errors.As(err, &inner) {
		return at.within(inner, err)
	}
	p := f.problem(problem.TemplateRender, withoutValues(at.msg), at.offset)
	p.Len = at.length()
	e.say(p, at, err)
	p.Err = &classic{text: at.inClassicWords(p.Msg), cause: known(err)}
	if prefix := e.view.Prefix(); prefix != "" && p.Code == problem.KeyMissing {
		p.Msg += " (prefix " + prefix + ")"
	}
	return p
}

// inClassicWords is the message as confd has it.
func (at failure) inClassicWords(msg string) string {
	if call := calling().FindString(at.msg); !strings.HasPrefix(msg, call) {
		msg = call + msg
	}
	return strings.ReplaceAll(at.head, guarded+" ", "") + msg
}

// say words the failures that have a cause of their own.
func (e *execution) say(p *problem.Problem, at failure, err error) {
	var missing *funcs.MissingKey
	var wrong *funcs.WrongType
	limits := e.template.opts.limits()
	switch {
	case errors.As(err, &missing):
		p.Code, p.Msg, p.Hint = problem.KeyMissing, missing.Error(), e.keyHint(missing)
	case errors.As(err, &wrong):
		at.wrongType(p, wrong)
	case errors.Is(err, funcs.ErrFuel):
		p.Msg, p.Hint = funcs.ErrFuel.Error(), fmt.Sprintf("it took more than %d steps", limits.Fuel)
	case errors.Is(err, funcs.ErrBytes):
		p.Msg, p.Hint = funcs.ErrBytes.Error(), fmt.Sprintf("functions may build %d bytes in one render, and one value may have %d", limits.Bytes, limits.Output)
	case errors.Is(err, funcs.ErrOutput):
		p.Msg, p.Hint = funcs.ErrOutput.Error(), fmt.Sprintf("a file may have %d bytes", limits.Output)
	case errors.Is(err, funcs.ErrNesting):
		p.Msg, p.Hint = funcs.ErrNesting.Error(), "does a template call itself without end?"
	case errors.Is(err, context.DeadlineExceeded):
		p.Msg = "template did not finish in time"
	case errors.Is(err, context.Canceled):
		p.Msg = "render was cancelled"
	case strings.HasPrefix(p.Msg, "range can't iterate over"):
		p.Hint = "range needs a list or map, as gets, getvs, ls, lsdir and split return it"
	case strings.HasPrefix(p.Msg, "error calling eq: incompatible types"):
		p.Hint = "the value of a key is text: compare it with text, or use atoi"
	}
}

// calling is how text/template begins the error of a function.
var calling = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^error calling \w+: `) })

// known is the part of an error that callers may look for. The rest is not
// kept: its text may hold values.
func known(err error) error {
	var missing *funcs.MissingKey
	if errors.As(err, &missing) {
		return missing
	}
	for _, cause := range []error{
		funcs.ErrFuel, funcs.ErrBytes, funcs.ErrOutput, funcs.ErrNesting, context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	return nil
}

// within gives a problem of an included file or of a guest's function its
// place in this file.
func (at failure) within(inner *problem.Problem, err error) error {
	p := *inner
	place := at.file.problem(inner.Code, "", at.offset)
	if p.File != "" {
		how := "included"
		if called := (*called)(nil); errors.As(err, &called) {
			how = "called"
		}
		p.Msg += ", " + how + " at " + place.Place()
		return &p
	}
	p.File, p.Line, p.Col, p.Source, p.Len = place.File, place.Line, place.Col, place.Source, at.length()
	p.Err = &classic{text: at.head + p.Msg, cause: inner}
	return &p
}

// wrongType words the refusal of an argument of arithmetic as text/template
// does: by its text when it is a literal.
func (at failure) wrongType(p *problem.Problem, wrong *funcs.WrongType) {
	for _, n := range at.nodes {
		c, ok := n.(*parse.CommandNode)
		if !ok || len(c.Args) <= wrong.Argument+1 {
			continue
		}
		arg := c.Args[wrong.Argument+1]
		switch arg.(type) {
		case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
			place := at.file.problem(p.Code, fmt.Sprintf("expected integer; found %s", arg), int(arg.Position()))
			place.Len = len(arg.String())
			*p = *place
			return
		}
	}
	p.Msg = wrong.Error()
	if wrong.Got == "string" {
		p.Hint = "the value of a key is text: make a number of it with atoi"
	}
}

// takeApart reads "template: name:3:8: executing "name" at <expression>: why".
func (f *file) takeApart(err template.ExecError) failure {
	at := failure{file: f, msg: err.Error()}
	rest, ok := strings.CutPrefix(at.msg, "template: "+f.name+":")
	lineText, rest, ok2 := strings.Cut(rest, ":")
	colText, rest, ok3 := strings.Cut(rest, ": executing ")
	line, err1 := strconv.Atoi(lineText)
	col, err2 := strconv.Atoi(colText)
	quoted, err3 := strconv.QuotedPrefix(rest)
	if !ok || !ok2 || !ok3 || errors.Join(err1, err2, err3) != nil {
		return at
	}
	for ; line > 1; line-- {
		at.offset += strings.IndexByte(f.text[at.offset:], '\n') + 1
	}
	at.offset = min(at.offset+col, len(f.text))
	at.nodes = f.nodesAt(at.offset)
	rest = strings.TrimPrefix(rest[len(quoted):], " at <")
	cut := strings.Index(rest, ">: ")
	for _, n := range at.nodes { // the expression may hold what ends it
		if s := n.String(); strings.HasPrefix(rest, s+">: ") {
			cut = max(cut, len(s))
		}
	}
	if cut >= 0 {
		rest = rest[cut+len(">: "):]
	}
	at.head, at.msg = strings.TrimSuffix(at.msg, rest), rest
	return at
}

// length is how much of the text the innermost call or value at the place takes.
func (at failure) length() int {
	text := at.file.text[at.offset:]
	longest := 0
	for _, n := range at.nodes {
		if s := n.String(); strings.HasPrefix(text, s) {
			longest = max(longest, len(s))
		}
	}
	if longest == 0 {
		longest = strings.IndexAny(text, " )}\n")
	}
	return max(longest, 1)
}

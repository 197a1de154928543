package gate

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

// arguments checks the literal arguments of a function, so that a bad duration,
// window, pattern or glob is found when the configuration is loaded. Where the
// checked form is worth keeping, it replaces the literal.
func (v *vetter) arguments(call ast.Node, name string, args []ast.Node) {
	switch name {
	case "every", "settled", "waited", "reloads":
		v.constant(name, args, func(s string) (any, error) { return parseWait(s) })
	case "duration":
		v.constant(name, args, func(s string) (any, error) { return parseDuration(s) })
	case "window":
		v.mustBeLiteral(call, name, args)
		v.constant(name, args, func(s string) (any, error) { return parseSchedule(s) })
	case "diffHas":
		v.mustBeLiteral(call, name, args)
		v.constant(name, args, func(s string) (any, error) { return compilePattern(s) })
	case "touched", "only":
		v.globs(call, name, args)
	case "delta":
		v.remember("new", args)
	case "date":
		v.constant(name, args, func(s string) (any, error) { return date(s) })
	}
}

// constant checks a literal first argument and replaces it by its checked form,
// unless the function wants the text.
func (v *vetter) constant(name string, args []ast.Node, parse func(string) (any, error)) {
	if len(args) == 0 {
		return // the type check counts arguments
	}
	s, ok := args[0].(*ast.StringNode)
	if !ok {
		return
	}
	value, err := parse(s.Value)
	if err != nil {
		if v.argument == nil { // else the value is the user's, the call is not
			err = fmt.Errorf("%s: %w", name, err)
		}
		v.refuse(s, err.Error(), "")
		return
	}
	if name != "duration" && name != "date" {
		v.constants = append(v.constants, func() { ast.Patch(&args[0], &ast.ConstantNode{Value: value}) })
	}
}

func (v *vetter) mustBeLiteral(call ast.Node, name string, args []ast.Node) {
	if len(args) == 1 {
		if _, ok := args[0].(*ast.StringNode); ok {
			return
		}
	}
	v.refuse(call, name+" takes one literal text", "write "+wordNamed(name).usage())
}

func (v *vetter) globs(call ast.Node, name string, args []ast.Node) {
	if len(args) == 0 {
		v.refuse(call, name+" needs a pattern", "write "+wordNamed(name).usage())
	}
	for _, a := range args {
		s, ok := a.(*ast.StringNode)
		if !ok {
			continue
		}
		if err := checkGlob(s.Value); err != nil {
			v.refuse(s, fmt.Sprintf("%s: %v", name, err), "")
		}
	}
	v.remember("touched", args)
}

func (v *vetter) remember(kind string, args []ast.Node) {
	for _, a := range args {
		if s, ok := a.(*ast.StringNode); ok {
			v.literals[kind] = append(v.literals[kind], literalString{s.Value, s.Location()})
		}
	}
}

func (v *vetter) matches(n *ast.BinaryNode) {
	s, ok := n.Right.(*ast.StringNode)
	if !ok {
		v.refuse(n.Right, "the pattern of matches must be a literal text", `write value matches "^[0-9]+$"`)
		return
	}
	p, err := compilePattern(s.Value)
	if err != nil {
		v.refuse(s, fmt.Sprintf("matches: %v", err), "")
		return
	}
	v.patterns[n] = p
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 30s, 5m or 1h30m", s)
	}
	return d, nil
}

func parseWait(s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err == nil && d < 0 {
		return 0, fmt.Errorf("%q is negative", s)
	}
	return d, err
}

var errPatternLength = fmt.Errorf("the pattern is longer than %d bytes", MaxPattern)

// checkGlob refuses a pattern that path.Match cannot read.
func checkGlob(pattern string) error {
	if len(pattern) > MaxPattern {
		return errPatternLength
	}
	if pattern == "" {
		return errors.New("the pattern is empty")
	}
	for segment := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(segment, ""); err != nil {
			return fmt.Errorf("%q is not a pattern: a bracket is not closed", pattern)
		}
	}
	return nil
}

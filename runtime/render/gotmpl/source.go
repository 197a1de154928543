package gotmpl

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// The largest text that is given to the parser, and how far actions may nest
// in it: Go's parser and executor recurse, and a few hundred kilobytes of
// `{{if 1}}` take a gigabyte.
const (
	maxText    = 1 << 20
	maxNesting = 256
	maxElseIf  = 10_000 // an else if nests, too, but a long chain is no oddity
)

// source is the text of a template file.
type source struct {
	name string // as Go's messages call it
	path string // as ours do; may be empty
	text string
}

func (s source) problem(code, msg string, offset int) *problem.Problem {
	p := &problem.Problem{Code: code, Msg: msg}
	return p.At(cmp.Or(s.path, s.name), s.text, offset)
}

// control is an action that an {{end}} closes.
type control struct {
	word   string
	offset int
	depth  int // with its else ifs
}

// scan checks the limits. It is a rough reading: what it misreads, the parser
// refuses. It returns the controls that are still open where the text ends,
// or where an action does not.
func (s source) scan() ([]control, error) {
	if len(s.text) > maxText {
		return nil, &problem.Problem{Code: problem.TemplateParse, File: cmp.Or(s.path, s.name), Line: 1, Msg: fmt.Sprintf("template is larger than %d bytes", maxText)}
	}
	var open []control
	depth := 0
	for at := 0; ; {
		start, body, end := action(s.text, at)
		if start < 0 {
			return open, nil
		}
		if end < 0 {
			return append(open, control{"action", start, 0}), nil
		}
		at = end
		word, rest := firstWord(body)
		switch word {
		case "if", "range", "with", "block", "define":
			open = append(open, control{word, start, 1})
			depth++
		case "else":
			if next, _ := firstWord(rest); (next == "if" || next == "with") && len(open) > 0 {
				open[len(open)-1].depth++
				depth++
			}
		case "end":
			if len(open) > 0 {
				depth -= open[len(open)-1].depth
				open = open[:len(open)-1]
			}
		}
		if len(open) > maxNesting || depth > maxElseIf || parentheses(body) > maxNesting {
			p := s.problem(problem.TemplateParse, funcs.ErrNesting.Error(), start)
			p.Err = funcs.ErrNesting
			return nil, p
		}
	}
}

// action finds the next action at or after a place: where it starts, its
// body, and where the text goes on. A start below 0 means that there is none,
// an end below 0 that the action is not closed.
func action(text string, at int) (start int, body string, end int) {
	i := strings.Index(text[at:], "{{")
	if i < 0 {
		return -1, "", -1
	}
	start = at + i
	from := start + 2
	if strings.HasPrefix(text[from:], "- ") || strings.HasPrefix(text[from:], "-\n") || strings.HasPrefix(text[from:], "-\t") || strings.HasPrefix(text[from:], "-\r") {
		from += 2
	}
	if strings.HasPrefix(text[from:], "/*") {
		if i := strings.Index(text[from:], "*/"); i >= 0 {
			if j := strings.Index(text[from+i:], "}}"); j >= 0 {
				return start, "", from + i + j + 2
			}
		}
		return start, "", -1
	}
	for i := from; i < len(text); i++ {
		switch c := text[i]; c {
		case '}':
			if strings.HasPrefix(text[i:], "}}") {
				return start, text[from:i], i + 2
			}
		case '"', '\'', '`':
			if i = quoted(text, i); i < 0 {
				return start, "", -1
			}
		}
	}
	return start, "", -1
}

// quoted is the place of the quote that closes the one at i, or -1.
func quoted(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return i
		case c == '\\' && quote != '`':
			i++
		case c == '\n' && quote != '`':
			return -1
		}
	}
	return -1
}

func firstWord(body string) (word, rest string) {
	body = strings.TrimLeft(body, " \t\r\n")
	i := strings.IndexFunc(body, func(c rune) bool { return c < 'a' || c > 'z' })
	if i < 0 {
		return body, ""
	}
	return body[:i], body[i:]
}

// parentheses is how deep they nest.
func parentheses(body string) int {
	depth, deepest := 0, 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '(':
			depth++
			deepest = max(deepest, depth)
		case ')':
			depth--
		case '"', '\'', '`':
			i = quoted(body, i)
		}
	}
	return deepest
}

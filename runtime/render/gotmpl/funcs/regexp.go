package funcs

import (
	"errors"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

var expressions = []Function{{
	Name: "regexMatch", Usage: "regexMatch PATTERN TEXT", Since: fork,
	Doc: "Whether the pattern matches somewhere in the text.",
	Code: func(r *Run) any {
		return func(expr, s string) (bool, error) {
			p, err := r.pattern(expr, s)
			if err != nil {
				return false, err
			}
			text := &interruptible{text: s, budget: &r.Budget}
			found := p.MatchReader(text)
			return found, text.err
		}
	},
	Examples: []Example{
		{Keys: shop, Template: `{{regexMatch "^s.op$" (getv "/app/name")}}`, Output: "true"},
		{Template: `{{regexMatch "(" "x"}}`, Error: "error parsing regexp: missing closing )"},
	},
}, {
	Name: "regexFind", Usage: "regexFind PATTERN TEXT", Since: fork,
	Doc: "The first part of the text that matches, or nothing.",
	Code: func(r *Run) any {
		return func(expr, s string) (string, error) {
			p, err := r.pattern(expr, s)
			if err != nil {
				return "", err
			}
			text := &interruptible{text: s, budget: &r.Budget}
			if at := p.FindReaderIndex(text); at != nil {
				return s[at[0]:at[1]], text.err
			}
			return "", text.err
		}
	},
	Examples: []Example{{Template: `{{regexFind "[0-9]+" "ab123c"}}`, Output: "123"}},
}, {
	Name: "regexReplaceAll", Usage: "regexReplaceAll PATTERN TEXT NEW", Since: fork,
	Doc:      "The text with all that matches replaced. In NEW, `$1` stands for the first group.",
	Code:     func(r *Run) any { return r.replaceAll },
	Examples: []Example{{Template: `{{regexReplaceAll "(a)(b)" "abab" "$2$1"}}`, Output: "baba"}},
}}

// pattern is a compiled expression and how many steps each byte of a text
// costs it at most.
type pattern struct {
	*regexp.Regexp
	size int
}

const (
	largestPattern  = 50_000  // instructions
	largestReplace  = 1 << 27 // instructions times bytes, which nothing can interrupt
	patternsToKeep  = 256
	stepsPerElement = 256 // a step of fuel is a round of a range, an instruction is far less
)

// pattern compiles expr, or remembers it, and pays for running it over s.
func (r *Run) pattern(expr, s string) (pattern, error) {
	p, ok := r.patterns[expr]
	if !ok {
		var err error
		if p, err = compile(expr); err != nil {
			return pattern{}, err
		}
		if r.patterns == nil || len(r.patterns) == patternsToKeep {
			r.patterns = map[string]pattern{}
		}
		r.patterns[expr] = p
	}
	return p, r.Budget.Work(1 + times(p.size, len(s))/stepsPerElement)
}

func compile(expr string) (pattern, error) {
	tree, err := syntax.Parse(expr, syntax.Perl)
	var bad *syntax.Error
	if errors.As(err, &bad) { // without the expression, which may come from a value
		return pattern{}, errors.New("error parsing regexp: " + string(bad.Code))
	}
	if err != nil {
		return pattern{}, errors.New("error parsing regexp")
	}
	size := instructions(tree)
	if size > largestPattern {
		return pattern{}, errors.New("error parsing regexp: expression is too large")
	}
	p, err := regexp.Compile(expr)
	if err != nil {
		return pattern{}, errors.New("error parsing regexp")
	}
	return pattern{p, size}, nil
}

// interruptible is a text that ends early when the execution has to.
type interruptible struct {
	text   string
	at     int
	reads  int
	budget *Budget
	err    error
}

// ReadRune makes it an io.RuneReader.
func (t *interruptible) ReadRune() (rune, int, error) {
	if t.reads++; t.reads&63 == 0 {
		t.err = t.budget.look()
	}
	if t.err != nil || t.at == len(t.text) {
		return 0, 0, io.EOF
	}
	c, size := utf8.DecodeRuneInString(t.text[t.at:])
	t.at += size
	return c, size, nil
}

// instructions is about how long the program of an expression gets: repeats
// are written out.
func instructions(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)
	for _, sub := range tree.Sub {
		n = plus(n, instructions(sub))
	}
	if tree.Op == syntax.OpRepeat {
		n = times(n, max(tree.Min, tree.Max, 1))
	}
	return n
}

func (r *Run) replaceAll(expr, s, replacement string) (string, error) {
	p, err := r.pattern(expr, s)
	if err != nil {
		return "", err
	}
	if times(p.size, len(s)) > largestReplace {
		return "", errors.New("the text is too long for this expression")
	}
	found := len(s) + 1
	if times(found, len(replacement)) > 1<<16 { // worth counting
		found = 0
		p.ReplaceAllStringFunc(s, func(string) string { found++; return "" })
	}
	groups := times(strings.Count(replacement, "$"), len(s)) // matches do not overlap
	if err := r.Budget.Room(plus(plus(len(s), groups), times(found, len(replacement)))); err != nil {
		return "", err
	}
	result := p.ReplaceAllString(s, replacement)
	return result, r.Budget.Make(len(result))
}

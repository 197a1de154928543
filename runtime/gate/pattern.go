package gate

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// pattern is a regular expression (RE2 syntax, linear time) that also stops at
// the deadline: linear in a text of megabytes is still too long.
type pattern struct {
	re     *regexp.Regexp
	direct int // texts up to this length are matched in one go
}

// maxInstructions bounds what repeats like (\pL{1000}|…) may grow to.
const maxInstructions = 2000

func compilePattern(s string) (*pattern, error) {
	if len(s) > MaxPattern {
		return nil, errPatternLength
	}
	re, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > maxInstructions {
		return nil, fmt.Errorf("the pattern repeats too much: %d steps, the limit is %d", len(prog.Inst), maxInstructions)
	}
	compiled, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	return &pattern{compiled, 1 << 20 / len(prog.Inst)}, nil
}

func (p *pattern) match(late func() error, text string) (bool, error) {
	if len(text) <= p.direct {
		return p.re.MatchString(text), nil
	}
	t := &interruptible{late: late, rest: strings.NewReader(text)}
	found := p.re.MatchReader(t)
	return found && t.err == nil, t.err
}

// interruptible is a text that ends when it is too late to read on.
type interruptible struct {
	late func() error
	rest *strings.Reader
	read int
	err  error
}

func (t *interruptible) ReadRune() (rune, int, error) {
	if t.read++; t.read&127 == 0 {
		if t.err = t.late(); t.err != nil {
			return utf8.RuneError, 0, io.EOF
		}
	}
	return t.rest.ReadRune()
}

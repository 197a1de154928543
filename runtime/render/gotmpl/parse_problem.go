package gotmpl

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// classic is an error in the words of text/template, and so of confd, but
// without values.
type classic struct {
	text  string
	cause error
}

func (c *classic) Error() string { return c.text }
func (c *classic) Unwrap() error { return c.cause }

// Classic is the one-line form of a template's error that confd logs
// ("template: a.tmpl:3:2: executing …"); its columns count from 0. It is empty
// for other errors.
func Classic(err error) string {
	var c *classic
	if errors.As(err, &c) {
		return c.text
	}
	return ""
}

var (
	undefinedFunction = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^function "(\w+)" not defined$`) })
	undefinedVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^undefined variable "(\$\w*)"$`) })
	actionStarted     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`( in action)? started at .*`) }) // depends on the lines
)

// parseProblem finds the place of an error of the parser, which names only the
// line, and sometimes not the one where the mistake is.
func (t *Template) parseProblem(s source, open []control, err error) error {
	line, msg := s.parseError(err)
	p := s.problem(problem.TemplateParse, msg, s.meant(msg, s.column(t.words, line, msg)))
	p.Err = &classic{text: err.Error()}
	switch m := undefinedFunction().FindStringSubmatch(msg); {
	case m != nil:
		p.Len = len(m[1])
		p.Hint = t.functionHint(m[1])
		if slices.Contains(t.opts.Withheld, m[1]) {
			p.Hint = ""
			p.Msg = fmt.Sprintf("function %q is not granted to this template", m[1])
		}
	case msg == "unexpected EOF" && len(open) > 0:
		last := open[len(open)-1]
		p = s.problem(p.Code, msg, last.offset)
		p.Err, p.Len = &classic{text: err.Error()}, len("{{"+last.word)
		p.Hint = fmt.Sprintf("this {{%s}} has no {{end}}", last.word)
	case strings.HasPrefix(msg, "unclosed action") && len(open) > 0:
		p = s.problem(p.Code, msg, open[len(open)-1].offset)
		p.Err, p.Len, p.Hint = &classic{text: err.Error()}, 2, "this action has no }}"
	}
	return p
}

// parseError splits "template: name:3: unexpected …".
func (s source) parseError(err error) (line int, msg string) {
	msg = strings.TrimPrefix(err.Error(), "template: "+s.name+":")
	number, rest, ok := strings.Cut(msg, ": ")
	if line, err = strconv.Atoi(number); ok && err == nil {
		return line, rest
	}
	return 1, msg
}

// meant moves from the word that the parser has just read back to the one that
// it speaks of.
func (s source) meant(msg string, at int) int {
	before := s.text[:min(at+2, len(s.text))]
	if m := undefinedVariable().FindStringSubmatch(msg); m != nil {
		return max(strings.LastIndex(before, m[1]), 0)
	}
	if strings.HasPrefix(msg, "unexpected {{") || strings.HasPrefix(msg, "{{") {
		return max(strings.LastIndex(before, "{{"), 0)
	}
	return at
}

// tries bounds how often column parses.
const tries = 200

// column is the offset of the word that the parser refuses in a line. The
// parser is asked again with a line break before each word, from the last one
// on: the first that moves to the next line is the one.
func (s source) column(words vocabulary, line int, msg string) int {
	start := 0
	for range line - 1 {
		start += strings.IndexByte(s.text[start:], '\n') + 1
	}
	end := len(s.text)
	if i := strings.IndexByte(s.text[start:], '\n'); i >= 0 {
		end = start + i
	}
	if len(s.text) > maxText/16 {
		return start
	}
	same := actionStarted().ReplaceAllString(msg, "")
	for at, left := end, tries; at > start && left > 0; at-- {
		if !wordBegins(s.text, at) {
			continue
		}
		left--
		_, err := s.trees(s.text[:at]+"\n"+s.text[at:], words)
		if err == nil {
			continue
		}
		if l, m := s.parseError(err); l == line+1 && actionStarted().ReplaceAllString(m, "") == same {
			return at
		}
	}
	return start
}

// wordBegins tells whether a word or sign may begin at a place.
func wordBegins(text string, at int) bool {
	if at == len(text) {
		return true
	}
	word := func(c byte) bool {
		return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	return text[at] != ' ' && (!word(text[at]) || !word(text[at-1]))
}

func (t *Template) functionHint(name string) string {
	for f := range funcs.All() {
		if f.Name == name && f.Sealed {
			return name + " exists only with a keyring: -secret-keyring"
		}
	}
	return problem.DidYouMean(name, slices.Sorted(maps.Keys(t.words)))
}

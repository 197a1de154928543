package script

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/problem"
)

// source is the text of a script and where it stands.
type source struct {
	file, text string
	lines      int
}

func newSource(file, text string) source {
	return source{file: file, text: text, lines: 1 + strings.Count(text, "\n")}
}

// name is how stacks call the script.
func (s source) name() string { return s.file[strings.LastIndexByte(s.file, '/')+1:] }

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
	if err != nil || line < 1 || line > s.lines {
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
	return at + 1, len(word().FindString(text[at:]))
}

var word = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{L}\p{N}_$]*`) })

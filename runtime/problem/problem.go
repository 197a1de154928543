// Package problem is how wconf says that something is wrong: what, where, and
// what to do about it. Every error that a user can mend is a *Problem; it knows
// its place in a file, so that the command line can draw a caret under it.
//
// The package never prints and never logs; it only formats.
package problem

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Stable codes of problems. Logs, tests, metrics and `expect.error.code` of
// wconf test use them; their meaning never changes.
const (
	Config         = "config"          // a configuration file cannot be used
	UnknownKey     = "unknown-key"     // a configuration key that wconf does not know
	KeyMissing     = "key-missing"     // a template or guest asked for a key that is not there
	KeyDenied      = "key-denied"      // a guest asked for a key outside the resource's keys
	TemplateParse  = "template-parse"  // a template does not parse
	TemplateRender = "template-render" // a template failed while it ran
	GuestLoad      = "guest-load"      // a Wasm module is refused
	GuestFailed    = "guest-failed"    // a guest called fail, returned non-zero or trapped
	GuestDenied    = "guest-denied"    // a guest asked for a capability it was not granted
	GuestTimeout   = "guest-timeout"   // a guest used up its time
	GuestMemory    = "guest-memory"    // a guest used up its memory
	GuestFuel      = "guest-fuel"      // a guest used up its fuel
	FormatInvalid  = "format-invalid"  // the output is not valid output_format
	CheckFailed    = "check-failed"    // check_cmd or a check guest refused the new content
	Guarded        = "guarded"         // the guard expression refused the new content
	Condition      = "condition"       // reload_when or guard does not compile or failed while judging
	StageFailed    = "stage-failed"    // the new content could not be written beside its destination
	ReloadFailed   = "reload-failed"   // reload_cmd failed
	StoreDown      = "store-down"      // the key store cannot be reached
	Busy           = "busy"            // another wconf works on the same destination
)

// Problem is an error with a place and a hint. File, Line, Col, Len, Source and
// Hint are optional; Line and Col count from 1, Col and Len in bytes.
type Problem struct {
	Code   string
	File   string
	Line   int
	Col    int
	Len    int    // how many bytes the caret underlines; 0 means one
	Source string // the text of the line
	Msg    string
	Hint   string
	Err    error // the cause, for errors.Is and errors.As; not printed
}

// Place is "file:line:col", as much of it as is known.
func (p *Problem) Place() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Error is the problem on one line: place, message, hint in brackets.
func (p *Problem) Error() string {
	s := p.Msg
	if place := p.Place(); place != "" {
		s = place + ": " + s
	}
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

func (p *Problem) Unwrap() error { return p.Err }

// Detail is the problem as a terminal shows it: the line of the file with a
// caret below the place, and the hint behind the caret.
//
//	conf.d/nginx.toml:7:1: unknown key "reload_comand" in [template]
//	  7 | reload_comand = "nginx -s reload"
//	    | ^^^^^^^^^^^^^ did you mean "reload_cmd"?
func (p *Problem) Detail() string {
	var b strings.Builder
	if place := p.Place(); place != "" {
		b.WriteString(place + ": ")
	}
	b.WriteString(p.Msg)
	if p.Source == "" || p.Line == 0 {
		if p.Hint != "" {
			b.WriteString("\n  " + p.Hint)
		}
		return b.String()
	}
	const widest = 160
	src, col := strings.ToValidUTF8(p.Source, "\uFFFD"), min(max(p.Col, 1), len(p.Source)+1)
	if len(src) != len(p.Source) {
		col = min(col, len(src)+1)
	}
	if col > widest/2 && len(src) > widest { // a very long line: show the part around the place
		cut := col - widest/2
		for cut > 0 && !utf8.RuneStart(src[cut]) {
			cut--
		}
		src, col = "…"+src[cut:], col-cut+len("…")
	}
	if len(src) > widest {
		cut := widest
		for cut > 0 && !utf8.RuneStart(src[cut]) {
			cut--
		}
		src = src[:cut] + "…"
	}
	number := fmt.Sprint(p.Line)
	fmt.Fprintf(&b, "\n  %s | %s\n  %s | ", number, src, strings.Repeat(" ", len(number)))
	for _, r := range src[:min(col-1, len(src))] { // tabs stay tabs, so that the caret lines up
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	b.WriteString(strings.Repeat("^", max(1, min(p.Len, utf8.RuneCountInString(src[min(col-1, len(src)):])))))
	if p.Hint != "" {
		b.WriteString(" " + p.Hint)
	}
	return b.String()
}

// At says the place of a problem by its byte offset in the text of the file.
func (p *Problem) At(file, text string, offset int) *Problem {
	offset = min(max(offset, 0), len(text))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
		end = start + i
	}
	p.File = cmp.Or(file, p.File)
	p.Line = strings.Count(text[:start], "\n") + 1
	p.Col = offset - start + 1
	p.Source = strings.TrimSuffix(text[start:end], "\r")
	return p
}

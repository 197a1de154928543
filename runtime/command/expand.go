package command

import (
	"bytes"
	"strings"
)

// Expand replaces {{.src}} and {{.dest}} in a command for the shell. Only an
// action that is nothing but one of these fields counts, with any blanks in it;
// the trim marks of text/template ({{- .src -}}) take blanks around it away, as
// they did in confd. Every other brace stays. A path with unusual bytes is
// quoted so that the shell reads it as one word: in single quotes, or escaped
// where the action stands in quotes already.
func Expand(text, src, dest string) string { return expand(text, src, dest, quoted) }

// HasSrc says whether a command names the staged file.
func HasSrc(text string) bool {
	for i := range len(text) {
		if a, ok := actionAt(text[i:]); ok && a.field == "src" {
			return true
		}
	}
	return false
}

// HasSrc says whether the command names the staged file.
func (c Command) HasSrc() bool {
	for _, word := range c.Argv {
		if HasSrc(word) {
			return true
		}
	}
	return HasSrc(c.Shell)
}

const blanks = " \t\r\n"

// action is {{.field}} at the head of a text.
type action struct {
	field               string
	length              int
	trimLeft, trimRight bool
}

func actionAt(text string) (a action, ok bool) {
	rest, ok := strings.CutPrefix(text, "{{")
	if !ok {
		return a, false
	}
	if len(rest) > 1 && rest[0] == '-' && strings.IndexByte(blanks, rest[1]) >= 0 {
		a.trimLeft, rest = true, rest[1:]
	}
	rest = strings.TrimLeft(rest, blanks)
	for _, field := range []string{"src", "dest"} {
		if after, found := strings.CutPrefix(rest, "."+field); found {
			a.field, rest = field, after
			break
		}
	}
	tail := strings.TrimLeft(rest, blanks)
	if len(tail) < len(rest) && strings.HasPrefix(tail, "-}}") {
		a.trimRight, tail = true, tail[1:]
	}
	tail, closed := strings.CutPrefix(tail, "}}")
	a.length = len(text) - len(tail)
	return a, closed && a.field != ""
}

// expand replaces the actions of text; write gives a path's text, told what
// the shell has read so far.
func expand(text, src, dest string, write func(path string, before []byte) string) string {
	var out []byte
	fixed := 0 // up to here out is no text that a trim mark may take away
	for i := 0; i < len(text); {
		a, ok := actionAt(text[i:])
		if !ok {
			out = append(out, text[i])
			i++
			continue
		}
		if a.trimLeft {
			out = append(out[:fixed], bytes.TrimRight(out[fixed:], blanks)...)
		}
		path := src
		if a.field == "dest" {
			path = dest
		}
		out = append(out, write(path, out)...)
		fixed = len(out)
		if i += a.length; a.trimRight {
			i = len(text) - len(strings.TrimLeft(text[i:], blanks))
		}
	}
	return string(out)
}

func plain(path string, _ []byte) string { return path }

const usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-"

func quoted(path string, before []byte) string {
	if path != "" && strings.Trim(path, usual) == "" {
		return path
	}
	switch openQuote(before) {
	case '\'':
		return strings.ReplaceAll(path, "'", `'\''`)
	case '"':
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(path)
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// openQuote is the quote that is open at the end of a shell text, or 0.
func openQuote(text []byte) (open byte) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case open == '\'':
			if c == '\'' {
				open = 0
			}
		case c == '\\':
			i++
		case open == '"':
			if c == '"' {
				open = 0
			}
		case c == '\'' || c == '"':
			open = c
		}
	}
	return open
}

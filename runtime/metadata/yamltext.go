package metadata

import (
	"fmt"
	"strconv"
	"strings"
)

// plain writes text without quotes.
func (w *yamlWriter) plain(text string, fold bool) {
	w.indicator("", true, false, false)
	w.words(text, fold, w.put)
}

func (w *yamlWriter) singleQuoted(text string, fold bool) {
	w.indicator("'", true, false, false)
	w.words(text, fold, func(r rune) {
		if r == '\'' {
			w.put('\'')
		}
		w.put(r)
	})
	w.indicator("'", false, false, false)
}

// words writes text that may go on in the next line where a single space
// stands beyond the width.
func (w *yamlWriter) words(text string, fold bool, write func(rune)) {
	spaces := false
	for i, r := range text {
		inner := i > 0 && i < len(text)-1 && text[i+1] != ' '
		if r == ' ' && fold && !spaces && w.column > yamlWidth && inner {
			w.line()
		} else {
			write(r)
		}
		spaces = r == ' '
		w.whitespace, w.indention = false, false
	}
}

func (w *yamlWriter) doubleQuoted(text string, fold bool) {
	w.indicator("\"", true, false, false)
	spaces := false
	for i, r := range text {
		switch {
		case r == ' ' && fold && !spaces && w.column > yamlWidth && i > 0 && i < len(text)-1:
			w.line()
			if text[i+1] == ' ' {
				w.put('\\')
			}
		case r == '"' || r == '\\' || isSpecial(r) || r == '\n':
			w.puts(escape(r))
		default:
			w.put(r)
		}
		spaces = r == ' '
	}
	w.indicator("\"", false, false, false)
}

// escape is a character as double quotes hold it.
func escape(r rune) string {
	const names = "\x00" + `0` + "\a" + `a` + "\b" + `b` + "\t" + `t` + "\n" + `n` + "\v" + `v` + "\f" + `f` + "\r" + `r` +
		"\x1b" + `e` + `""\\` + "\u0085" + `N` + "\u2028" + `L` + "\u2029" + `P`
	for pairs := []rune(names); len(pairs) > 0; pairs = pairs[2:] {
		if pairs[0] == r {
			return `\` + string(pairs[1])
		}
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}

// literal writes lines below a bar, behind which stand a width where the text
// begins with a space or line, and what happens to the line breaks at its end.
func (w *yamlWriter) literal(text string) {
	w.indicator("|", true, false, false)
	if text[0] == ' ' || text[0] == '\n' {
		w.indicator(strconv.Itoa(yamlIndent), false, false, false)
	}
	switch {
	case !strings.HasSuffix(text, "\n"):
		w.indicator("-", false, false, false)
	case text == "\n" || strings.HasSuffix(text, "\n\n"):
		w.indicator("+", false, false, false)
	}
	w.put('\n')
	w.whitespace, w.indention = true, true
	for line := range strings.Lines(text) {
		if line != "\n" {
			w.line()
			w.indention = false
		}
		w.puts(line)
		w.indention = w.indention || strings.HasSuffix(line, "\n")
	}
}

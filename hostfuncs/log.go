package hostfuncs

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is one line of a guest's log, safe to print.
type Line struct {
	Level Level
	Text  string
}

// journal collects the lines of one Session, up to its limits.
type journal struct {
	lines   []Line
	bytes   int
	full    bool
	partial string // what stderr wrote after its last line feed
}

// Log adds a message, one line for each of its lines. What goes over the limits
// is dropped with one notice.
func (s *Session) Log(level Level, message string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(message, "\n"), "\n") {
		if s.logOne(level, line); s.log.full {
			return
		}
	}
}

// loggable is what of a message can matter: it goes over the limits as the whole
// does, and so no line of it is cut.
func (s *Session) loggable(message []byte) []byte {
	if s.log.full {
		return nil
	}
	return message[:min(len(message), s.Limits.LogBytes+s.Limits.LogLines+2)]
}

func (s *Session) logOne(level Level, line string) {
	j := &s.log
	if j.full {
		return
	}
	if len(j.lines) >= s.Limits.LogLines || len(line) > s.Limits.LogBytes-j.bytes {
		j.full = true
		j.lines = append(j.lines, Line{LevelWarn, "the guest logged more than wconf keeps; the rest is dropped"})
		return
	}
	j.bytes += len(line)
	j.lines = append(j.lines, Line{level, Printable(line)})
}

// Stderr adds what a guest writes to its standard error; a line is logged when
// its line feed comes.
func (s *Session) Stderr(p []byte) {
	j := &s.log
	if j.full {
		return
	}
	text := j.partial + string(p[:min(len(p), max(0, s.Limits.LogBytes-len(j.partial))+1)])
	for {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			break
		}
		s.logOne(LevelInfo, line)
		text = rest
	}
	if j.partial = text; len(text) > s.Limits.LogBytes {
		s.logOne(LevelInfo, text)
		j.partial = ""
	}
}

// Lines is everything that was logged so far, an unfinished line of stderr, too.
func (s *Session) Lines() []Line {
	if s.log.partial != "" {
		s.logOne(LevelInfo, s.log.partial)
		s.log.partial = ""
	}
	return s.log.lines
}

// shortened is a text, or the beginning of a long one with an ellipsis behind it.
func shortened(s []byte) string {
	if len(s) <= Longest {
		return string(s)
	}
	n := Longest
	for n > Longest-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return string(s[:n]) + "…"
}

// Printable escapes what would move a terminal's cursor or is not UTF-8.
func Printable(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r) || r == '\t':
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

package formats

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape is the text of a basic string of TOML, tolerant of what the decoder
// refuses.
func unescape(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); {
		text, n := escape(raw[i:])
		b.WriteString(text)
		i += n
	}
	return b.String()
}

// escape is the text that the first n bytes of raw stand for.
func escape(raw string) (text string, n int) {
	if raw[0] != '\\' || len(raw) == 1 {
		_, size := utf8.DecodeRuneInString(raw)
		return raw[:size], size
	}
	switch c := raw[1]; c {
	case 'b', 't', 'n', 'f', 'r', 'e', '"', '\\':
		return string("\b\t\n\f\r\x1b\"\\"[strings.IndexByte("btnfre\"\\", c)]), 2
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if len(raw) >= 2+digits {
			if r, err := strconv.ParseUint(raw[2:2+digits], 16, 32); err == nil {
				return string(rune(r)), 2 + digits
			}
		}
	case ' ', '\t', '\r', '\n': // the end of a line and what follows are left out
		rest := strings.TrimLeft(raw[1:], " \t\r\n")
		return "", len(raw) - len(rest)
	}
	return raw[:2], 2
}

package metadata

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// yamlStyle is how a scalar stands in YAML.
type yamlStyle int

const (
	plain yamlStyle = iota
	singleQuoted
	doubleQuoted
	literal
)

// scalarStyle is the text of a scalar and the style that brings it back.
func scalarStyle(value any) (string, yamlStyle) {
	switch v := value.(type) {
	case string:
		return v, textStyle(v)
	case float64:
		return yamlFloat(v), plain
	case nil:
		return "null", plain
	}
	return fmt.Sprint(value), plain
}

func yamlFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// textStyle chooses for a string: quotes where it would be taken for a number
// or a word, lines below a bar where it has lines, else as few quotes as it
// can do with.
func textStyle(s string) yamlStyle {
	switch {
	case looksOther(s):
		return doubleQuoted
	case strings.ContainsFunc(s, isSpecial) || strings.Contains(s, " \n"):
		return doubleQuoted
	case strings.Contains(s, "\n") && strings.HasSuffix(s, " "):
		return doubleQuoted
	case strings.Contains(s, "\n"):
		return literal
	case s != strings.Trim(s, " ") || hasIndicator(s):
		return singleQuoted
	}
	return plain
}

// isSpecial is true for characters that only double quotes can hold. The line
// feed is none.
func isSpecial(r rune) bool {
	switch {
	case r == '\n', ' ' <= r && r <= '~':
		return false
	case r == '\u2028', r == '\u2029', r == '\ufeff':
		return true
	}
	return r < 0xa0 || r > 0xfffd
}

// hasIndicator is true for text that begins with, or has, what means something
// in YAML.
func hasIndicator(s string) bool {
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") || strings.ContainsRune("#,[]{}&*!|>'\"%@`", rune(s[0])) {
		return true
	}
	if strings.ContainsRune("?-", rune(s[0])) && (len(s) == 1 || s[1] == ' ') {
		return true
	}
	return strings.HasSuffix(s, ":") || strings.Contains(s, ": ") || strings.Contains(s, " #")
}

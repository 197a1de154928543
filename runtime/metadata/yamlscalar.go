package metadata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// plainWords are the plain YAML scalars that are no text, as gopkg.in/yaml.v2
// of 2015 reads them: the booleans are those of YAML 1.1.
var plainWords = map[string]any{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true,
	"true": true, "True": true, "TRUE": true,
	"on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false,
	"false": false, "False": false, "FALSE": false,
	"off": false, "Off": false, "OFF": false,
	"": nil, "~": nil, "null": nil, "Null": nil, "NULL": nil,
	".nan": math.NaN(), ".NaN": math.NaN(), ".NAN": math.NaN(),
	".inf": math.Inf(1), ".Inf": math.Inf(1), ".INF": math.Inf(1),
	"+.inf": math.Inf(1), "+.Inf": math.Inf(1), "+.INF": math.Inf(1),
	"-.inf": math.Inf(-1), "-.Inf": math.Inf(-1), "-.INF": math.Inf(-1),
}

// plainValue is what an unquoted YAML scalar means: nil, bool, int64, uint64,
// float64 or string. Integers may be octal (010), hexadecimal (0x10) or binary
// (0b10), and numbers may have underscores. A date is a string.
func plainValue(text string) any {
	if value, isWord := plainWords[text]; isWord {
		return value
	}
	switch c := text[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	case c == '+' || c == '-' || '0' <= c && c <= '9':
		if number, ok := plainNumber(strings.ReplaceAll(text, "_", "")); ok {
			return number
		}
	}
	return text
}

func plainNumber(digits string) (any, bool) {
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return i, true
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return u, true
	}
	if f, err := strconv.ParseFloat(digits, 64); err == nil {
		return f, true
	}
	return nil, false
}

// base60 is a number like 1:30 in YAML 1.1. It is read as text but written in
// quotes, for readers that know it.
var base60 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`) })

// looksOther is true for text that a YAML reader would take for something else
// if it stood there without quotes.
func looksOther(text string) bool {
	_, isText := plainValue(text).(string)
	return !isText || base60().MatchString(text)
}

package formats

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// scalar is what confd makes of an unquoted YAML scalar, or nothing for null.
//
// Booleans and the numbers that YAML 1.1 knows are printed anew (0x1F is 31,
// 1.50 is 1.5); an exponent needs a sign to make a number, so 1e3 stays 1e3.
// Dates, yes, no, on, off and integers beyond 64 bits stay as written, where
// confd loses or changes them.
func scalar(s string) (string, bool) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return "", false
	case "true", "True", "TRUE":
		return "true", true
	case "false", "False", "FALSE":
		return "false", true
	case ".nan", ".NaN", ".NAN":
		return "NaN", true
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return "+Inf", true
	case "-.inf", "-.Inf", "-.INF":
		return "-Inf", true
	}
	if !strings.ContainsRune("+-.0123456789", rune(s[0])) {
		return s, true
	}
	return number(s), true
}

func number(s string) string {
	plain := strings.ReplaceAll(s, "_", "")
	if s[0] == '.' { // confd takes whatever Go reads as a float here
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return float(f)
		}
		return s
	}
	i, err := strconv.ParseInt(plain, 0, 64)
	if err == nil {
		return strconv.FormatInt(i, 10)
	}
	if errors.Is(err, strconv.ErrRange) || !yamlFloat().MatchString(plain) {
		return s
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil {
		return s
	}
	return float(f)
}

var yamlFloat = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-+]?[0-9]*\.?[0-9]+([eE][-+][0-9]+)?$`) })

// float prints the shortest decimal that reads back the same, never with an
// exponent.
func float(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

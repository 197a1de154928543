package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// Kind is what an option or a field takes.
type Kind string

const (
	Text     Kind = "text"
	Bool     Kind = "true or false"
	Number   Kind = "number"
	ID       Kind = "number of a user or group" // -1 is none, as in confd
	Duration Kind = "duration"                  // a number with a unit, such as "1m30s"
	Seconds  Kind = "seconds"                   // a duration, or a bare number of seconds
	List     Kind = "list of text"
	Size     Kind = "size" // bytes: a number, or text such as "8MiB"
	Mode     Kind = "file mode"
	Run      Kind = "command" // a string for the shell, or a list: a program and its arguments
	Table    Kind = "table"
)

// Command is a check_cmd or reload_cmd. The zero value is none.
type Command struct {
	Shell string   // for /bin/sh -c
	Argv  []string // or a program and its arguments
}

// IsZero tells whether there is no command.
func (c Command) IsZero() bool { return c.Shell == "" && len(c.Argv) == 0 }

// word is what a file must have for a kind, as formats.Doc.Kind says it.
func (k Kind) word() string {
	switch k {
	case Bool:
		return "a boolean"
	case Number, ID:
		return "an integer"
	case Duration, Mode:
		return "a string"
	case Seconds:
		return "an integer or a string"
	case Size:
		return "an integer or a string"
	case List:
		return "a list"
	case Run:
		return "a string or a list"
	case Table:
		return "a table"
	}
	return "a string"
}

// decode is the value at path of a file as a Go value of the kind: string,
// bool, int, time.Duration, []string, int64 (Size), fs.FileMode, Command or
// map[string]string.
func decode(doc *formats.Doc, k Kind, raw any, path ...string) (any, *problem.Problem) {
	if !strings.Contains(" or "+k.word()+" or ", " or "+doc.Kind(path...)+" or ") {
		if k == List && doc.Kind(path...) == "a string" {
			p := doc.Mismatch(k.word(), path...)
			p.Hint = fmt.Sprintf("write [%s]", doc.Raw(path...))
			return nil, p
		}
		return nil, doc.Mismatch(k.word(), path...)
	}
	switch v := raw.(type) {
	case string:
		if k == Run {
			return Command{Shell: v}, nil
		}
		value, err := parse(k, v)
		if err != nil {
			return nil, doc.ValueProblem(problem.Config, fmt.Sprintf("invalid %s %q: %v", path[len(path)-1], v, err), "", path...)
		}
		return value, nil
	case int64:
		return number(doc, k, v, path)
	case []any:
		list, p := texts(doc, v, path)
		if k == Run && p == nil {
			if len(list) == 0 || list[0] == "" {
				return nil, doc.ValueProblem(problem.Config, fmt.Sprintf("%q names no program", path[len(path)-1]), "", path...)
			}
			return Command{Argv: list}, nil
		}
		return list, p
	case map[string]any:
		return table(doc, v, path)
	}
	return raw, nil // a boolean
}

func number(doc *formats.Doc, k Kind, v int64, path []string) (any, *problem.Problem) {
	const most = 1 << 31
	if v < 0 && !(v == -1 && k == ID) || v > most && k != Size && k != ID {
		return nil, doc.ValueProblem(problem.Config, fmt.Sprintf("%q is out of range", path[len(path)-1]), "", path...)
	}
	switch k {
	case Seconds:
		return time.Duration(v) * time.Second, nil
	case Size:
		return v, nil
	}
	return int(v), nil
}

func texts(doc *formats.Doc, list []any, path []string) ([]string, *problem.Problem) {
	all := make([]string, 0, len(list))
	for i, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, doc.Mismatch("a string", append(slices.Clone(path), strconv.Itoa(i))...)
		}
		all = append(all, s)
	}
	return all, nil
}

// table reads a table of text; numbers, booleans and dates are taken as text.
func table(doc *formats.Doc, t map[string]any, path []string) (any, *problem.Problem) {
	all := make(map[string]string, len(t))
	for _, name := range doc.Names(path...) {
		at := append(slices.Clone(path), name)
		switch v := t[name].(type) {
		case string:
			all[name] = v
		case map[string]any, []any, []map[string]any:
			return nil, doc.Mismatch("a string", at...)
		default:
			all[name] = doc.Raw(at...)
		}
	}
	return all, nil
}

// parse reads the text of a value, from a file, a flag or the environment.
func parse(k Kind, s string) (any, error) {
	switch k {
	case Bool:
		return parseBool(s)
	case Number:
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 0 {
			return nil, fmt.Errorf("it takes a number that is not negative")
		}
		return n, nil
	case Seconds:
		if n, err := strconv.ParseInt(s, 10, 32); err == nil && n >= 0 {
			return time.Duration(n) * time.Second, nil
		}
		return parseDuration(s)
	case Duration:
		return parseDuration(s)
	case Size:
		return parseSize(s)
	case Mode:
		return parseMode(s)
	}
	return s, nil
}

func parseBool(s string) (any, error) {
	switch strings.ToLower(s) {
	case "1", "true", "yes", "on", "t", "y":
		return true, nil
	case "0", "false", "no", "off", "f", "n":
		return false, nil
	}
	return nil, fmt.Errorf("it takes true or false")
}

func parseDuration(s string) (any, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return nil, fmt.Errorf(`it takes a duration such as "500ms" or "1m30s"`)
	}
	return d, nil
}

// parseSize reads bytes with an optional unit; KB, K and KiB are all 1024, as
// people mean them.
func parseSize(s string) (any, error) {
	digits := strings.TrimRight(s, "KMGiBb ")
	unit := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(s[len(digits):]), "B"), "i")
	shift := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30}
	n, err := strconv.ParseInt(digits, 10, 64)
	bits, known := shift[unit]
	if err != nil || !known || n < 0 || n > 1<<40>>bits {
		return nil, fmt.Errorf(`it takes a size such as "8MiB" or "65536"`)
	}
	return n << bits, nil
}

// parseMode reads a file mode: a literal of Go as in confd ("0644", "0o644",
// "0x1a4"), and plain digits as octal, where confd takes them as decimal.
// Digits that can only be decimal are decimal. Only the nine permission bits
// are kept, as in confd.
func parseMode(s string) (any, error) {
	n, err := strconv.ParseUint(s, modeBase(s), 32)
	if err != nil {
		return nil, err.(*strconv.NumError).Err
	}
	return fs.FileMode(n & 0o777), nil
}

func modeBase(s string) int {
	if plainDigits(s) && s[0] != '0' && !strings.ContainsAny(s, "89") {
		return 8
	}
	return 0
}

func plainDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// modeWarning says where a mode means something else than it says.
func modeWarning(s string) string {
	n, err := strconv.ParseUint(s, modeBase(s), 32)
	switch {
	case err != nil:
		return ""
	case modeBase(s) == 8:
		return fmt.Sprintf("mode %q is taken as octal; confd takes it as decimal", s)
	case plainDigits(s) && s[0] != '0':
		return fmt.Sprintf("mode %q is decimal, octal %#o", s, n)
	case n > 0o777:
		return fmt.Sprintf("mode %q: only the permission bits %#o count", s, n&0o777)
	}
	return ""
}

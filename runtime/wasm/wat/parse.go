package wat

import (
	"strconv"
	"strings"
	"testing"
)

// node is an atom, a string or a list.
type node struct {
	atom   string
	quoted bool
	list   []node
	isList bool
}

func (n node) head() string {
	if !n.isList || len(n.list) == 0 {
		return ""
	}
	return n.list[0].atom
}

func parse(t testing.TB, text string) []node {
	stack := [][]node{nil}
	push := func(n node) { stack[len(stack)-1] = append(stack[len(stack)-1], n) }
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ';' && strings.HasPrefix(text[i:], ";;"):
			i += length(text[i:], "\n")
		case c == '(':
			stack = append(stack, nil)
			i++
		case c == ')':
			list := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			push(node{list: list, isList: true})
			i++
		case c == '"':
			s, n := quoted(t, text[i:])
			push(node{atom: s, quoted: true})
			i += n
		case c == ' ' || c == '\n' || c == '\t':
			i++
		default:
			n := length(text[i:], " \n\t();")
			push(node{atom: text[i : i+n]})
			i += n
		}
	}
	return stack[0]
}

// length is how far text goes before any of the stops.
func length(text, stops string) int {
	if n := strings.IndexAny(text, stops); n >= 0 {
		return n
	}
	return len(text)
}

// quoted reads a string with its escapes: \n \t \" \\ and two hex digits.
func quoted(t testing.TB, s string) (value string, length int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1
		case s[i] != '\\':
			b.WriteByte(s[i])
		default:
			i++
			if k := strings.IndexByte(`nt"\`, s[i]); k >= 0 {
				b.WriteByte("\n\t\"\\"[k])
				continue
			}
			v, err := strconv.ParseUint(s[i:i+2], 16, 8)
			if err != nil {
				t.Fatalf("wat: escape %q", s[i-1:i+2])
			}
			b.WriteByte(byte(v))
			i++
		}
	}
	t.Fatalf("wat: unfinished string")
	return "", 0
}

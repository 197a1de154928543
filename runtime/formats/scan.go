package formats

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// The limits of a TOML text. The decoder recurses for each bracket and is
// quadratic in the parts of a dotted key: 3 MB of `[` or 8 KB of `a.a.a` would
// stop the daemon.
const (
	maxNesting  = 64      // brackets and braces inside each other
	maxParts    = 32      // parts of one dotted key
	maxPathSize = 2048    // bytes of a key with all that it stands below
	maxPathSum  = 8 << 20 // and of all such keys together
)

// scanner finds the keys and values of a TOML text. It accepts more than TOML
// does; what it cannot read, no decoder can, and nothing behind that place is
// given to one.
type scanner struct {
	text    string
	pos     int
	depth   int
	path    int // bytes of the keys that the current value stands below
	sum     int
	limit   *problem.Problem
	stopped bool
}

// scan reads text to its end, or to the first place that cannot be TOML. With
// a root it notes there what it finds.
func scan(text string, root *node) (end int, limit *problem.Problem) {
	s := &scanner{text: text}
	table, header := root, 0
	for s.skip(true); s.pos < len(text) && !s.stopped; s.skip(true) {
		s.path = header
		if text[s.pos] == '[' {
			table, header = s.header(root)
		} else {
			s.keyValue(table)
		}
		s.endOfLine()
	}
	return s.pos, s.limit
}

func (s *scanner) stop() { s.stopped = true }

func (s *scanner) exceed(at span, format string, args ...any) {
	if s.limit == nil {
		s.limit = (&problem.Problem{Code: problem.Config, Msg: fmt.Sprintf(format, args...), Len: at.to - at.from}).At("", s.text, at.from)
	}
	s.stop()
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) rest() string { return s.text[s.pos:] }

// skip passes blanks and, with lines, line ends and comments.
func (s *scanner) skip(lines bool) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == ' ' || c == '\t' || c == '\r' || lines && c == '\n':
			s.pos++
		case lines && c == '#':
			s.comment()
		default:
			return
		}
	}
}

func (s *scanner) comment() {
	if i := strings.IndexByte(s.rest(), '\n'); i >= 0 {
		s.pos += i
	} else {
		s.pos = len(s.text)
	}
}

func (s *scanner) endOfLine() {
	if s.stopped {
		return
	}
	s.skip(false)
	if s.peek() == '#' {
		s.comment()
	}
	if s.pos < len(s.text) && s.text[s.pos] != '\n' {
		s.stop()
	}
}

// header reads [a.b] or [[a.b]] and returns the table that follows and the
// bytes of its path.
func (s *scanner) header(root *node) (*node, int) {
	tables := strings.HasPrefix(s.rest(), "[[")
	s.pos++
	if tables {
		s.pos++
	}
	parts := s.key(0)
	s.skip(false)
	closing := "]"
	if tables {
		closing = "]]"
	}
	if !strings.HasPrefix(s.rest(), closing) {
		s.stop()
		return nil, 0
	}
	s.pos += len(closing)
	size := 0
	for _, p := range parts {
		size += len(p.name) + 1
	}
	return open(root, parts, tables), size
}

// keyValue reads `key = value` into a table.
func (s *scanner) keyValue(table *node) {
	before := s.path
	parts := s.key(before)
	s.skip(false)
	if s.stopped || s.peek() != '=' {
		s.stop()
		return
	}
	s.pos++
	s.skip(false)
	for i, p := range parts {
		s.path += len(p.name) + 1
		known := table.child(p.name) != nil
		table = table.add(p.name, isTable, p.span)
		if table != nil && !known && i < len(parts)-1 {
			table.implied = true
		}
	}
	s.value(table)
	s.path = before
}

type part struct {
	name string
	span
}

// key reads a dotted key; path is what it stands below, in bytes.
func (s *scanner) key(path int) []part {
	var parts []part
	for !s.stopped {
		s.skip(false)
		p := s.part()
		if s.stopped {
			break
		}
		parts = append(parts, p)
		path += len(p.name) + 1
		s.sum += path
		switch at := (span{parts[0].from, s.pos}); {
		case len(parts) > maxParts:
			s.exceed(at, "a key of more than %d parts", maxParts)
		case path > maxPathSize || s.sum > maxPathSum+len(s.text):
			s.exceed(at, "keys longer than %d bytes, with what they stand below", maxPathSize)
		}
		s.skip(false)
		if s.peek() != '.' {
			break
		}
		s.pos++
	}
	return parts
}

func (s *scanner) part() part {
	from := s.pos
	if c := s.peek(); c == '"' || c == '\'' {
		s.quoted(c)
		if s.stopped {
			return part{}
		}
		raw := s.text[from+1 : s.pos-1]
		if c == '"' {
			raw = unescape(raw)
		}
		return part{raw, span{from, s.pos}}
	}
	n := strings.IndexAny(s.rest(), " \t\r\n.=[]{},\"'#")
	if n < 0 {
		n = len(s.rest())
	}
	if n == 0 {
		s.stop()
	}
	s.pos += n
	return part{s.text[from:s.pos], span{from, s.pos}}
}

// quoted passes a string on one line.
func (s *scanner) quoted(quote byte) {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == quote:
			s.pos++
			return
		case c == '\\' && quote == '"' && s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n':
			s.pos++
		case c == '\n':
			s.stop()
			return
		}
	}
	s.stop()
}

// quotedLines passes a string in three quotes; up to two more may belong to it.
func (s *scanner) quotedLines(quotes string) {
	for s.pos += 3; s.pos < len(s.text); s.pos++ {
		if s.text[s.pos] == '\\' && quotes[0] == '"' {
			s.pos++
			continue
		}
		if strings.HasPrefix(s.rest(), quotes) {
			s.pos += 3
			for more := 0; more < 2 && s.peek() == quotes[0]; more++ {
				s.pos++
			}
			return
		}
	}
	s.pos = len(s.text)
	s.stop()
}

// value reads what stands behind `=` or in a list, into n.
func (s *scanner) value(n *node) {
	if s.stopped {
		return
	}
	from, k := s.pos, isOther
	switch c := s.peek(); {
	case strings.HasPrefix(s.rest(), `"""`) || strings.HasPrefix(s.rest(), `'''`):
		s.quotedLines(s.text[s.pos : s.pos+3])
		k = isString
	case c == '"' || c == '\'':
		s.quoted(c)
		k = isString
	case c == '[':
		s.nested(n, ']', s.element)
		k = isArray
	case c == '{':
		s.nested(n, '}', func(n *node, _ int) { s.keyValue(n) })
		k = isTable
	default:
		s.bare()
	}
	if n != nil {
		n.kind, n.val = k, span{from, s.pos}
	}
}

func (s *scanner) bare() {
	n := strings.IndexAny(s.rest(), ",]}#\r\n")
	if n < 0 {
		n = len(s.rest())
	}
	word := strings.TrimRight(s.text[s.pos:s.pos+n], " \t")
	if word == "" {
		s.stop()
	}
	s.pos += len(word)
}

// nested reads a list or an inline table.
func (s *scanner) nested(n *node, end byte, item func(n *node, i int)) {
	if s.depth++; s.depth > maxNesting {
		s.exceed(span{s.pos, s.pos + 1}, "nested deeper than %d levels", maxNesting)
		return
	}
	defer func() { s.depth-- }()
	s.pos++
	for i := 0; ; i++ {
		s.skip(true)
		if s.peek() == end {
			s.pos++
			return
		}
		item(n, i)
		s.skip(true)
		if s.stopped || s.peek() != ',' && s.peek() != end {
			s.stop()
			return
		}
		if s.peek() == ',' {
			s.pos++
		}
	}
}

func (s *scanner) element(list *node, i int) {
	var n *node
	if list != nil {
		n = list.add(strconv.Itoa(i), isOther, span{s.pos, s.pos})
	}
	s.value(n)
	if n != nil {
		n.key = n.val
	}
}

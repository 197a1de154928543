package formats

import (
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// Position is the place of a key: line and column count from 1, column and
// length in bytes. All are 0 when the file does not have the path.
func (d *Doc) Position(path ...string) (line, col, length int) {
	if n := d.find(path); n != nil && len(path) > 0 {
		return d.place(n.key)
	}
	return 0, 0, 0
}

// ValuePosition is the place where the value's text begins: of a string the
// first byte behind the opening quotes. A table in its own right has none.
func (d *Doc) ValuePosition(path ...string) (line, col, length int) {
	n := d.find(path)
	if n == nil || n.val.to == 0 {
		return 0, 0, 0
	}
	return d.place(d.inner(n))
}

func (d *Doc) place(s span) (line, col, length int) {
	p := (&problem.Problem{}).At("", d.text, s.from)
	return p.Line, p.Col, s.to - s.from
}

// inner is the value without the quotes of a string, and without the line end
// that follows three opening ones.
func (d *Doc) inner(n *node) span {
	s := n.val
	if n.kind != isString {
		return s
	}
	raw := d.text[s.from:s.to]
	if len(raw) < 6 || raw[:3] != `"""` && raw[:3] != `'''` {
		return span{s.from + 1, s.to - 1}
	}
	s = span{s.from + 3, s.to - 3}
	body := d.text[s.from:s.to]
	return span{s.from + len(body) - len(strings.TrimPrefix(strings.TrimPrefix(body, "\r"), "\n")), s.to}
}

// Problem is a problem with the key at path, or the nearest table above that
// the file has.
func (d *Doc) Problem(code, msg, hint string, path ...string) *problem.Problem {
	p := &problem.Problem{Code: code, File: d.File, Msg: msg, Hint: hint}
	for n := len(path); n > 0; n-- {
		if at := d.find(path[:n]); at != nil {
			return d.at(p, at.key)
		}
	}
	return p
}

// ValueProblem is a problem with the value at path.
func (d *Doc) ValueProblem(code, msg, hint string, path ...string) *problem.Problem {
	n := d.find(path)
	if n == nil || n.val.to == 0 {
		return d.Problem(code, msg, hint, path...)
	}
	return d.at(&problem.Problem{Code: code, Msg: msg, Hint: hint}, n.val)
}

func (d *Doc) at(p *problem.Problem, s span) *problem.Problem {
	p.Len = s.to - s.from
	if i := strings.IndexByte(d.text[s.from:s.to], '\n'); i >= 0 {
		p.Len = i
	}
	return p.At(d.File, d.text, s.from)
}

// Inside gives the place of problems in the string at path: of a problem whose
// offset, and Len, count bytes of the decoded text, so a mistake in an
// expression is shown in the file that holds it, through escapes and over
// several lines. Elsewhere than in a string the place is that of the value.
func (d *Doc) Inside(path ...string) func(p *problem.Problem, offset int) {
	n := d.find(path)
	return func(p *problem.Problem, offset int) {
		switch {
		case n == nil:
			p.File = d.File
		case n.kind != isString:
			d.at(p, n.val)
		default:
			from, to := d.rawOffset(n, offset), d.rawOffset(n, offset+max(p.Len, 1))
			d.at(p, span{from, max(from, to)})
		}
	}
}

// rawOffset is the place in the file of a byte of a decoded string.
func (d *Doc) rawOffset(n *node, offset int) int {
	s := d.inner(n)
	if d.text[n.val.from] == '\'' {
		return min(s.from+max(offset, 0), s.to)
	}
	at := s.from
	for offset > 0 && at < s.to {
		text, size := escape(d.text[at:s.to])
		if len(text) > offset {
			break
		}
		offset -= len(text)
		at += size
	}
	for at < s.to && offset == 0 { // an escaped line end before the byte
		text, size := escape(d.text[at:s.to])
		if text != "" {
			break
		}
		at += size
	}
	return min(at, s.to)
}

// Raw is the text of the value at path, as the file writes it.
func (d *Doc) Raw(path ...string) string {
	if n := d.find(path); n != nil {
		return d.text[n.val.from:n.val.to]
	}
	return ""
}

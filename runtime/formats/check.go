package formats

import (
	"fmt"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// Check says whether text is a whole, well-formed document of the format, one
// of Names. The error is a *problem.Problem with code format-invalid, and line
// and column where the parser knows them. A rendered file holds the values of
// keys: the problem quotes neither the line nor any word of it. File is left
// to the caller.
func Check(format string, text []byte) error {
	var p *problem.Problem
	switch canonical(format) {
	case JSON:
		p = checkJSON(string(text))
	case YAML:
		p = checkYAML(string(text))
	case TOML:
		p = checkTOML(string(text))
	case XML:
		p = checkXML(string(text))
	default:
		p = &problem.Problem{
			Msg:  fmt.Sprintf("unknown format %q", format),
			Hint: "one of " + strings.Join(Names(), ", "),
		}
	}
	if p == nil {
		return nil
	}
	p.Code = problem.FormatInvalid
	return p
}

// invalid is a problem in data, at a byte offset of text.
func invalid(format, text string, offset int, msg string) *problem.Problem {
	p := (&problem.Problem{Code: problem.FormatInvalid, Msg: "not valid " + format + ": " + masked(msg)}).At("", text, offset)
	p.Source = ""
	return p
}

// masked is a parser's message without what it quotes of the text, which may
// be somebody's password. A lone quoted punctuation mark stays.
func masked(msg string) string {
	if i := strings.Index(msg, " is out of "); i >= 0 { // the one message that begins with a value
		msg = "a number" + msg[i:]
	}
	const open, end = "'\"`<&", "'\"`>;"
	from := strings.IndexAny(msg, open)
	if from < 0 {
		return msg
	}
	to := strings.LastIndexAny(msg, end) + 1
	if to <= from+1 { // nothing ends it
		return msg[:from] + "…"
	}
	if to == from+3 && strings.IndexByte("[]{}():,=.", msg[from+1]) >= 0 {
		return msg
	}
	return msg[:from] + "…" + msg[to:]
}

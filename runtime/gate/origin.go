package gate

import (
	"cmp"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"

	"github.com/wconf/wconf/runtime/problem"
)

// Within places problems of an expression that stands word for word in a file:
// start is the offset of its first byte in the file's text. (A TOML basic
// string with escapes does not stand there word for word; its reader brings an
// At of its own.)
func Within(file, text string, start int) func(p *problem.Problem, offset int) {
	return func(p *problem.Problem, offset int) { p.At(file, text, start+offset) }
}

// origin is the text of an expression and where it comes from.
type origin struct {
	name string
	text string
	at   func(*problem.Problem, int)
	// argument is the value that the text was made from, where no user wrote
	// the text itself.
	argument *origin
}

func newOrigin(text string, opts Options) *origin {
	return &origin{name: cmp.Or(opts.Name, "reload_when"), text: text, at: opts.At}
}

// problem says what is wrong at a place of the expression. expr counts places
// in runes, problems count them in bytes.
func (o *origin) problem(at file.Location, msg, hint string) *problem.Problem {
	if o.argument != nil {
		return o.argument.problem(file.Location{To: utf8.RuneCountInString(o.argument.text)}, msg, hint)
	}
	from, to := o.offset(at.From), o.offset(at.To)
	p := &problem.Problem{Code: problem.Condition, Msg: o.name + ": " + msg, Hint: hint, Len: max(0, to-from)}
	if o.at != nil {
		o.at(p, from)
		return p
	}
	return p.At("", o.text, from)
}

func (o *origin) offset(runes int) int {
	i := 0
	for ; runes > 0 && i < len(o.text); runes-- {
		_, size := utf8.DecodeRuneInString(o.text[i:])
		i += size
	}
	return i
}

// Package gate judges conditions: the expressions `reload_when` ("is this
// change worth a reload, and may it happen now?") and `guard` ("may this
// content be written at all?").
//
// The language is expr (github.com/expr-lang/expr) behind guard rails: a
// condition is type-checked when the configuration is loaded, sees nothing but
// the [Input] it is given, cannot do I/O, cannot loop for ever and cannot eat
// memory. The vocabulary is the list [Words]; docs/conditions.md is written
// from it by [Reference].
//
// The package never reads a clock, never starts a goroutine, never waits, and
// never puts the value of a key into an error.
package gate

import (
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// Limits of a condition. The first three are looked at when it is compiled, the
// others for each judgement.
const (
	MaxSource  = 2048 // bytes of one expression
	MaxNodes   = 300  // parts of one expression
	MaxPattern = 256  // bytes of a regular expression

	MaxSteps  = 100_000               // passes through the predicates of all, any, filter…
	MaxMemory = 10_000                // elements of lists that an expression builds
	MaxJoined = 64 << 10              // bytes of a text that + makes
	MaxText   = 16 << 20              // bytes of all texts that one evaluation makes
	Deadline  = 50 * time.Millisecond // of work for one judgement, looking ahead included
)

// Gate is a compiled condition. It never changes and may be judged by several
// goroutines at once. The zero value is always open.
type Gate struct {
	root     node // the whole condition
	rest     node // without min_reload_interval
	interval bool // there is a min_reload_interval
	leaves   []*leaf
	reads    Reads
}

// Options say where an expression comes from. The zero value is a
// `reload_when` whose problems are placed relative to its own text.
type Options struct {
	// Name is the configuration key that errors name, "reload_when" when empty.
	Name string
	// At places a problem that was found at a byte offset of the expression:
	// it sets File, Line, Col and Source. See Within for the usual one.
	At func(p *problem.Problem, offset int)
}

// Compile checks an expression and prepares it. An error is a *problem.Problem
// with the code problem.Condition; it has a place, and a hint where one helps.
func Compile(text string, opts Options) (*Gate, error) {
	g := &Gate{}
	root, err := g.add(newOrigin(text, opts))
	if err != nil {
		return nil, err
	}
	g.root = root
	return g, nil
}

package gate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/wconf/wconf/runtime/problem"
)

// leaf is a part of a condition without && || ! ?: around which it is split.
// Each has a program of its own, so that a leaf that does not move with the
// clock runs once per judgement, and `wconf why` can tell the leaves apart.
type leaf struct {
	*origin
	index   int
	text    string
	start   file.Location // of its first word
	slot    *ast.Node
	program *vm.Program
	words   []*Word // what the program needs in its environment
	timed   bool    // its value can change by itself
}

// add compiles one expression and appends its leaves to the gate.
func (g *Gate) add(o *origin) (node, error) {
	config := newConfig()
	tree, err := parse(o, config)
	if err != nil {
		return nil, err
	}
	v, err := vet(o, &tree.Node)
	if err != nil {
		return nil, err
	}
	first := len(g.leaves)
	root := g.split(o, &tree.Node)
	for _, replace := range v.constants {
		replace()
	}
	if err := check(o, tree, config); err != nil {
		return nil, err
	}
	if err := rewrite(v, &tree.Node); err != nil {
		return nil, err
	}
	for _, l := range g.leaves[first:] {
		if err := l.compile(tree.Source, config); err != nil {
			return nil, err
		}
	}
	g.reads.add(v)
	return root, nil
}

// newConfig is expr with wconf's words, with the allowed ones of expr's own
// functions, and without its optimizer: there is nothing to gain in
// expressions of this size.
func newConfig() *conf.Config {
	c := conf.CreateNew()
	expr.Env(environment(&judgement{in: &Input{}}, everyWord()))(c)
	expr.AsBool()(c)
	expr.WarnOnAny()(c)
	expr.MaxNodes(MaxNodes)(c)
	for _, f := range builtin.Builtins {
		if w := wordNamed(f.Name); w == nil || w.bind != nil {
			c.Disabled[f.Name] = true
			delete(c.Builtins, f.Name)
		}
	}
	return c
}

func parse(o *origin, config *conf.Config) (*parser.Tree, error) {
	if len(o.text) > MaxSource {
		return nil, o.problem(file.Location{}, fmt.Sprintf("the expression has %d bytes, the limit is %d", len(o.text), MaxSource), "")
	}
	if !utf8.ValidString(o.text) {
		return nil, o.problem(file.Location{}, "the expression is not valid UTF-8", "")
	}
	if strings.TrimSpace(o.text) == "" {
		return nil, o.problem(file.Location{}, "the expression is empty", "leave the key out, or write true")
	}
	tree, err := parser.ParseWithConfig(o.text, config)
	if err != nil {
		return nil, o.translate(err)
	}
	return tree, nil
}

func check(o *origin, tree *parser.Tree, config *conf.Config) error {
	if _, err := checker.Check(tree, config); err != nil {
		return o.translate(err)
	}
	return nil
}

func (l *leaf) compile(source file.Source, config *conf.Config) error {
	tree := &parser.Tree{Node: *l.slot, Source: source}
	if err := check(l.origin, tree, config); err != nil {
		return err
	}
	program, err := compiler.Compile(tree, config)
	if err != nil {
		return l.translate(err)
	}
	l.program = program
	l.words, l.timed = wordsOf(tree.Node)
	return nil
}

// translate turns an error of expr into a problem with a place and in words
// that do not need Go.
func (o *origin) translate(err error) *problem.Problem {
	var at file.Location
	msg := err.Error()
	var fe *file.Error
	if errors.As(err, &fe) {
		at, msg = fe.Location, fe.Message
	}
	msg = typeNames.Replace(strings.TrimSpace(strings.TrimPrefix(msg, "compilation failed: ")))
	msg = tokenName().ReplaceAllString(msg, "unexpected $1")
	switch {
	case strings.Contains(msg, "exceeds maximum allowed nodes"):
		return o.problem(file.Location{}, fmt.Sprintf("the expression has more than %d parts", MaxNodes), "")
	case strings.HasPrefix(msg, "expected bool, but got "):
		return o.problem(at, "the condition must be true or false, this is "+strings.TrimPrefix(msg, "expected bool, but got "), "compare it with something")
	case msg == `unexpected "="`:
		return o.problem(at, msg, "write == to compare")
	case strings.Contains(msg, "token EOF"):
		return o.problem(at, "the expression ends too early", "")
	case strings.Contains(msg, "duration") && strings.Contains(msg, "string"):
		return o.problem(at, msg, `write a duration as duration("5m")`)
	}
	return o.problem(at, msg, "")
}

var typeNames = strings.NewReplacer(
	"time.Duration", "duration", "time.Time", "time", "map[string]string", "map of texts", "[]string", "list of texts",
	"interface {}", "unknown", "[]unknown", "list", "float64", "number",
)

// tokenName is how expr shows what it did not expect: Operator("=").
var tokenName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`unexpected token \w+\((".*")\)`) })

// environment is what a program can see: the words it uses, bound to one
// judgement.
func environment(j *judgement, words []*Word) map[string]any {
	env := make(map[string]any, len(words))
	for _, w := range words {
		env[w.Name] = w.bind(j)
	}
	return env
}

// wordsOf lists the words, records and hidden helpers that a checked and
// rewritten expression needs, and whether one of them moves with the clock.
func wordsOf(n ast.Node) ([]*Word, bool) {
	c := &collector{seen: map[string]bool{}}
	ast.Walk(&n, c)
	return c.words, c.timed
}

type collector struct {
	seen  map[string]bool
	words []*Word
	timed bool
}

func (c *collector) Visit(slot *ast.Node) {
	id, ok := (*slot).(*ast.IdentifierNode)
	if !ok {
		return
	}
	w := boundNamed(id.Value) // nil for a let variable
	if w == nil || c.seen[w.Name] {
		return
	}
	c.seen[w.Name] = true
	c.words = append(c.words, w)
	c.timed = c.timed || w.timed
}

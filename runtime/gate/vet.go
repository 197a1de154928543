package gate

import (
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/file"

	"github.com/wconf/wconf/runtime/problem"
)

// vetter walks an expression before its types are known. It resolves names,
// refuses what expr allows and wconf does not, checks constants, and finds out
// how every part moves with the clock (see clock.go).
//
// Parts can be shared: in a < b < c the tree holds b twice, in a ?: b it holds
// a twice. Nested, that doubles the work of every later walk; so visits are
// counted, and it is this walk that stops a tree that would never end.
type vetter struct {
	*origin
	problems  []*problem.Problem // the first one is told
	visits    int
	lets      []variable
	used      map[string]bool         // words that the expression reads
	compared  map[*ast.BinaryNode]int // comparisons that turn with the clock, and how fast
	patterns  map[*ast.BinaryNode]*pattern
	constants []func()                   // replace literals by checked constants
	literals  map[string][]literalString // what lint wants to know
}

type variable struct {
	name  string
	slope slope
}

type literalString struct {
	text string
	at   file.Location
}

// maxVisits leaves room for chains like 1 < x < 5 in an expression of MaxNodes.
const maxVisits = 4 * MaxNodes

func vet(o *origin, root *ast.Node) (*vetter, error) {
	v := &vetter{
		origin:   o,
		used:     map[string]bool{},
		compared: map[*ast.BinaryNode]int{},
		patterns: map[*ast.BinaryNode]*pattern{},
		literals: map[string][]literalString{},
	}
	v.still(root)
	if len(v.problems) > 0 {
		return nil, v.problems[0]
	}
	return v, nil
}

func (v *vetter) refuse(n ast.Node, msg, hint string) slope {
	v.problems = append(v.problems, v.problem(n.Location(), msg, hint))
	return 0
}

// visit vets a part and says how it moves with the clock.
func (v *vetter) visit(slot *ast.Node) slope {
	if v.visits++; v.visits > maxVisits || len(v.problems) > 0 {
		if len(v.problems) == 0 {
			v.refuse(*slot, "the expression is too complex", "write a < b && b < c for a < b < c")
		}
		return 0
	}
	switch n := (*slot).(type) {
	case *ast.IdentifierNode:
		return v.identifier(n)
	case *ast.MemberNode:
		return v.member(n)
	case *ast.UnaryNode:
		return v.unary(n)
	case *ast.BinaryNode:
		return v.binary(n)
	case *ast.ConditionalNode:
		return v.conditional(n)
	case *ast.VariableDeclaratorNode:
		return v.let(n)
	case *ast.ChainNode:
		return v.visit(&n.Node)
	case *ast.CallNode:
		v.call(n)
	case *ast.BuiltinNode:
		v.builtin(n)
	case *ast.SequenceNode:
		v.refuse(n, "the value before ; is thrown away", "join conditions with && or ||")
	case *ast.PredicateNode:
		v.still(&n.Node)
	case *ast.SliceNode:
		v.still(&n.Node)
		v.stillIfAny(&n.From)
		v.stillIfAny(&n.To)
	case *ast.ArrayNode:
		v.allStill(n.Nodes)
	case *ast.MapNode:
		v.allStill(n.Pairs)
	case *ast.PairNode:
		v.still(&n.Key)
		v.still(&n.Value)
	}
	return 0 // literals and #
}

func (v *vetter) allStill(parts []ast.Node) {
	for i := range parts {
		v.still(&parts[i])
	}
}

func (v *vetter) stillIfAny(slot *ast.Node) {
	if *slot != nil {
		v.still(slot)
	}
}

// identifier is a plain name: a word without fields, or a let variable.
func (v *vetter) identifier(n *ast.IdentifierNode) slope {
	if i := v.variable(n.Value); i >= 0 {
		return v.lets[i].slope
	}
	w := wordNamed(n.Value)
	switch {
	case isRecord(n.Value):
		return v.refuse(n, n.Value+" is a group of values", "write "+fieldsOf(n.Value)[0])
	case w == nil:
		return v.unknown(n, n.Value)
	case w.isFunction():
		return v.refuse(n, n.Value+" is a function", "write "+w.usage())
	}
	v.used[w.Name] = true
	return slope(w.slope)
}

func (v *vetter) variable(name string) int {
	for i := len(v.lets) - 1; i >= 0; i-- {
		if v.lets[i].name == name {
			return i
		}
	}
	return -1
}

// member is last.age, new["/key"], changed[0] or labels.host.
func (v *vetter) member(n *ast.MemberNode) slope {
	id, named := n.Node.(*ast.IdentifierNode)
	field, literal := n.Property.(*ast.StringNode)
	if named && isRecord(id.Value) && v.variable(id.Value) < 0 {
		if !literal {
			return v.refuse(n, "the fields of "+id.Value+" are written with a dot", "write "+fieldsOf(id.Value)[0])
		}
		return v.field(n, id.Value+"."+field.Value)
	}
	v.still(&n.Node)
	v.still(&n.Property)
	if named && literal {
		v.literals[id.Value] = append(v.literals[id.Value], literalString{field.Value, field.Location()})
	}
	return 0
}

func (v *vetter) field(n *ast.MemberNode, name string) slope {
	w := wordNamed(name)
	if w == nil {
		at := n.Node.Location()
		at.To = max(at.To, n.Property.Location().To)
		v.problems = append(v.problems, v.problem(at, "unknown name "+name, nearest(name, fieldsOf(name))))
		return 0
	}
	v.used[name] = true
	return slope(w.slope)
}

func (v *vetter) let(n *ast.VariableDeclaratorNode) slope {
	if wordNamed(n.Name) != nil || isRecord(n.Name) {
		return v.refuse(n, n.Name+" has a meaning already", "choose another name for the variable")
	}
	s := v.visit(&n.Value)
	v.lets = append(v.lets, variable{n.Name, s})
	defer func() { v.lets = v.lets[:len(v.lets)-1] }()
	return v.visit(&n.Expr)
}

// call is the call of one of wconf's functions.
func (v *vetter) call(n *ast.CallNode) {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		v.refuse(n, "only functions can be called, not methods", "for hours and days there is window(\"Mon-Fri 02:00-04:30\")")
		return
	}
	w := wordNamed(id.Value)
	switch {
	case w == nil && isRecord(id.Value):
		v.refuse(id, id.Value+" is not a function", "write "+fieldsOf(id.Value)[0])
	case w == nil:
		v.unknown(id, id.Value)
	case !w.isFunction():
		v.refuse(id, id.Value+" is not a function", "write "+id.Value+" without parentheses")
	default:
		v.used[w.Name] = true
		v.allStill(n.Arguments)
		v.arguments(n, w.Name, n.Arguments)
	}
}

// builtin is the call of one of expr's own functions.
func (v *vetter) builtin(n *ast.BuiltinNode) {
	w := wordNamed(n.Name)
	if w == nil {
		v.unknown(n, n.Name)
		return
	}
	v.used[w.Name] = true
	v.allStill(n.Arguments)
	v.arguments(n, n.Name, n.Arguments)
}

// unknown says that a name has no meaning, and what was probably meant.
func (v *vetter) unknown(n ast.Node, name string) slope {
	switch {
	case name == "peers":
		return v.refuse(n, "peers is not available: wconf has no source for the state of other hosts", "")
	case name == "$env":
		return v.refuse(n, "$env is not available in conditions", "")
	case builtin.Index[name] > 0:
		return v.refuse(n, name+"() is not available in conditions", "")
	}
	candidates := Names()
	for _, r := range records {
		candidates = append(candidates, r.Name)
	}
	for _, l := range v.lets {
		candidates = append(candidates, l.name)
	}
	return v.refuse(n, "unknown name "+name, nearest(name, candidates))
}

// nearest is problem.DidYouMean; among the fields of a record it looks at the
// field's name alone.
func nearest(name string, candidates []string) string {
	record, field, dotted := strings.Cut(name, ".")
	if !dotted {
		return problem.DidYouMean(name, candidates)
	}
	fields := make([]string, len(candidates))
	for i, c := range candidates {
		fields[i] = strings.TrimPrefix(c, record+".")
	}
	if n := problem.Nearest(field, fields); n != "" {
		return `did you mean "` + record + "." + n + `"?`
	}
	return "one of " + strings.Join(candidates, ", ")
}

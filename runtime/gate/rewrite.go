package gate

import (
	"reflect"
	"time"

	"github.com/expr-lang/expr/ast"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	stringType   = reflect.TypeFor[string]()
)

// rewriter puts guard rails into an expression whose types are known: what expr
// would do without limit becomes a call of a helper that has one. It works from
// the inside out.
type rewriter struct {
	*vetter
	counted map[*ast.PredicateNode]bool // a part can be shared, see vetter
}

func rewrite(v *vetter, root *ast.Node) error {
	r := &rewriter{vetter: v, counted: map[*ast.PredicateNode]bool{}}
	ast.Walk(root, r)
	if len(v.problems) > 0 {
		return v.problems[0]
	}
	return nil
}

func (r *rewriter) Visit(slot *ast.Node) {
	switch n := (*slot).(type) {
	case *ast.BinaryNode:
		r.rewriteBinary(slot, n)
	case *ast.BuiltinNode:
		r.checkBuiltin(n)
	case *ast.PredicateNode:
		r.count(n)
	}
}

func (r *rewriter) rewriteBinary(slot *ast.Node, n *ast.BinaryNode) {
	if k, ok := r.compared[n]; ok {
		r.compareWithClock(slot, n, k)
		return
	}
	switch n.Operator {
	case "matches":
		r.call(slot, "__matches", n.Left, &ast.ConstantNode{Value: r.patterns[n]})
	case "+":
		r.join(slot, n)
	}
}

// compareWithClock makes a comparison that turns with the clock say when.
func (r *rewriter) compareWithClock(slot *ast.Node, n *ast.BinaryNode, k int) {
	helper := ""
	switch left, right := n.Left.Type(), n.Right.Type(); {
	case left == durationType && right == durationType:
		helper = "__compareDurations"
	case left == timeType && right == timeType:
		helper = "__compareTimes"
	default:
		r.refuse(n, "wconf cannot tell when this comparison turns", "compare a duration with a duration, or a time with a time")
		return
	}
	r.call(slot, helper, &ast.StringNode{Value: n.Operator}, &ast.IntegerNode{Value: k}, n.Left, n.Right)
}

// join limits what + makes of texts; expr's memory budget does not count them.
func (r *rewriter) join(slot *ast.Node, n *ast.BinaryNode) {
	left, right := n.Left.Type(), n.Right.Type()
	if left == stringType && right == stringType {
		r.call(slot, "__join", n.Left, n.Right)
		(*slot).SetType(stringType)
		return
	}
	if isAny(left) || isAny(right) {
		r.refuse(n, "+ must know whether it adds or joins", "wrap the values: string(x), int(x) or float(x)")
	}
}

// checkBuiltin refuses what expr finds out too late, or pays for too dearly.
func (r *rewriter) checkBuiltin(n *ast.BuiltinNode) {
	for _, a := range n.Arguments {
		t := a.Type()
		switch {
		case n.Name == "string" && !isScalar(t):
			r.refuse(a, "string() takes a single value that is known to be one", "look at its parts instead")
		case (n.Name == "min" || n.Name == "max") && (t == durationType || t == timeType):
			r.refuse(a, n.Name+"() takes numbers", "compare durations and times with < and >")
		}
	}
}

// count makes every pass through a predicate cost a step and look at the
// deadline, which the VM never does.
func (r *rewriter) count(n *ast.PredicateNode) {
	if r.counted[n] {
		return
	}
	r.counted[n] = true
	var step ast.Node = &ast.NilNode{}
	step.SetLocation(n.Location())
	r.call(&step, "__step")
	sequence := &ast.SequenceNode{Nodes: []ast.Node{step, n.Node}}
	sequence.SetLocation(n.Location())
	n.Node = sequence
}

// call puts the call of a hidden helper in the place of a part.
func (r *rewriter) call(slot *ast.Node, helper string, args ...ast.Node) {
	at := (*slot).Location()
	callee := &ast.IdentifierNode{Value: helper}
	callee.SetLocation(at)
	ast.Patch(slot, &ast.CallNode{Callee: callee, Arguments: args})
}

func isAny(t reflect.Type) bool { return t == nil || t.Kind() == reflect.Interface }

func isScalar(t reflect.Type) bool {
	switch {
	case t == nil:
		return false
	case t == timeType:
		return true
	}
	return t.Kind() == reflect.String || t.Kind() == reflect.Bool || reflect.Int <= t.Kind() && t.Kind() <= reflect.Float64
}

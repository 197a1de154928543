package gate

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// node is a condition split at && || ! ?: into its leaves.
type node interface {
	// eval is the value of the condition; like the language, it looks at no
	// more leaves than it must.
	eval(j *judgement) (bool, error)
}

type (
	both   struct{ left, right node }
	either struct{ left, right node }
	not    struct{ node }
	choice struct{ cond, yes, no node }
)

// split makes the tree of an expression and notes its leaves. The leaves hold
// places in the syntax tree, not its parts: parts are replaced later.
func (g *Gate) split(o *origin, slot *ast.Node) node {
	switch n := (*slot).(type) {
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and":
			return both{g.split(o, &n.Left), g.split(o, &n.Right)}
		case "||", "or":
			return either{g.split(o, &n.Left), g.split(o, &n.Right)}
		}
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			return not{g.split(o, &n.Node)}
		}
	case *ast.ConditionalNode:
		return choice{g.split(o, &n.Cond), g.split(o, &n.Exp1), g.split(o, &n.Exp2)}
	}
	l := &leaf{origin: o, index: len(g.leaves), text: (*slot).String(), start: startOf(slot), slot: slot}
	g.leaves = append(g.leaves, l)
	return l
}

func (n both) eval(j *judgement) (bool, error) {
	if left, err := n.left.eval(j); err != nil || !left {
		return false, err
	}
	return n.right.eval(j)
}

func (n either) eval(j *judgement) (bool, error) {
	if left, err := n.left.eval(j); err != nil || left {
		return left, err
	}
	return n.right.eval(j)
}

func (n not) eval(j *judgement) (bool, error) {
	v, err := n.node.eval(j)
	return !v && err == nil, err
}

func (n choice) eval(j *judgement) (bool, error) {
	cond, err := n.cond.eval(j)
	if err != nil {
		return false, err
	}
	if cond {
		return n.yes.eval(j)
	}
	return n.no.eval(j)
}

// startOf is the place of a part's first word; its own place is that of its
// operator.
func startOf(slot *ast.Node) file.Location {
	f := &firstPlace{at: (*slot).Location()}
	ast.Walk(slot, f)
	return f.at
}

type firstPlace struct{ at file.Location }

func (f *firstPlace) Visit(slot *ast.Node) {
	at := (*slot).Location()
	if at.To > at.From && at.From < f.at.From { // expr leaves if … else without a place
		f.at = at
	}
}

func (l *leaf) eval(j *judgement) (bool, error) {
	if j.reached != nil {
		j.reached(l)
	}
	if v, known := j.known(l); known {
		return v, nil
	}
	v, err := j.run(l)
	if err == nil {
		j.learn(l, v)
	}
	return v, err
}

package gate

import (
	"math"
	"time"

	"github.com/expr-lang/expr/ast"
)

// How a false condition learns when it will be true. Three things in a
// condition change by themselves: the answers of the time functions (every,
// settled, waited, window, reloads), and comparisons of now, last.age,
// pending.age and pending.idle. Each says, whenever it is asked, when its answer
// will be another one. Between two such instants nothing moves, so looking at
// these instants alone, one after the other, finds the exact time (judge.go).
//
// For a comparison that works as long as its two sides move evenly. So the
// moving values can be added, subtracted, multiplied by a literal integer,
// named with let and compared, and nothing else: abs(last.age - …) is refused
// when the condition is compiled, because nobody could say when to look again.

// slope says how many nanoseconds a value gains per nanosecond of time: 1 for
// now and last.age, -1 for duration("1h") - last.age, 0 for all that stands.
type slope int

// still vets a part that must not move by itself.
func (v *vetter) still(slot *ast.Node) {
	if s := v.visit(slot); s != 0 {
		v.refuse(*slot, "a value that moves with the clock can only be compared here",
			`compare it with a duration or a time: last.age > duration("5m")`)
	}
}

func (v *vetter) unary(n *ast.UnaryNode) slope {
	switch n.Operator {
	case "-":
		return -v.visit(&n.Node)
	case "+":
		return v.visit(&n.Node)
	}
	v.still(&n.Node)
	return 0
}

func (v *vetter) binary(n *ast.BinaryNode) slope {
	switch n.Operator {
	case "+":
		return v.visit(&n.Left) + v.visit(&n.Right)
	case "-":
		return v.visit(&n.Left) - v.visit(&n.Right)
	case "*":
		return v.times(n)
	case "<", "<=", ">", ">=", "==", "!=":
		if s := v.visit(&n.Left) - v.visit(&n.Right); s != 0 {
			v.compared[n] = int(s)
		}
		return 0
	case "..":
		return v.refuse(n, "ranges are not available in conditions", "")
	}
	v.still(&n.Left)
	v.still(&n.Right)
	if n.Operator == "matches" {
		v.matches(n)
	}
	return 0
}

// times allows a moving value only a literal integer as its factor.
func (v *vetter) times(n *ast.BinaryNode) slope {
	left, right := v.visit(&n.Left), v.visit(&n.Right)
	if left == 0 && right == 0 {
		return 0
	}
	const most = 1 << 20 // a product of slopes stays far from an overflow
	if k, ok := literalInt(n.Right); ok && max(k, -k) < most && max(left, -left) < most {
		return left * slope(k)
	}
	if k, ok := literalInt(n.Left); ok && max(k, -k) < most && max(right, -right) < most {
		return right * slope(k)
	}
	return v.refuse(n, "a value that moves with the clock can only be multiplied by a whole number",
		`multiply the other side: last.age > duration("30s") * last.failures`)
}

func literalInt(n ast.Node) (int, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.UnaryNode:
		k, ok := literalInt(n.Node)
		if n.Operator == "-" {
			k = -k
		}
		return k, ok
	}
	return 0, false
}

func (v *vetter) conditional(n *ast.ConditionalNode) slope {
	v.still(&n.Cond)
	s := v.visit(&n.Exp1)
	if t := v.visit(&n.Exp2); t != s {
		return v.refuse(n.Exp2, "one side of ?: moves with the clock, the other does not", "compare first, then choose")
	}
	return s
}

// compareTimes and compareDurations stand in for comparisons that turn with
// the clock. k is the slope of left minus right.
func (j *judgement) compareTimes(op string, k int, left, right time.Time) bool {
	return j.compare(op, k, left.Compare(right), left.Sub(right))
}

func (j *judgement) compareDurations(op string, k int, left, right time.Duration) bool {
	order := 0
	switch {
	case left < right:
		order = -1
	case left > right:
		order = 1
	}
	return j.compare(op, k, order, saturatingSub(left, right))
}

func (j *judgement) compare(op string, k, order int, distance time.Duration) bool {
	j.turns(k, order, distance)
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "==":
		return order == 0
	}
	return order != 0
}

// turns notes when the order of the two sides changes next: they meet, or
// having met, part a nanosecond later.
func (j *judgement) turns(k, order int, distance time.Duration) {
	if order == 0 {
		j.changesAt(j.now.Add(1), once)
		return
	}
	if (order > 0) == (k > 0) {
		return // they move apart
	}
	d, step := max(distance, -distance), time.Duration(max(k, -k))
	if d > farAway || d < 0 {
		return
	}
	j.changesAt(j.now.Add((d+step-1)/step), once)
}

// farAway is where the arithmetic of durations comes near its end. Nobody waits
// for it.
const farAway = 100 * 365 * 24 * time.Hour

func saturatingSub(a, b time.Duration) time.Duration {
	d := a - b
	switch {
	case b > 0 && d > a:
		return math.MinInt64
	case b < 0 && d < a:
		return math.MaxInt64
	}
	return d
}

package gotmpl

import (
	"text/template/parse"
)

// tick is a place of a template that costs a step to pass.
type tick struct {
	offset int
	leave  bool // the end of a template, where enter is its begin
	levels int  // of Go's stack that the template takes, 0 for a round of a range
}

// ticks are compiled into a template as empty pieces of text. text/template
// hands each text to the writer, also an empty one: that costs a tenth of the
// call of a function, and changes no position. The capacity of the empty text
// says which tick it is; all of them share the memory of yard.
type ticks struct {
	places []tick
	yard   []byte
}

// node is the tick with a number.
func (t *ticks) node(number int) *parse.TextNode {
	return &parse.TextNode{NodeType: parse.NodeText, Pos: parse.Pos(t.places[number].offset), Text: t.yard[: 0 : number+1]}
}

// number tells which tick an empty text is, if it is one.
func (t *ticks) number(text []byte) (int, bool) {
	if c := cap(text); c > 0 && c <= len(t.yard) && &text[:1][0] == &t.yard[0] {
		return c - 1, true
	}
	return 0, false
}

// nodesPerStep is how many nodes of a template one step pays for. A longer
// body costs more of them.
const nodesPerStep = 64

// addTicks puts ticks at the head of every range's body and at both ends of
// every template, and notes what the templates call.
func (f *file) addTicks() {
	body := &walker{file: f}
	for _, name := range f.templateNames() {
		body.template(f.trees[name].Root)
	}
	f.ticks.yard = make([]byte, len(f.ticks.places))
	for _, put := range body.later {
		put()
	}
}

// walker goes once through the trees of a file.
type walker struct {
	file  *file
	level int // of controls around, a range counting for more
	depth int // the deepest level so far
	later []func()
}

func (w *walker) template(root *parse.ListNode) {
	w.level, w.depth = 0, 0
	weight := w.list(root)
	enter := w.place(tick{offset: int(root.Pos), levels: 1 + w.depth})
	leave := w.place(tick{offset: int(root.Pos), leave: true, levels: 1 + w.depth})
	w.putAtHead(root, enter, 0)
	w.steps(root, int(root.Pos), weight/nodesPerStep)
	w.later = append(w.later, func() { root.Nodes = append(root.Nodes, w.file.ticks.node(leave)) })
}

func (w *walker) place(t tick) int {
	w.file.ticks.places = append(w.file.ticks.places, t)
	return len(w.file.ticks.places) - 1
}

func (w *walker) putAtHead(l *parse.ListNode, number, more int) {
	w.later = append(w.later, func() {
		head := make([]parse.Node, 0, len(l.Nodes)+1+more)
		for range 1 + more {
			head = append(head, w.file.ticks.node(number))
		}
		l.Nodes = append(head, l.Nodes...)
	})
}

// steps puts n steps at the head of a list.
func (w *walker) steps(l *parse.ListNode, offset, n int) {
	if n > 0 {
		w.putAtHead(l, w.place(tick{offset: offset}), n-1)
	}
}

// list is the weight of a list: the nodes that one pass over it can evaluate.
func (w *walker) list(l *parse.ListNode) int {
	if l == nil {
		return 0
	}
	w.level++
	w.depth = max(w.depth, w.level)
	weight := 0
	for _, n := range l.Nodes {
		weight += w.node(n)
	}
	w.level--
	return weight
}

func (w *walker) node(n parse.Node) int {
	switch n := n.(type) {
	case *parse.ActionNode:
		return 1 + w.pipe(n.Pipe)
	case *parse.IfNode:
		return 1 + w.pipe(n.Pipe) + w.list(n.List) + w.list(n.ElseList)
	case *parse.WithNode:
		return 1 + w.pipe(n.Pipe) + w.list(n.List) + w.list(n.ElseList)
	case *parse.RangeNode:
		w.level += levelsPerRange
		w.steps(n.List, int(n.Pos), 1+w.list(n.List)/nodesPerStep)
		w.level -= levelsPerRange
		return 1 + w.pipe(n.Pipe) + w.list(n.ElseList)
	case *parse.TemplateNode:
		return 1 + w.pipe(n.Pipe)
	}
	return 1
}

func (w *walker) pipe(p *parse.PipeNode) int {
	if p == nil {
		return 0
	}
	weight := 0
	for _, c := range p.Cmds {
		w.includes(c)
		for _, a := range c.Args {
			weight += 1 + w.argument(a)
		}
	}
	w.guard(p)
	return weight
}

func (w *walker) argument(a parse.Node) int {
	switch a := a.(type) {
	case *parse.IdentifierNode:
		w.file.called[a.Ident] = struct{}{}
	case *parse.PipeNode:
		return w.pipe(a)
	case *parse.ChainNode:
		return len(a.Field) + w.argument(a.Node)
	case *parse.FieldNode:
		return len(a.Ident)
	case *parse.VariableNode:
		return len(a.Ident)
	}
	return 0
}

// includes notes the literal name of an include.
func (w *walker) includes(c *parse.CommandNode) {
	if f, ok := c.Args[0].(*parse.IdentifierNode); ok && f.Ident == "include" && len(c.Args) > 1 {
		if name, ok := c.Args[1].(*parse.StringNode); ok {
			w.file.includes = append(w.file.includes, name.Text)
		}
	}
}

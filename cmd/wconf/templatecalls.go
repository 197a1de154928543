package main

import (
	"text/template/parse"
)

// templateCall is a call of a function in a template.
type templateCall struct {
	name   string
	args   []parse.Node // a value that is piped into it is the last one
	offset int          // of the name, in bytes

	// pairs tells that the last argument is what gets found, as confd's
	// reverse does not see it.
	pairs bool
}

// templateCalls is every call of a template, inner ones first. A text that
// does not parse has none.
func templateCalls(text string) []templateCall {
	t := parse.New("")
	t.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := t.Parse(text, "", "", trees); err != nil {
		return nil
	}
	f := callFinder{pairs: map[string]bool{}}
	for _, tree := range trees {
		if tree.Root != nil {
			f.list(tree.Root)
		}
	}
	return f.calls
}

type callFinder struct {
	calls []templateCall
	pairs map[string]bool // variables that hold what gets found
}

func (f *callFinder) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		f.node(n)
	}
}

func (f *callFinder) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ActionNode:
		f.pipe(n.Pipe)
	case *parse.IfNode:
		f.branch(&n.BranchNode)
	case *parse.RangeNode:
		f.branch(&n.BranchNode)
	case *parse.WithNode:
		f.branch(&n.BranchNode)
	case *parse.TemplateNode:
		f.pipe(n.Pipe)
	case *parse.PipeNode:
		f.pipe(n)
	case *parse.ChainNode:
		f.node(n.Node)
	}
}

func (f *callFinder) branch(b *parse.BranchNode) {
	f.pipe(b.Pipe)
	f.list(b.List)
	f.list(b.ElseList)
}

func (f *callFinder) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	var before parse.Node
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			f.node(arg)
		}
		f.command(c, before)
		before = c
	}
	for _, variable := range p.Decl {
		f.pairs[variable.Ident[0]] = f.isPairs(p)
	}
}

func (f *callFinder) command(c *parse.CommandNode, piped parse.Node) {
	if len(c.Args) == 0 {
		return
	}
	name, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return
	}
	call := templateCall{name: name.Ident, args: c.Args[1:], offset: int(name.Position())}
	if piped != nil {
		call.args = append(call.args[:len(call.args):len(call.args)], piped)
	}
	if n := len(call.args); n > 0 {
		call.pairs = f.isPairs(call.args[n-1])
	}
	f.calls = append(f.calls, call)
}

// isPairs tells whether a node is the outcome of gets.
func (f *callFinder) isPairs(n parse.Node) bool {
	switch n := n.(type) {
	case *parse.PipeNode:
		return f.isPairs(n.Cmds[len(n.Cmds)-1])
	case *parse.CommandNode:
		if name, ok := n.Args[0].(*parse.IdentifierNode); ok {
			return name.Ident == "gets" || name.Ident == "cgets"
		}
		return len(n.Args) == 1 && f.isPairs(n.Args[0])
	case *parse.VariableNode:
		return len(n.Ident) == 1 && f.pairs[n.Ident[0]]
	}
	return false
}

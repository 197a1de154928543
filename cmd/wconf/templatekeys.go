package main

import (
	"slices"
	"strings"
	"text/template/parse"
)

// literalKey is a key that stands as text in a template.
type literalKey struct {
	function string
	key      string
	offset   int // in bytes
}

// storeFunctions are those whose first argument is a key, a directory or a
// pattern.
var storeFunctions = []string{"exists", "get", "getv", "gets", "getvs", "ls", "lsdir", "cget", "cgetv", "cgets", "cgetvs"}

// literalKeys finds the keys that a template names, and the names of all
// functions that it calls. A text that does not parse has none: compiling it
// says what is wrong.
func literalKeys(text string) (keys []literalKey, calls []string) {
	t := parse.New("")
	t.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := t.Parse(text, "", "", trees); err != nil {
		return nil, nil
	}
	f := finder{}
	for _, tree := range trees {
		if tree.Root != nil {
			f.list(tree.Root)
		}
	}
	slices.SortFunc(f.keys, func(a, b literalKey) int { return a.offset - b.offset })
	slices.Sort(f.calls)
	return f.keys, slices.Compact(f.calls)
}

type finder struct {
	keys  []literalKey
	calls []string
}

func (f *finder) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		f.node(n)
	}
}

func (f *finder) node(n parse.Node) {
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

func (f *finder) branch(b *parse.BranchNode) {
	f.pipe(b.Pipe)
	f.list(b.List)
	f.list(b.ElseList)
}

func (f *finder) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			f.node(arg)
		}
		if len(c.Args) > 0 {
			f.command(c)
		}
	}
}

func (f *finder) command(c *parse.CommandNode) {
	name, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return
	}
	f.calls = append(f.calls, name.Ident)
	if len(c.Args) < 2 || !slices.Contains(storeFunctions, name.Ident) {
		return
	}
	if s, ok := c.Args[1].(*parse.StringNode); ok && strings.HasPrefix(s.Text, "/") {
		f.keys = append(f.keys, literalKey{name.Ident, s.Text, int(s.Position())})
	}
}

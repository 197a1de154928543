package gotmpl

import "text/template/parse"

// nodesAt is the parts of actions that begin at an offset.
func (f *file) nodesAt(offset int) []parse.Node {
	var found []parse.Node
	for _, name := range f.templateNames() {
		visit(f.trees[name].Root, func(n parse.Node) {
			if int(n.Position()) == offset {
				found = append(found, n)
			}
		})
	}
	return found
}

// visit calls do for n and everything in it.
func visit(n parse.Node, do func(parse.Node)) {
	do(n)
	switch n := n.(type) {
	case *parse.ListNode:
		for _, x := range n.Nodes {
			visit(x, do)
		}
	case *parse.ActionNode:
		visit(n.Pipe, do)
	case *parse.IfNode:
		visitControl(&n.BranchNode, do)
	case *parse.WithNode:
		visitControl(&n.BranchNode, do)
	case *parse.RangeNode:
		visitControl(&n.BranchNode, do)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			visit(n.Pipe, do)
		}
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			visit(c, do)
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			visit(a, do)
		}
	case *parse.ChainNode:
		visit(n.Node, do)
	}
}

func visitControl(n *parse.BranchNode, do func(parse.Node)) {
	visit(n.Pipe, do)
	visit(n.List, do)
	if n.ElseList != nil {
		visit(n.ElseList, do)
	}
}

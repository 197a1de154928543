package gotmpl

import (
	"text/template/parse"
)

// guarded is the name of the function that pays for what the method of a value
// may build of its arguments: `{{$x = (datetime).Format $x}}` doubles $x when it
// is "11". No template can call it by itself.
const guarded = "__guarded"

// guard makes the arguments of methods go through it. The values of confd's
// functions have methods, and templates use them; text/template calls those
// without anybody between.
func (w *walker) guard(p *parse.PipeNode) {
	var cmds []*parse.CommandNode
	for i, c := range p.Cmds {
		if method(c.Args[0]) {
			for j := 1; j < len(c.Args); j++ {
				c.Args[j] = w.guardArgument(c.Args[j])
			}
			if i > 0 { // the last argument comes out of the pipe
				cmds = append(cmds, w.guardCall(c.Position()))
			}
		}
		cmds = append(cmds, c)
	}
	p.Cmds = cmds
}

// method tells whether a word can be the method of a value.
func method(word parse.Node) bool {
	switch word := word.(type) {
	case *parse.FieldNode, *parse.ChainNode:
		return true
	case *parse.VariableNode:
		return len(word.Ident) > 1
	}
	return false
}

func (w *walker) guardArgument(arg parse.Node) parse.Node {
	switch arg.(type) {
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode, *parse.NilNode:
		return arg
	}
	call := w.guardCall(arg.Position(), arg)
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: arg.Position(), Cmds: []*parse.CommandNode{call}}
}

func (w *walker) guardCall(pos parse.Pos, args ...parse.Node) *parse.CommandNode {
	w.file.called[guarded] = struct{}{}
	name := parse.NewIdentifier(guarded).SetPos(pos)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: append([]parse.Node{name}, args...)}
}

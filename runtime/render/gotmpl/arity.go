package gotmpl

import (
	"fmt"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/wconf/wconf/runtime/problem"
)

// checkCalls holds each call of a guest's function against the number of
// arguments that it is declared with, also where no render has been yet.
func (t *Template) checkCalls(f *file) error {
	arities := map[string]int{}
	for prefix, set := range t.opts.Functions {
		for name, arity := range set.Names() {
			arities[prefix+"_"+name] = arity
		}
	}
	if len(arities) == 0 { // as almost always
		return nil
	}
	var wrong []*problem.Problem
	for _, name := range f.templateNames() {
		visitCalls(f.trees[name].Root, func(called *parse.IdentifierNode, args int) {
			want, ok := arities[called.Ident]
			if !ok || args == want {
				return
			}
			p := f.problem(problem.TemplateParse, fmt.Sprintf("wrong number of args for %s: want %d got %d", called.Ident, want, args), int(called.Pos))
			p.Len, p.Hint = len(called.Ident), "write it as "+usage(called.Ident, want)
			p.Err = &classic{text: fmt.Sprintf("template: %s:%d: %s", f.name, p.Line, p.Msg)}
			wrong = append(wrong, p)
		})
	}
	if len(wrong) == 0 {
		return nil
	}
	return slices.MinFunc(wrong, func(a, b *problem.Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
}

// usage is a call with as many arguments as a function takes.
func usage(name string, arity int) string {
	var call strings.Builder
	call.WriteString("{{" + name)
	for i := range arity {
		fmt.Fprintf(&call, " ARGUMENT%d", i+1)
	}
	return call.String() + "}}"
}

// visitCalls calls do for each call of a function, with its number of
// arguments: what stands behind its name, and one that a pipeline brings.
func visitCalls(n parse.Node, do func(called *parse.IdentifierNode, args int)) {
	visit(n, func(n parse.Node) {
		pipe, ok := n.(*parse.PipeNode)
		if !ok {
			return
		}
		for i, command := range pipe.Cmds {
			piped := min(i, 1)
			for j, arg := range command.Args {
				called, ok := arg.(*parse.IdentifierNode)
				switch {
				case ok && j == 0:
					do(called, len(command.Args)-1+piped)
				case ok: // an argument that is a function is called without any
					do(called, 0)
				}
			}
		}
	})
}

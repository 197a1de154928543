package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

func (p *program) functionsCommand() *cli.Command {
	return &cli.Command{
		Name: "functions", Usage: "explain the functions of templates and the words of conditions", ArgsUsage: "[NAME]",
		Action: func(c *cli.Context) error {
			if err := arity(c, 0, 1); err != nil {
				return err
			}
			if name := c.Args().First(); name != "" {
				return p.explainFunction(name)
			}
			p.listFunctions()
			return nil
		},
	}
}

func (p *program) listFunctions() {
	fmt.Fprintln(p.out, "Functions of templates:")
	family := ""
	for f := range funcs.All() {
		if f.Family != family {
			family = f.Family
			fmt.Fprintf(p.out, "\n  %s\n", family)
		}
		fmt.Fprintf(p.out, "    %-34s %s\n", f.Usage, firstSentence(f.Doc))
	}
	fmt.Fprintln(p.out, "\nWords of conditions (reload_when, guard):")
	for _, g := range gate.Groups {
		fmt.Fprintf(p.out, "\n  %s\n", g.Title)
		for _, w := range g.Words {
			fmt.Fprintf(p.out, "    %-34s %s\n", w.Signature, firstSentence(w.Doc))
		}
	}
	fmt.Fprintf(p.out, "\n%q shows examples.\n", p.name()+" functions NAME")
}

// firstSentence is as much of a documentation as fits behind a name.
func firstSentence(doc string) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(doc, "\n", " "), ". ")
	const widest = 90
	if r := []rune(first); len(r) > widest {
		return string(r[:widest-1]) + "…"
	}
	return strings.TrimSuffix(first, ".")
}

func (p *program) explainFunction(name string) error {
	found := false
	for f := range funcs.All() {
		if f.Name == name {
			p.explainTemplateFunction(f)
			found = true
		}
	}
	for _, w := range gate.Words {
		if w.Name == name {
			fmt.Fprintf(p.out, "%s   (in conditions)\n\n  %s\n", w.Signature, indented(w.Doc))
			for _, e := range w.Examples {
				fmt.Fprintf(p.out, "\n  %s\n  → %s\n", e.Expr, e.Result)
			}
			found = true
		}
	}
	if !found {
		return &exit{exitNothing, &problem.Problem{
			Code: problem.Config, Msg: fmt.Sprintf("there is no function %q", name),
			Hint: problem.DidYouMean(name, append(funcs.Names(), gate.Names()...)),
		}}
	}
	return nil
}

func (p *program) explainTemplateFunction(f funcs.Function) {
	fmt.Fprintf(p.out, "{{%s}}   (in templates, since %s)\n\n  %s\n", f.Usage, f.Since, indented(f.Doc))
	if f.World {
		fmt.Fprintln(p.out, "\n  It looks at more than keys: its resource is rendered at each interval, too.")
	}
	for _, e := range f.Examples {
		fmt.Fprintln(p.out)
		for _, k := range slices.Sorted(maps.Keys(e.Keys)) {
			if strings.Contains(e.Template, k) {
				fmt.Fprintf(p.out, "  %s = %.60q\n", k, e.Keys[k])
			}
		}
		result := indented(strings.TrimSuffix(e.Output, "\n"))
		if e.Error != "" {
			result = "error: " + e.Error
		}
		fmt.Fprintf(p.out, "  %s\n  → %s\n", indented(e.Template), result)
	}
}

func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }

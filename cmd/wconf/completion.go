package main

import (
	"embed"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

//go:embed completion/wconf.*
var completionScripts embed.FS

var shells = []string{"bash", "zsh", "fish"}

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion script of a shell", ArgsUsage: "bash|zsh|fish",
		Description: "bash: source <(wconf completion bash)\nzsh:  source <(wconf completion zsh)\nfish: wconf completion fish | source",
		Action: func(c *cli.Context) error {
			if err := arity(c, 1, 1); err != nil {
				return err
			}
			shell := c.Args().First()
			if !slices.Contains(shells, shell) {
				return &usageError{"there is no completion for " + shell, "there is for bash, zsh and fish"}
			}
			script, err := completionScripts.ReadFile("completion/wconf." + shell)
			if err != nil {
				return err
			}
			_, err = p.out.Write(script)
			return err
		},
	}
}

// complete answers the scripts. It reads conf.d, and nothing else.
func (p *program) complete(words []string) {
	complete(p.out, p.app(), words, func(of string) ([]string, bool) { return p.candidates(of, words) })
}

// candidates are the values of a flag or of a command's arguments; known is
// false where files may be meant, too.
func (p *program) candidates(of string, line []string) (candidates []string, known bool) {
	if o, ok := config.FindOption(of); ok && len(o.Choices) > 0 {
		return o.Choices, true
	}
	switch of {
	case "backend":
		return runtime.BackendNames(), true
	case "completion":
		return shells, true
	case "functions":
		return append(funcs.Names(), gate.Names()...), true
	case "as":
		return p.resourceNames(line), true
	case "render", "diff", "keys", "lint", "dev":
		return p.resourceNames(line), true
	case "get", "ls", "run", "once", "version":
		return nil, true
	}
	o, ok := config.FindOption(of)
	return nil, ok && o.Kind != config.Text && o.Kind != config.List
}

func (p *program) resourceNames(line []string) (names []string) {
	env, _ := config.Environment(os.Getenv)
	early, _ := config.Merge(nil, env, nil, false)
	dir := p.confdir(early, &settings{})
	for i, word := range line { // as typed; "=" may have made words of its own
		name, value, has := strings.Cut(strings.TrimLeft(word, "-"), "=")
		switch {
		case name != "confdir":
		case has:
			dir = value
		case i+1 < len(line):
			dir = line[i+1]
		}
	}
	set, err := config.LoadResources(dir, nil)
	if err != nil {
		return nil
	}
	for _, r := range set.Resources {
		names = append(names, r.Name)
	}
	return names
}

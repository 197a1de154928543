package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/problem"
)

// usageError is a command line that wconf cannot follow: two lines on standard
// error, exit 2.
type usageError struct{ msg, hint string }

func (e *usageError) Error() string { return e.msg }

// helpRequest is a command line that asks for help; levels lead to the command.
type helpRequest struct{ levels []*level }

func (*helpRequest) Error() string { return "help was asked for" }

// level is one command on the way from the program to the sub-command.
type level struct {
	name     string
	command  *cli.Command // nil for the program itself
	flags    []cli.Flag
	commands []*cli.Command
	given    []string // its flags, as --name=value
}

func programLevel(app *cli.App) *level {
	return &level{name: app.Name, flags: app.Flags, commands: app.Commands}
}

func commandLevel(c *cli.Command) *level {
	return &level{name: c.Name, command: c, flags: c.Flags, commands: c.Subcommands}
}

// arguments puts a command line in the only order that the flag parser of
// urfave/cli reads right: each flag at the level that defines it, before the
// positional arguments. It makes the errors itself, so that a mistyped
// sub-command can never start the daemon.
//
// One dash or two, "-flag value" or "-flag=value", flags after arguments and
// global flags after a sub-command all work. "true" or "false" behind a
// boolean flag is its value; confd ignores everything behind it. The name of a
// backend as first argument stands for -backend (the living fork's form).
func arguments(app *cli.App, backends []string, args []string) (ordered, warnings []string, err error) {
	w := &words{levels: []*level{programLevel(app)}, backends: backends}
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			w.positional = append(w.positional, args[i+1:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			if err := w.word(a); err != nil {
				return nil, nil, err
			}
			continue
		}
		var next []string
		if i+1 < len(args) {
			next = args[i+1:]
		}
		used, err := w.flag(a, next)
		if err != nil {
			return nil, nil, err
		}
		i += used
	}
	if w.help {
		return nil, nil, &helpRequest{w.levels}
	}
	if top := w.top(); len(w.levels) > 1 && len(top.commands) > 0 {
		return nil, nil, &usageError{fmt.Sprintf("%q needs a command", w.path()), strings.Join(commandNames(top.commands), ", ")}
	}
	if len(w.levels) == 1 && len(w.positional) > 0 {
		return nil, nil, &usageError{fmt.Sprintf("%q is no flag, and behind -- there is no command", w.positional[0]), fmt.Sprintf("%q lists the commands", app.Name+" --help")}
	}
	return w.ordered(), w.warnings, nil
}

type words struct {
	levels     []*level
	backends   []string
	positional []string
	warnings   []string
	help       bool
}

func (w *words) top() *level { return w.levels[len(w.levels)-1] }

// word takes an argument that is no flag: a sub-command, as long as one can
// come, else a positional argument.
func (w *words) word(a string) error {
	top := w.top()
	if len(w.positional) > 0 || len(top.commands) == 0 {
		w.positional = append(w.positional, a)
		return nil
	}
	for _, c := range top.commands {
		if c.HasName(a) {
			w.levels = append(w.levels, commandLevel(c))
			return nil
		}
	}
	if a == "help" {
		w.help = true
		return nil
	}
	if len(w.levels) == 1 && slices.Contains(w.backends, a) {
		top.given = append(top.given, "--backend="+a)
		return nil
	}
	hint := problem.DidYouMean(a, commandNames(top.commands))
	if hint == "" {
		hint = fmt.Sprintf("%q lists the commands", w.path()+" --help")
	}
	return &usageError{fmt.Sprintf("unknown command %q for %q", a, w.path()), hint}
}

func commandNames(commands []*cli.Command) (names []string) {
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// flag takes a flag and tells how many of the next arguments were its value.
func (w *words) flag(a string, next []string) (used int, err error) {
	name, value, has := strings.Cut(strings.TrimPrefix(a[1:], "-"), "=")
	if name == "help" || name == "h" {
		w.help = true
		return 0, nil
	}
	at, f := w.find(name)
	if f == nil {
		hint := problem.DidYouMean(name, w.flagNames())
		if hint != "" {
			hint = strings.Replace(hint, `"`, `"--`, 1)
		} else {
			hint = fmt.Sprintf("%q lists the flags", w.path()+" --help")
		}
		return 0, &usageError{fmt.Sprintf("unknown flag %s for %q", a, w.path()), hint}
	}
	_, isBool := f.(*cli.BoolFlag)
	switch {
	case has:
	case isBool && len(next) > 0 && (next[0] == "true" || next[0] == "false"):
		value, has, used = next[0], true, 1
		w.warnings = append(w.warnings, fmt.Sprintf("%s %s is taken as %s=%s; confd ignores all that follows such a word", a, next[0], a, next[0]))
	case isBool, bare(f, next):
		value = "true"
	case len(next) == 0:
		return 0, &usageError{fmt.Sprintf("flag %s needs a value", a), fmt.Sprintf("%q says which", w.path()+" --help")}
	default:
		value, used = next[0], 1
	}
	at.given = append(at.given, "--"+f.Names()[0]+"="+value)
	return used, nil
}

// bare tells whether a flag that takes a word of a few stands without one:
// where "true" is one of them, as for -color, which is a switch in the fork.
func bare(f cli.Flag, next []string) bool {
	i := slices.IndexFunc(config.Options, func(o config.Option) bool { return o.Name == f.Names()[0] })
	if i < 0 || !slices.Contains(config.Options[i].Choices, "true") {
		return false
	}
	return len(next) == 0 || !slices.Contains(config.Options[i].Choices, next[0])
}

// find looks a flag up from the innermost command outwards.
func (w *words) find(name string) (*level, cli.Flag) {
	for _, l := range slices.Backward(w.levels) {
		for _, f := range l.flags {
			if slices.Contains(f.Names(), name) {
				return l, f
			}
		}
	}
	return nil, nil
}

func (w *words) flagNames() (names []string) {
	for _, l := range w.levels {
		for _, f := range l.flags {
			names = append(names, f.Names()[0])
		}
	}
	return names
}

func (w *words) path() string {
	var p []string
	for _, l := range w.levels {
		p = append(p, l.name)
	}
	return strings.Join(p, " ")
}

func (w *words) ordered() (out []string) {
	for i, l := range w.levels {
		if i > 0 {
			out = append(out, l.name)
		}
		out = append(out, l.given...)
	}
	if len(w.positional) > 0 {
		out = append(append(out, "--"), w.positional...)
	}
	return out
}

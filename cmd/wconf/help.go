package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/config"
)

// everyday are the flags of the first page, in words that fit there.
var everyday = [][2]string{
	{"confdir DIR", "where conf.d and templates are"},
	{"config-file FILE", "the daemon's configuration, or a single resource"},
	{"backend NAME", "where keys come from: etcd, rancher, file, env, command"},
	{"node ADDRESS", "a node of the store; repeatable"},
	{"file FILE", "a file of keys, for the file backend; repeatable"},
	{"prefix PATH", "put before every key"},
	{"watch", "apply changes of keys at once"},
	{"interval TIME", "else look at everything this often (10m)"},
	{"onetime", "process all resources once, then exit"},
	{"noop", "only say what would change; with -diff as a diff"},
	{"log-level LEVEL", "debug, info, warn or error"},
	{"version", "print the version"},
}

// help prints the page of a command, or the first page.
func (p *program) help(levels []*level) {
	if len(levels) == 1 {
		p.firstPage(levels[0])
		return
	}
	var path []string
	for _, l := range levels {
		path = append(path, l.name)
	}
	c := levels[len(levels)-1].command
	p.commandPage(strings.Join(path, " "), c)
	if len(levels) == 2 && c.Name == "run" {
		p.allFlags(levels[0])
		return
	}
	fmt.Fprintf(p.out, "\nThe flags of %q work here, too.\n", p.name()+" run --help")
}

func (p *program) firstPage(root *level) {
	fmt.Fprintf(p.out, "%s renders configuration files from keys, checks them, swaps them and reloads their services.\n\n", p.name())
	fmt.Fprintf(p.out, "  %s [FLAGS]                 as confd: poll, or -watch, or -onetime\n  %s COMMAND [FLAGS] ...\n\nCommands:\n", p.name(), p.name())
	for _, c := range root.commands {
		if !c.Hidden {
			fmt.Fprintf(p.out, "  %-12s %s\n", c.Name, c.Usage)
		}
	}
	fmt.Fprintln(p.out, "\nFlags, with one dash or two:")
	for _, f := range everyday {
		fmt.Fprintf(p.out, "  -%-18s %s\n", f[0], f[1])
	}
	fmt.Fprintf(p.out, "\n%q lists every flag. Each is also WCONF_<FLAG> in the environment and a key of wconf.toml.\n", p.name()+" run --help")
}

func (p *program) commandPage(path string, c *cli.Command) {
	fmt.Fprintf(p.out, "%s\n\n  %s\n", strings.TrimSpace(path+" [FLAGS] "+usageOfCommand(c)), c.Usage)
	if c.Description != "" {
		fmt.Fprintf(p.out, "\n  %s\n", indented(c.Description))
	}
	if len(c.Subcommands) > 0 {
		fmt.Fprintln(p.out, "\nCommands:")
		for _, sub := range c.Subcommands {
			fmt.Fprintf(p.out, "  %-12s %s\n", sub.Name, sub.Usage)
		}
	}
	if len(c.Flags) > 0 {
		fmt.Fprintln(p.out, "\nFlags:")
		for _, f := range c.Flags {
			p.flag(f)
		}
	}
}

func usageOfCommand(c *cli.Command) string {
	if len(c.Subcommands) > 0 {
		return "COMMAND ..."
	}
	return c.ArgsUsage
}

// allFlags prints the options in their groups, and names those that are only
// accepted.
func (p *program) allFlags(root *level) {
	group, ignored := "", []string{}
	for _, f := range grouped(root.flags) {
		if o, ok := config.FindOption(f.Names()[0]); ok && o.Ignored() {
			ignored = append(ignored, "-"+o.Name)
			continue
		}
		if g := categoryOf(f); g != group {
			group = g
			fmt.Fprintf(p.out, "\n%s:\n", group)
		}
		p.flag(f)
	}
	fmt.Fprintf(p.out, "\nAccepted from confd and its fork, without effect:\n  %s\n", strings.Join(wrapped(strings.Join(ignored, " "), 110), "\n  "))
}

// grouped sorts flags by their groups, these in the order of their first flag.
func grouped(flags []cli.Flag) []cli.Flag {
	order := map[string]int{}
	for i, f := range flags {
		if g := categoryOf(f); order[g] == 0 {
			order[g] = i + 1
		}
	}
	all := slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool { return categoryOf(f) == "" })
	slices.SortStableFunc(all, func(a, b cli.Flag) int { return order[categoryOf(a)] - order[categoryOf(b)] })
	return all
}

func categoryOf(f cli.Flag) string {
	if c, ok := f.(cli.CategorizableFlag); ok {
		return c.GetCategory()
	}
	return ""
}

func (p *program) flag(f cli.Flag) {
	usage := f.(cli.DocGenerationFlag).GetUsage()
	takes, usage := placeholder(f, usage)
	name := "--" + f.Names()[0]
	if len(f.Names()) > 1 && len(f.Names()[1]) == 1 {
		name = "-" + f.Names()[1] + ", " + name
	}
	if takes != "" {
		name += " " + takes
	}
	if len(name) > 26 {
		fmt.Fprintf(p.out, "  %s\n%30s", name, "")
	} else {
		fmt.Fprintf(p.out, "  %-27s ", name)
	}
	fmt.Fprintln(p.out, strings.Join(wrapped(usage, 88), "\n"+strings.Repeat(" ", 30)))
}

// kindWords stand for the values of options.
var kindWords = map[config.Kind]string{
	config.Text: "TEXT", config.List: "TEXT", config.Number: "N", config.Duration: "TIME", config.Seconds: "TIME",
}

// placeholder is the word between back quotes in the usage of a flag, and the
// usage without them; a flag that is no switch takes at least VALUE.
func placeholder(f cli.Flag, usage string) (takes, rest string) {
	if _, isBool := f.(*cli.BoolFlag); isBool {
		return "", strings.ReplaceAll(usage, "`", "")
	}
	takes = "VALUE"
	if o, ok := config.FindOption(f.Names()[0]); ok && categoryOf(f) == o.Group {
		takes = kindWords[o.Kind]
	}
	if before, after, ok := strings.Cut(usage, "`"); ok {
		if word, end, ok := strings.Cut(after, "`"); ok && strings.ToUpper(word) == word {
			return word, before + word + end
		}
	}
	return takes, strings.ReplaceAll(usage, "`", "")
}

// wrapped breaks a text at blanks.
func wrapped(s string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// complete prints candidates for the last of words. It never runs an action
// and never evaluates what was typed. One candidate a line, a tab, its
// description; the last line is ":files" or ":none" and says what else the
// shell may offer. values knows the words that a flag or argument can have.
func complete(w io.Writer, app *cli.App, words []string, values func(of string) ([]string, bool)) {
	current := ""
	if len(words) > 0 {
		current, words = words[len(words)-1], words[:len(words)-1]
	}
	c := completion{out: w, current: current, levels: []*level{programLevel(app)}}
	c.walk(words)
	top := c.levels[len(c.levels)-1]
	switch {
	case c.wants != nil:
		c.values(values(c.wants.Names()[0]))
	case !c.ended && strings.HasPrefix(current, "-"):
		c.flags()
	case len(top.commands) > 0 && !c.ended:
		for _, sub := range top.commands {
			if !sub.Hidden {
				c.offer(sub.Name, sub.Usage)
			}
		}
		c.end(":none")
	default:
		c.values(values(top.name))
	}
}

type completion struct {
	out     io.Writer
	current string
	levels  []*level
	wants   cli.Flag // whose value comes next
	ended   bool     // after "--"
}

func (c *completion) walk(words []string) {
	for _, a := range words {
		switch {
		case c.wants != nil:
			c.wants = nil
		case c.ended:
		case a == "--":
			c.ended = true
		case len(a) > 1 && a[0] == '-':
			name, _, has := strings.Cut(strings.TrimPrefix(a[1:], "-"), "=")
			if f := c.find(name); f != nil && !has {
				if _, isBool := f.(*cli.BoolFlag); !isBool {
					c.wants = f
				}
			}
		default:
			c.enter(a)
		}
	}
}

func (c *completion) find(name string) cli.Flag {
	w := words{levels: c.levels}
	_, f := w.find(name)
	return f
}

func (c *completion) enter(name string) {
	for _, sub := range c.levels[len(c.levels)-1].commands {
		if sub.HasName(name) {
			c.levels = append(c.levels, commandLevel(sub))
			return
		}
	}
}

// flags offers flags with as many dashes as were typed; one alone becomes two.
func (c *completion) flags() {
	dash := "--"
	if !strings.HasPrefix(c.current, "--") && len(c.current) > 1 {
		dash = "-"
	}
	for _, l := range slices.Backward(c.levels) {
		for _, f := range l.flags {
			usage := ""
			if d, ok := f.(cli.DocGenerationFlag); ok {
				usage = d.GetUsage()
			}
			c.offer(dash+f.Names()[0], usage)
		}
	}
	c.end(":none")
}

func (c *completion) values(candidates []string, known bool) {
	for _, v := range candidates {
		c.offer(v, "")
	}
	if known {
		c.end(":none")
		return
	}
	c.end(":files")
}

func (c *completion) offer(candidate, description string) {
	if strings.HasPrefix(candidate, c.current) {
		fmt.Fprintf(c.out, "%s\t%s\n", candidate, description)
	}
}

func (c *completion) end(line string) { fmt.Fprintln(c.out, line) }

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/kv"
)

func (p *program) diffCommand() *cli.Command {
	return &cli.Command{
		Name: "diff", Usage: "show how files differ from what they should be", ArgsUsage: "[RESOURCE ...]",
		Description: "Values of keys that a resource calls secret are masked, and all text of files that only their owner reads.\n" +
			"Where a file would change and output_format or a check refuses the new content, standard error says so, and the exit\n" +
			"code is that of a refusal. No command of the resource runs: check_cmd is not asked.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "exit-code", Usage: "exit 6 when something differs"},
			&cli.BoolFlag{Name: "reveal", Usage: "mask nothing"},
			fixtureFlag,
		},
		Action: p.diffAction,
	}
}

func (p *program) diffAction(c *cli.Context) error {
	s, rt, err := p.look(c)
	if err != nil {
		return err
	}
	defer rt.Close()
	looks, broken := resources(rt, c.Args().Slice())
	if broken != nil && looks == nil {
		return broken
	}
	d := differ{out: p.out, colour: colour(p.out, s.Color), context: s.DiffContext, reveal: c.Bool("reveal")}
	failed := []error{broken}
	for _, l := range looks {
		keys, err := p.keysOf(c, s, l)
		if err == nil {
			err = d.resource(c.Context, l, keys)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", l.Config.Name, err))
		}
	}
	if err := errors.Join(failed...); err != nil {
		return coded(err)
	}
	if d.differs && c.Bool("exit-code") {
		return &exit{code: exitDiffers}
	}
	return nil
}

// differ prints unified diffs.
type differ struct {
	out     io.Writer
	colour  bool
	context int
	reveal  bool
	differs bool
}

// resource prints how the file of a resource would change; an error may also be
// that somebody refuses the change.
func (d *differ) resource(ctx context.Context, l runtime.Look, keys *kv.Snapshot) error {
	plan, err := l.Plan(ctx, keys)
	if err != nil {
		return err
	}
	standing, err := l.Compare(ctx, plan.Content)
	if err != nil {
		return err
	}
	if standing.Difference.None() {
		return nil
	}
	d.differs = true
	m := mask{}
	if !d.reveal {
		m = maskFor(ctx, l, keys, plan, standing)
	}
	old, now := "/dev/null", l.Config.Dest
	if standing.Exists {
		old = standing.Path
	}
	d.print(m, old, now, standing, plan.Content)
	return l.Vet(ctx, plan)
}

func (d *differ) print(m mask, old, now string, standing runtime.Standing, content []byte) {
	if standing.Difference.Mode || standing.Difference.Owner {
		d.line("1", fmt.Sprintf("%s: its mode or owner differs", now))
	}
	if standing.Exists && bytes.Equal(standing.Content, content) {
		return
	}
	if !text(standing.Content) || !text(content) {
		d.line("1", fmt.Sprintf("%s: binary content differs: %d bytes, then %d", now, len(standing.Content), len(content)))
		return
	}
	d.line("1", "--- "+old)
	d.line("1", "+++ "+now)
	for _, h := range hunks(edits(standing.Content, content), d.context) {
		d.line("36", h.head())
		for _, e := range h.edits {
			d.edit(m, e)
		}
	}
}

func (d *differ) edit(m mask, e edit) {
	switch e.op {
	case '-':
		d.line("31", "-"+m.removed(e.text))
	case '+':
		d.line("32", "+"+m.present(e.text))
	default:
		d.line("", " "+m.present(e.text))
	}
	if e.open {
		d.line("", `\ No newline at end of file`)
	}
}

func (d *differ) line(colour, text string) {
	if d.colour {
		text = printable(text)
		if colour != "" {
			text = "\x1b[" + colour + "m" + text + "\x1b[0m"
		}
	}
	fmt.Fprintln(d.out, text)
}

func text(b []byte) bool { return bytes.IndexByte(b, 0) < 0 }

// printable keeps a file's content from moving the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

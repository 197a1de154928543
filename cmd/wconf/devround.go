package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/guest"
	planned "github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/wasm"
)

// workbench is where one resource is worked on.
type workbench struct {
	*program
	settings  *settings
	name      string
	fixtures  []string
	source    string   // the folder of the guest that is built here; empty: none
	testPaths []string // below which its tests are looked for
	whole     bool
	reveal    bool
	guests    *runtime.Guests // compiled once, and kept from round to round

	loads bool     // the last round could open the resource
	files []string // it is made of, when last it loaded
	tests []string
	seen  prints // of the last round
	built prints // of the sources
	good  []byte // the last render that came out well
	mask  mask   // of it
	shown bool   // there was one
}

// round builds, renders and tests once, and shows all of it. Its error is the
// first thing that went wrong.
func (d *workbench) round(c *cli.Context) error {
	sources := d.printsOfSources()
	built := d.build(c.Context, sources)
	d.seen = printsOf(d.places())
	maps.Copy(d.seen, sources)
	defer func() { // what nobody knew of before; what was known may have been saved since
		before := d.seen
		d.seen = printsOf(d.places())
		maps.Copy(d.seen, before)
	}()
	if built != nil {
		return built
	}
	failed := d.render(c)
	if errors.Is(failed, runtime.ErrNoResource) {
		return failed
	}
	if failed != nil && !c.Bool("once") {
		d.tell(failed) // before the tests, which may say the same
	}
	tested := d.test(c.Context)
	if failed != nil && !c.Bool("once") {
		return tested
	}
	if failed != nil {
		return failed
	}
	return tested
}

func (d *workbench) build(ctx context.Context, sources prints) error {
	if d.source == "" || len(sources) > 0 && d.built != nil && len(sources.against(d.built)) == 0 {
		return nil
	}
	d.built = nil // what does not build is tried again: the module there is another one
	if err := d.program.build(ctx, d.source, "", ""); err != nil {
		return err
	}
	d.built = sources
	return nil
}

// render shows what the resource becomes.
func (d *workbench) render(c *cli.Context) error {
	d.loads = false
	log, err := d.logger(d.settings)
	if err != nil {
		return err
	}
	var used []runtime.GuestUse
	rt, err := runtime.Open(runtime.Options{Daemon: d.settings.Daemon, Single: d.settings.single, Templates: d.settings.templates, Log: log, Loading: c.Context,
		Offline: &runtime.Offline{Guests: d.guests, GuestUsed: func(u runtime.GuestUse) { used = append(used, u) }}})
	if err != nil {
		return &exit{exitLoad, err}
	}
	defer rt.Close()
	l, err := resource(rt, d.name)
	if err != nil {
		return err
	}
	d.loads, d.files = true, append(l.Files(), l.Config.File)
	for _, w := range rt.Warnings() {
		if same(w.File, l.Config.File) {
			fmt.Fprintf(d.err, "warning: %s\n", w.Detail())
		}
	}
	keys, err := d.keys(c, l)
	if err != nil {
		return err
	}
	began := time.Now()
	plan, err := l.Plan(c.Context, keys)
	took, spent := time.Since(began), slices.Clone(used)
	d.files = append(l.Files(), l.Config.File) // with what it includes
	if err != nil {
		d.account(useOf(l, keys, plan.Reads, err), spent, took)
		return err
	}
	d.show(c.Context, l, keys, plan)
	used = used[:0] // masking renders once more
	err = l.Vet(c.Context, plan)
	d.account(useOf(l, keys, plan.Reads, err), append(spent, used...), took)
	return coded(err)
}

// keys are those of the fixture, or of the store as it is now.
func (d *workbench) keys(c *cli.Context, l runtime.Look) (*kv.Snapshot, error) {
	if len(d.fixtures) > 0 {
		return d.fixture(c, d.settings, d.fixtures)
	}
	log, err := d.logger(d.settings)
	if err != nil {
		return nil, err
	}
	keys, err := runtime.ReadKeys(c.Context, l.Config.Store(d.settings.Store), log, l.Scope().Roots()...)
	return keys, unreachable(err)
}

// show prints the file, or what is new in it.
func (d *workbench) show(ctx context.Context, l runtime.Look, keys *kv.Snapshot, plan *planned.Plan) {
	standing, err := l.Compare(ctx, plan.Content)
	if err != nil { // its directory need not exist where one tries it out
		standing.Private = l.Config.HasMode && l.Config.Mode.Perm()&0o077 == 0
	}
	m := mask{}
	if !d.reveal {
		m = maskFor(ctx, l, keys, plan, standing)
	}
	out := differ{out: d.out, colour: colour(d.out, d.settings.Color)}
	all := edits(d.good, plan.Content)
	switch {
	case !text(plan.Content):
		out.line("", fmt.Sprintf("binary content of %d bytes", len(plan.Content)))
	case !d.shown || d.whole:
		d.view(out, m, plan.Content, all)
	case len(hunks(all, 0)) == 0:
		out.line("", "the same text as before")
	default:
		for _, h := range hunks(all, d.settings.DiffContext) {
			out.line("36", h.head())
			d.edits(out, m, h.edits)
		}
	}
	if m.all {
		out.line("", "masked: only its owner may read the file; --reveal shows it")
	}
	d.good, d.mask, d.shown = plan.Content, m, true
}

// view prints the whole file, with what is new in it once there is an old one.
func (d *workbench) view(out differ, m mask, content []byte, all []edit) {
	if !d.shown {
		for line := range strings.Lines(string(content)) {
			out.line("", m.present(strings.TrimSuffix(line, "\n")))
		}
		return
	}
	d.edits(out, m, all)
}

// edits prints lines, those that are gone under the mask that they had.
func (d *workbench) edits(out differ, m mask, all []edit) {
	for _, e := range all {
		if e.op == '-' {
			out.line("31", "-"+d.mask.present(e.text))
		} else {
			out.edit(m, e)
		}
	}
}

// account says what was read, and what each guest used.
func (d *workbench) account(u keyUse, used []runtime.GuestUse, took time.Duration) {
	fmt.Fprintln(d.out)
	row := func(name string, words []string) {
		if len(words) > 0 {
			fmt.Fprintf(d.out, "%-8s %s\n", name, few(words))
		}
	}
	row("reads", u.Reads)
	row("missing", u.Missing)
	row("asks", u.Asks)
	row("lists", u.Lists)
	row("world", u.World)
	for _, s := range used {
		fmt.Fprintf(d.out, "%-8s %d (%s), %s, %s: %s %s\n", "fuel", s.Fuel, wasm.PriceList, s.Time.Round(time.Microsecond), mebibytes(s.Memory), roleWords[s.Role], s.Src)
	}
	fmt.Fprintf(d.out, "%-8s %s\n", "took", took.Round(10*time.Microsecond))
}

// roleWords say what a guest did.
var roleWords = map[guest.Role]string{guest.Renderer: "src", guest.Functions: "functions of", guest.Filter: "filter", guest.Checker: "check"}

// few is the first words of many.
func few(words []string) string {
	const most = 8
	if len(words) <= most {
		return strings.Join(words, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], " "), len(words)-most)
}

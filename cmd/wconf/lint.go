package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
	planned "github.com/wconf/wconf/runtime/resource"
)

func (p *program) lintCommand() *cli.Command {
	return &cli.Command{
		Name: "lint", Usage: "say everything that is wrong or odd about the configuration", ArgsUsage: "[RESOURCE ...]",
		Description: "Every file, template, guest and condition is checked; unknown keys count as problems. With --fixture, or\n" +
			"where a store is named and answers, every resource is rendered and its checks are asked, too. Exit 3 when there are\n" +
			"problems.",
		Flags: []cli.Flag{
			fixtureFlag,
			findingsFlag(),
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
			&cli.StringFlag{Name: "from", Usage: "with `confd`: say what changes for a configuration of confd, see migrate"},
		},
		Action: p.lintAction,
	}
}

func (p *program) lintAction(c *cli.Context) error {
	switch c.String("from") {
	case "":
	case "confd":
		return p.migrateAction(c)
	default:
		return &usageError{fmt.Sprintf("lint knows no way from %q", c.String("from")), "--from confd"}
	}
	format, err := findingFormat(c)
	if err != nil {
		return err
	}
	s, rt, err := p.look(c)
	if err != nil {
		return err
	}
	defer rt.Close()
	l := &linter{}
	looks := rt.Looks()
	if c.Args().Present() {
		if looks, err = resources(rt, c.Args().Slice()); err != nil {
			return err
		}
	} else {
		l.configuration(rt, s.warnings)
	}
	for _, look := range looks {
		l.resource(look)
		keys, err := p.lintKeys(c, s, look)
		if err != nil {
			return err
		}
		if keys.reason != "" {
			l.note(look, "", "it was not rendered: "+keys.reason)
			continue
		}
		l.rendered(c.Context, look, keys.snapshot)
	}
	p.findings(l.findings, format)
	if l.problems() > 0 {
		return &exit{code: exitLoad}
	}
	return nil
}

// lintKeys is what the resource's store holds; where it cannot be had, lint
// says why and goes on.
type lintKeys struct {
	snapshot *kv.Snapshot
	reason   string
}

func (p *program) lintKeys(c *cli.Context, s *settings, l runtime.Look) (lintKeys, error) {
	files := c.StringSlice("fixture")
	if len(files) == 0 && s.MockData != "" {
		files = []string{s.MockData}
	}
	if len(files) > 0 {
		keys, err := p.fixture(c, s, files)
		return lintKeys{snapshot: keys}, err
	}
	if !s.named() && s.Store.Backend == "etcd" && l.Config.Backend == nil && !s.Preflight {
		return lintKeys{reason: "no store is named, and there is no --fixture"}, nil
	}
	ctx, stop := context.WithTimeout(c.Context, s.PreflightTimeout)
	defer stop()
	keys, err := l.Snapshot(ctx)
	if err != nil {
		return lintKeys{reason: err.Error()}, nil
	}
	return lintKeys{snapshot: keys}, nil
}

// linter gathers findings.
type linter struct{ findings []finding }

func (l *linter) add(severity string, p *problem.Problem) {
	l.findings = append(l.findings, finding{severity, p})
}

func (l *linter) warn(look runtime.Look, field, msg, hint string) {
	l.add("warning", look.Config.Problem(problem.Config, msg, hint, field))
}

func (l *linter) note(look runtime.Look, field, msg string) {
	l.add("note", look.Config.Problem(problem.Config, msg, "", field))
}

func (l *linter) problems() (n int) {
	for _, f := range l.findings {
		if f.severity == "problem" {
			n++
		}
	}
	return n
}

// forgive takes unknown keys back: -check-config passes them, as confd does.
func (l *linter) forgive() {
	for i, f := range l.findings {
		if f.severity == "problem" && f.Code == problem.UnknownKey {
			l.findings[i].severity = "warning"
		}
	}
}

// configuration says what loading said.
func (l *linter) configuration(rt *runtime.Runtime, warnings []string) {
	for _, w := range warnings {
		l.add("warning", &problem.Problem{Code: problem.Config, Msg: w})
	}
	for _, p := range rt.Problems() {
		l.add("problem", p)
	}
	for _, p := range rt.Warnings() {
		l.add(gravity(p), p)
	}
}

// gravity is what a warning of the daemon is to lint. The daemon goes on where
// confd does; here what cannot be meant is a problem: keys, owners and groups
// that nobody knows, and two resources that write one file.
func gravity(p *problem.Problem) string {
	if p.Code == problem.UnknownKey || strings.HasPrefix(p.Msg, "unknown ") || strings.Contains(p.Msg, "has the same dest") {
		return "problem"
	}
	return "warning"
}

// resource checks what can be seen without any key.
func (l *linter) resource(look runtime.Look) {
	c := look.Config
	for _, key := range c.Keys {
		if strings.HasSuffix(key, "/*") {
			l.warn(look, "keys", fmt.Sprintf("%q means %q and all below it", key, strings.TrimSuffix(key, "/*")), "write it without the star")
		}
	}
	if len(c.Keys) == 0 {
		l.warn(look, "keys", "it may see no key at all", `write keys = ["/"] for everything below the prefix`)
	}
	if dir := filepath.Dir(c.Dest); !isDir(dir) {
		l.warn(look, "dest", fmt.Sprintf("the directory %s does not exist", dir), "wconf makes no directories")
	}
	if config.KindOf(c.Src) == config.Template {
		for _, file := range look.Files() {
			l.template(look, file)
		}
	}
	reload, guard := look.Conditions()
	l.condition(look, "reload_when", reload)
	l.condition(look, "guard", guard)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// template checks the keys and functions that stand in a template's text.
func (l *linter) template(look runtime.Look, file string) {
	content, err := os.ReadFile(file)
	if err != nil || strings.HasSuffix(file, ".wasm") {
		return
	}
	keys, calls := literalKeys(string(content))
	for _, k := range keys {
		if sees(look, k) {
			continue
		}
		p := &problem.Problem{Code: problem.KeyDenied, Msg: fmt.Sprintf("%s never sees %s: it is outside of the resource's keys", k.function, k.key),
			Hint: fmt.Sprintf("%s has keys = %q", look.Config.File, look.Config.Keys), Len: len(k.key) + 2}
		l.add("warning", p.At(file, string(content), k.offset))
	}
	var world []string
	for f := range funcs.All() {
		if f.World && slices.Contains(calls, f.Name) {
			world = append(world, f.Name)
		}
	}
	if len(world) > 0 {
		l.add("note", &problem.Problem{Code: problem.Config, File: file,
			Msg: strings.Join(world, ", ") + " looks at more than keys: the resource is rendered at each interval, too"})
	}
}

// condition checks the keys, patterns and labels that stand in a condition.
func (l *linter) condition(look runtime.Look, field string, reads gate.Reads) {
	at := look.Config.At(field)
	say := func(literal gate.Literal, msg string) {
		p := &problem.Problem{Code: problem.Condition, Msg: msg, Len: len(literal.Text) + 2}
		at(p, literal.Offset)
		l.add("warning", p)
	}
	for _, k := range reads.Keys {
		if !look.Scope().Grants(look.Scope().Prefix() + k.Text) {
			say(k, fmt.Sprintf("the condition never sees %s: it is outside of the resource's keys", k.Text))
		}
	}
	for _, g := range reads.Globs {
		if !meets(look, g.Text) {
			say(g, fmt.Sprintf("nothing that the resource sees can match %s", g.Text))
		}
	}
	for _, label := range reads.Labels {
		if label.Text != "host" {
			say(label, fmt.Sprintf("there is no label %q", label.Text))
		}
	}
}

// refused says what output_format or a check has against the new content.
func (l *linter) refused(ctx context.Context, look runtime.Look, plan *planned.Plan) {
	var err error
	if format := look.Config.OutputFormat; format != "" {
		err = formats.Check(format, plan.Content) // it knows the place
	}
	if err == nil {
		err = look.Vet(ctx, plan)
	}
	if err == nil {
		return
	}
	for _, p := range problemsOf(err) {
		if p.File == "" {
			p.File = look.Config.Dest
		}
		l.add("problem", p)
	}
}

// rendered checks what the keys make of a resource.
func (l *linter) rendered(ctx context.Context, look runtime.Look, keys *kv.Snapshot) {
	plan, err := look.Plan(ctx, keys)
	if err != nil {
		for _, p := range problemsOf(err) {
			if p.File == "" {
				p.File = look.Config.File
			}
			l.add("problem", p)
		}
		return
	}
	l.refused(ctx, look, plan)
	if i := strings.Index(string(plan.Content), "<no value>"); i >= 0 {
		p := &problem.Problem{Code: problem.TemplateRender, Msg: "the file would hold <no value>: a field or map key that is not there was printed", Len: len("<no value>")}
		p.At(look.Config.Dest, string(plan.Content), i)
		p.Source = "" // it may hold a secret
		l.add("warning", p)
	}
	use := useOf(look, keys, plan.Reads, nil)
	for _, key := range look.Config.Keys {
		root := kv.NewScope(look.Scope().Prefix(), []string{key}).Roots()[0]
		if !touched(root, plan.Reads) && !conditioned(look, root) {
			l.warn(look, "keys", fmt.Sprintf("nothing reads %s", key), "")
		}
	}
	if use.Present == 0 && len(use.Sees) > 0 {
		l.warn(look, "keys", "the store holds none of its keys: "+strings.Join(use.Sees, ", "), "")
	}
}

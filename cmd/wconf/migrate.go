package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

func (p *program) migrateCommand() *cli.Command {
	return &cli.Command{
		Name: "migrate", Usage: "say where a configuration of confd means something else here", ArgsUsage: "[DIR]",
		Description: "DIR holds confd.toml, conf.d and templates; nothing is changed, and no store is asked. Give the flags of your\n" +
			"command line, too, so that they can be held against the file. A warning wants a look: files, or what is run,\n" +
			"may differ from confd's. Exit 6 when there are warnings, 3 when something does not load.",
		Flags:  []cli.Flag{findingsFlag(), &cli.BoolFlag{Name: "json", Usage: "the same as --format json"}},
		Action: p.migrateAction,
	}
}

func (p *program) migrateAction(c *cli.Context) error {
	format, err := findingFormat(c)
	if err != nil {
		return err
	}
	if err := arity(c, 0, 1); err != nil {
		return err
	}
	if dir := c.Args().First(); dir != "" {
		if !isDir(dir) {
			return &exit{exitLoad, fmt.Errorf("%s is not a directory", dir)}
		}
		if err := c.Set("confdir", dir); err != nil {
			return err
		}
	}
	m, err := p.readMoved(c)
	if err != nil {
		return err
	}
	l := &linter{}
	for _, broken := range m.problems {
		l.add("problem", broken)
	}
	met := m.meet(l)
	p.findings(l.findings, format)
	switch {
	case l.problems() > 0:
		return &exit{code: exitLoad}
	case met:
		return &exit{code: exitDiffers}
	}
	return nil
}

// moved is a configuration that confd has run with.
type moved struct {
	settings  *settings
	flags     config.Layer
	file      config.Layer // what the daemon's file sets
	doc       *formats.Doc // nil where there is no such file
	unknown   []*problem.Problem
	set       *config.Set
	templates []movedTemplate
	problems  []*problem.Problem // of what does not load
}

// movedTemplate is a template, with a resource that uses it.
type movedTemplate struct {
	resource   *config.Resource
	file, text string
	calls      []templateCall
}

func (p *program) readMoved(c *cli.Context) (*moved, error) {
	s, err := p.settings(c)
	var failed *exit
	if errors.As(err, &failed) {
		return nil, &exit{exitLoad, failed.err}
	}
	if err != nil {
		return nil, err
	}
	m := &moved{settings: s}
	if m.flags, err = flagLayer(c); err != nil {
		return nil, err
	}
	if s.single != "" {
		m.set = config.LoadOne(s.single, s.templates, nil)
	} else if err := m.readDaemon(); err != nil {
		return nil, &exit{exitLoad, err}
	} else if m.set, err = config.LoadResources(s.Confdir, nil); err != nil {
		return nil, &exit{exitLoad, err}
	}
	m.problems = append(m.problems, m.set.Problems...)
	m.readTemplates()
	return m, nil
}

func (m *moved) readDaemon() error {
	path := config.DaemonFile(m.settings.ConfigFile, m.settings.Confdir)
	layer, unknown, err := config.LoadDaemon(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m.file, m.unknown = layer, unknown
	m.doc, err = formats.Parse(path, text)
	return err
}

func (m *moved) readTemplates() {
	keyring, err := readKeyring(m.settings.SecretKeyring)
	if err != nil {
		m.problems = append(m.problems, &problem.Problem{Code: problem.Config, File: m.settings.SecretKeyring, Msg: err.Error(), Err: err})
	}
	for _, r := range m.set.Resources {
		if config.KindOf(r.Src) != config.Template {
			continue
		}
		file := r.Path(r.Src)
		info, err := os.Stat(file)
		if err == nil && !info.Mode().IsRegular() { // a FIFO would wait for ever
			err = errors.New("not a regular file")
		}
		var text []byte
		if err == nil {
			text, err = os.ReadFile(file)
		}
		if err != nil {
			m.problems = append(m.problems, r.Problem(problem.Config, "missing template: "+file, "templates are looked for in "+r.Templates(), "src"))
			continue
		}
		if len(r.Functions) == 0 { // guests are none of confd's
			_, err = gotmpl.Compile(filepath.Base(file), string(text), gotmpl.Options{File: file, Dir: r.Templates(), Keyring: keyring})
		}
		if err != nil {
			m.problems = append(m.problems, problemsOf(err)...)
		}
		m.templates = append(m.templates, movedTemplate{r, file, string(text), templateCalls(string(text))})
	}
}

func readKeyring(path string) (*funcs.Keyring, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return funcs.ReadKeyring(f)
}

// meet says each difference that the configuration meets, in the order of the
// table, and tells whether one of them wants a look.
func (m *moved) meet(l *linter) (warned bool) {
	for _, d := range differences {
		if d.meets == nil {
			continue
		}
		severity := "warning"
		if d.note {
			severity = "note"
		}
		for _, place := range d.meets(m) {
			what := place.Msg
			if what != "" {
				what += ". "
			}
			place.Code, place.Msg = d.id, fmt.Sprintf("%s[%s] confd: %s; wconf: %s", what, d.id, d.confd, d.wconf)
			l.add(severity, place)
			warned = warned || !d.note
		}
	}
	return warned
}

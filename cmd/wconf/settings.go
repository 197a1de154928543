package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/problem"
)

// optionFlags are the flags of the daemon, made from the one list of options.
// They have no defaults and no variables of their own: config merges the
// sources, so that an empty variable is unset and each value knows its source.
func optionFlags() []cli.Flag {
	var flags []cli.Flag
	for _, o := range config.Options {
		switch usage := usageOf(o); o.Kind {
		case config.Bool:
			flags = append(flags, &cli.BoolFlag{Name: o.Name, Aliases: o.Aliases, Usage: usage, Category: o.Group, Hidden: o.Ignored()})
		case config.List:
			flags = append(flags, &cli.StringSliceFlag{Name: o.Name, Aliases: o.Aliases, Usage: usage, Category: o.Group, Hidden: o.Ignored()})
		default:
			flags = append(flags, &cli.StringFlag{Name: o.Name, Aliases: o.Aliases, Usage: usage, Category: o.Group, Hidden: o.Ignored()})
		}
	}
	return flags
}

func usageOf(o config.Option) string {
	usage := strings.TrimSuffix(o.Doc, ".")
	if len(o.Choices) > 0 && !strings.Contains(o.Doc, o.Choices[0]) {
		usage += ": " + strings.Join(o.Choices, ", ")
	}
	if o.Default != "" && o.Kind != config.Bool {
		usage += fmt.Sprintf(" (default %s)", o.Default)
	}
	return usage
}

// flagLayer is the options that the command line sets.
func flagLayer(c *cli.Context) (config.Layer, error) {
	layer := config.Layer{}
	for _, o := range config.Options {
		if !c.IsSet(o.Name) {
			continue
		}
		var given []string
		switch o.Kind {
		case config.List:
			given = c.StringSlice(o.Name)
		case config.Bool:
			given = []string{fmt.Sprint(c.Bool(o.Name))}
		default:
			given = []string{c.String(o.Name)}
		}
		v, err := o.Parse(given...)
		if err != nil {
			hint := ""
			var p *problem.Problem
			if errors.As(err, &p) {
				err, hint = errors.New(p.Msg), p.Hint
			}
			return nil, &usageError{fmt.Sprintf("flag -%s: %v", o.Name, err), hint}
		}
		layer[o.Name] = config.Value{Any: v, Source: config.Flag, From: "-" + o.Name}
	}
	return layer, nil
}

// settings is what a command line, the environment and the daemon's file say
// together.
type settings struct {
	config.Daemon
	merged    config.Settings
	single    string // -config-file names this one resource
	templates string
	warnings  []string
}

func (p *program) settings(c *cli.Context) (*settings, error) {
	flags, err := flagLayer(c)
	if err != nil {
		return nil, err
	}
	env, wrong := config.Environment(os.Getenv)
	if len(wrong) > 0 {
		return nil, &usageError{wrong[0].Msg, wrong[0].Hint}
	}
	s := &settings{}
	early, _ := config.Merge(nil, env, flags, false)
	given := early.Daemon().ConfigFile
	confdir := p.confdir(early, s)
	var file config.Layer
	if given != "" && config.IsResource(given) {
		s.single, s.templates = given, config.TemplateDir(given, confdir, early.Set("confdir"))
	} else {
		var warnings []*problem.Problem
		file, warnings, err = config.LoadDaemon(config.DaemonFile(given, confdir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, &exit{exitFailed, err}
		}
		for _, w := range warnings {
			s.warnings = append(s.warnings, w.Error())
		}
	}
	merged, overruled := config.Merge(file, env, flags, p.asConfd && len(c.Lineage()) <= 2)
	s.warnings = append(s.warnings, overruled...)
	s.merged, s.Daemon = merged, merged.Daemon()
	if !merged.Set("confdir") {
		s.Confdir = confdir
	}
	s.Store = s.Store.WithPeers(os.Getenv("ETCDCTL_PEERS"))
	return s, nil
}

// stateDir is the state directory as flags and environment say, for commands
// that have nothing to do with the daemon's file.
func stateDir(c *cli.Context) (string, error) {
	flags, err := flagLayer(c)
	if err != nil {
		return "", err
	}
	env, wrong := config.Environment(os.Getenv)
	if len(wrong) > 0 {
		return "", &usageError{wrong[0].Msg, wrong[0].Hint}
	}
	merged, _ := config.Merge(nil, env, flags, false)
	return merged.Daemon().StateDir, nil
}

// confdir is where the configuration is when nobody says: /etc/confd under the
// name confd, else /etc/wconf, or /etc/confd where only that exists.
func (p *program) confdir(early config.Settings, s *settings) string {
	if early.Set("confdir") {
		return early.Daemon().Confdir
	}
	own, classic := early.Daemon().Confdir, "/etc/confd"
	if p.asConfd {
		return classic
	}
	_, err := os.Stat(own)
	if _, old := os.Stat(classic); errors.Is(err, fs.ErrNotExist) && old == nil {
		s.warnings = append(s.warnings, fmt.Sprintf("%s does not exist; using %s", own, classic))
		return classic
	}
	return own
}

// templatesOf is where the templates of the one resource of -resource are.
func templatesOf(s *settings) string {
	return config.TemplateDir(s.Resource, s.Confdir, s.merged.Set("confdir"))
}

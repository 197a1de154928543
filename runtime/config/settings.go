package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// Source says where the value of an option comes from.
type Source int

const (
	Default Source = iota
	File
	Env
	Flag
)

func (s Source) String() string { return [...]string{"default", "file", "environment", "flag"}[s] }

// Value is the value of an option, and where it was set.
type Value struct {
	Any    any // see Kind
	Source Source
	From   string // the place in the file, the variable or the flag, for messages
}

// Layer is the options that one source sets, by the names of their flags.
// A flag layer is filled by the command line: Any from Option.Parse.
type Layer map[string]Value

// Environment reads the options from variables. An empty variable is unset;
// a list is separated by commas.
func Environment(getenv func(string) string) (Layer, []*problem.Problem) {
	layer := Layer{}
	var problems []*problem.Problem
	for _, o := range Options {
		name, text := firstSet(o.Variables(), getenv)
		if name == "" {
			continue
		}
		given := []string{text}
		if o.Kind == List {
			given = split(text)
		}
		v, err := o.Parse(given...)
		if err != nil {
			problems = append(problems, variableProblem(o, name, err))
			continue
		}
		layer[o.Name] = Value{v, Env, name}
	}
	return layer, problems
}

func firstSet(names []string, getenv func(string) string) (name, text string) {
	for _, name := range names {
		if text := getenv(name); text != "" {
			return name, text
		}
	}
	return "", ""
}

func variableProblem(o Option, name string, err error) *problem.Problem {
	if o.Secret {
		return &problem.Problem{Code: problem.Config, Msg: fmt.Sprintf("the variable %s: invalid %s", name, o.Name)}
	}
	p := &problem.Problem{Code: problem.Config, Msg: fmt.Sprintf("the variable %s: %v", name, err)}
	if c, ok := err.(*problem.Problem); ok {
		p.Msg, p.Hint = fmt.Sprintf("the variable %s: %s", name, c.Msg), c.Hint
	}
	return p
}

// Settings is every option with the source that decided.
type Settings struct{ values map[string]Value }

// Merge lays the sources over each other: defaults, file, environment, flags.
// With asConfd the precedence is that of confd 0.16: the file beats the flags;
// a warning names each flag that it overrules.
func Merge(file, env, flags Layer, asConfd bool) (Settings, []string) {
	s := Settings{values: map[string]Value{}}
	for _, o := range Options {
		if v, err := o.Parse(o.Default); err == nil && o.Default != "" {
			s.values[o.Name] = Value{Any: v}
		}
	}
	order := []Layer{file, env, flags}
	if asConfd {
		order = []Layer{env, flags, file}
	}
	for _, layer := range order {
		for name, v := range layer {
			s.values[name] = v
		}
	}
	if !asConfd {
		return s, nil
	}
	return s, overruled(file, flags)
}

func overruled(file, flags Layer) []string {
	var warnings []string
	for _, o := range Options {
		f, inFile := file[o.Name]
		g, inFlags := flags[o.Name]
		if inFile && inFlags && fmt.Sprint(f.Any) != fmt.Sprint(g.Any) {
			warnings = append(warnings, fmt.Sprintf("-%s is overruled by %s, as in confd 0.16; under the name wconf flags win", o.Name, f.From))
		}
	}
	return warnings
}

// Value is the value of an option; Any is nil when it is not set and has no
// default.
func (s Settings) Value(name string) Value { return s.values[name] }

// Set tells whether a file, a variable or a flag sets the option.
func (s Settings) Set(name string) bool { return s.values[name].Source != Default }

// Daemon fills the struct.
func (s Settings) Daemon() Daemon {
	var d Daemon
	for _, o := range Options {
		v, ok := s.values[o.Name]
		if !ok {
			continue
		}
		o.set(&d, v.Any)
		if l, ok := fieldOf(o, &d).(level); ok && v.Any == true && !s.Set("log-level") {
			l.daemon.LogLevel = l.name
		}
	}
	d.LogLevel = strings.ToLower(d.LogLevel)
	return d
}

func fieldOf(o Option, d *Daemon) any {
	if o.field == nil {
		return nil
	}
	return o.field(d)
}

// Unserved is the options that are set and have no effect, for a hint when a
// store is chosen that does not exist here.
func (s Settings) Unserved() []string {
	var names []string
	for _, o := range Options {
		if o.Ignored() && s.Set(o.Name) {
			names = append(names, o.Name)
		}
	}
	return slices.Clip(names)
}

package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// LoadDaemon reads the daemon's configuration file. The warnings are unknown
// keys, which confd ignores, and keys that stand twice. The error joins every
// problem of the file (*problem.Problem); where there is no file it is
// fs.ErrNotExist, which confd passes over.
func LoadDaemon(path string) (Layer, []*problem.Problem, error) {
	doc, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	r := reader{doc: doc}
	layer := r.layer(doc.Table, nil, func(Option) bool { return true })
	return layer, r.warnings, join(r.errors)
}

func join(problems []*problem.Problem) error {
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// reader collects what is wrong with one file.
type reader struct {
	doc      *formats.Doc
	errors   []*problem.Problem
	warnings []*problem.Problem
}

func (r *reader) fail(p *problem.Problem) {
	if p != nil {
		r.errors = append(r.errors, hide(p))
	}
}

func (r *reader) warn(p *problem.Problem) { r.warnings = append(r.warnings, hide(p)) }

// unknown warns of a key that nothing takes. A file of nothing else is not a
// reason to search for what each of its keys may have meant.
func (r *reader) unknown(known []string, at []string) {
	if len(r.warnings) < 100 {
		r.warn(r.doc.UnknownKey(known, at...))
	}
}

// layer reads the options that a table sets.
func (r *reader) layer(t map[string]any, path []string, takes func(Option) bool) Layer {
	layer := Layer{}
	for _, name := range r.doc.Names(path...) {
		at := append(slices.Clone(path), name)
		o, ok := optionOf(name, takes)
		switch table, isTable := t[name].(map[string]any); {
		case isTable && o.Name == "backend" && len(path) == 0: // [backend] groups the options of the store
			for name, v := range r.layer(table, at, Option.InStore) {
				layer[name] = v
			}
		case !ok:
			r.unknown(keysOf(takes), at)
		default:
			r.option(layer, o, t[name], at)
		}
	}
	return layer
}

func (r *reader) option(layer Layer, o Option, raw any, at []string) {
	v, p := decode(r.doc, o.Kind, raw, at...)
	if p == nil {
		if err := o.choose(v); err != nil {
			c := err.(*problem.Problem)
			p = r.doc.ValueProblem(c.Code, c.Msg, c.Hint, at...)
		}
	}
	if p != nil {
		r.fail(p)
		return
	}
	if earlier, twice := layer[o.Name]; twice {
		r.warn(r.doc.Problem(problem.Config, fmt.Sprintf("%q is set before, at %s; this one counts", at[len(at)-1], earlier.From), "", at...))
	}
	layer[o.Name] = Value{v, File, r.doc.Problem("", "", "", at...).Place()}
}

func optionOf(key string, takes func(Option) bool) (Option, bool) {
	for _, o := range Options {
		if takes(o) && slices.ContainsFunc(o.Keys(), func(k string) bool { return strings.EqualFold(k, key) }) {
			return o, true
		}
	}
	return Option{}, false
}

func keysOf(takes func(Option) bool) []string {
	var keys []string
	for _, o := range Options {
		if takes(o) {
			keys = append(keys, o.Keys()...)
		}
	}
	return keys
}

// key is how the file writes a top-level table or key, matched in any case of
// letters as in confd, or nothing.
func key(doc *formats.Doc, name string) string {
	for _, k := range doc.Names() {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return ""
}

// hide takes away the line of a problem that shows a password.
func hide(p *problem.Problem) *problem.Problem {
	if mentionsSecret(p.Source) {
		p.Source = ""
	}
	return p
}

// discreet is a syntax problem, without its words where they may quote a
// password.
func discreet(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) && mentionsSecret(p.Source) {
		p.Source, p.Msg = "", "this line is not TOML"
	}
	return err
}

func mentionsSecret(line string) bool {
	line = strings.ToLower(line)
	for _, o := range Options {
		if o.Secret && slices.ContainsFunc(o.Keys(), func(k string) bool { return strings.Contains(line, k) }) {
			return true
		}
	}
	return false
}

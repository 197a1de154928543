package config

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// LoadResource reads one resource file. templates is the directory of its
// sources, name what it is called. The warnings are what confd accepts and
// means something else than it says; the error joins every problem of the
// file.
func LoadResource(path, name, templates string) (*Resource, []*problem.Problem, error) {
	doc, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	return newResource(doc, name, templates)
}

func newResource(doc *formats.Doc, name, templates string) (*Resource, []*problem.Problem, error) {
	r := reader{doc: doc}
	res := &Resource{
		Name: name, File: doc.File, UID: -1, GID: -1,
		templates: templates, doc: doc, table: "template", written: map[string][]string{},
	}
	for _, top := range doc.Names() {
		switch table, isTable := doc.Table[top].(map[string]any); {
		case strings.EqualFold(top, "template") && isTable:
			res.table = top
			r.fields(res, table, []string{top}, Fields)
		case strings.EqualFold(top, "backend") && isTable:
			res.Backend = r.layer(table, []string{top}, Option.InStore)
		case strings.EqualFold(top, "template"), strings.EqualFold(top, "backend"):
			r.fail(doc.Mismatch("a table", top))
		default:
			r.warn(doc.UnknownKey([]string{"template", "backend"}, top))
		}
	}
	if len(r.errors) == 0 {
		r.complete(res)
	}
	return res, r.warnings, join(r.errors)
}

// fields reads a table into the resource.
func (r *reader) fields(res *Resource, t map[string]any, path []string, known []Field) {
	for _, name := range r.doc.Names(path...) {
		at := append(slices.Clone(path), name)
		i := slices.IndexFunc(known, func(f Field) bool { return strings.EqualFold(f.Name, name) })
		limits, isTable := t[name].(map[string]any)
		switch {
		case i >= 0:
			r.field(res, known[i], t[name], at)
		case reserved(strings.ToLower(name)):
			r.fail(r.doc.Problem(problem.Config, fmt.Sprintf("%q is not supported by this version", name), "remove it", at...))
		case strings.EqualFold(name, "limits") && len(path) == 1 && isTable:
			r.fields(res, limits, at, LimitFields)
		default:
			r.unknown(namesOf(known), at)
		}
	}
}

func namesOf(fields []Field) []string {
	names := []string{"limits"}
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

func (r *reader) field(res *Resource, f Field, raw any, at []string) {
	if raw == "" && (f.Kind != Text && f.Kind != Run || len(f.Choices) > 0) {
		return // as if it were not there
	}
	v, p := decode(r.doc, f.Kind, raw, at...)
	if s, ok := v.(string); ok && p == nil && len(f.Choices) > 0 && !slices.Contains(f.Choices, s) {
		p = r.doc.ValueProblem(problem.Config, fmt.Sprintf("invalid %s %q: one of %s", f.Name, s, strings.Join(f.Choices, ", ")), problem.DidYouMean(s, f.Choices), at...)
	}
	if p == nil && f.beyond(v) {
		p = r.doc.ValueProblem(problem.Config, fmt.Sprintf("%q is above the most that wconf allows (%s)", f.Name, f.Most), "", at...)
	}
	if p != nil {
		r.fail(p)
		return
	}
	if s, ok := raw.(string); ok && f.Kind == Mode {
		if res.HasMode = true; modeWarning(s) != "" {
			r.warn(r.doc.ValueProblem(problem.Config, modeWarning(s), "", at...))
		}
	}
	res.written[f.Name] = at
	putField(f.field(res), v)
}

// beyond tells whether a size or a duration is above the field's most.
func (f Field) beyond(v any) bool {
	if f.Most == "" {
		return false
	}
	most, err := parse(f.Kind, f.Most)
	switch v := v.(type) {
	case int64:
		return err == nil && v > most.(int64)
	case time.Duration:
		return err == nil && v > most.(time.Duration)
	}
	return false
}

func putField(at, v any) {
	switch p := at.(type) {
	case *int64:
		*p = v.(int64)
	case *fs.FileMode:
		*p = v.(fs.FileMode)
	case *Command:
		*p = v.(Command)
	case *map[string]string:
		*p = v.(map[string]string)
	default:
		put(at, v)
	}
}

// complete checks what the fields say together and fills the defaults.
func (r *reader) complete(res *Resource) {
	if res.Src == "" {
		r.fail(res.Problem(problem.Config, "empty src template", `write src = "name.tmpl"`, "src"))
	}
	if res.Src != "" && res.Dest == "" {
		r.fail(res.Problem(problem.Config, "dest is missing: the file to write", "", "dest"))
	}
	if res.UID >= 0 && res.Owner != "" {
		r.warn(res.Problem(problem.Config, "uid is set, owner is ignored", "", "owner"))
	}
	if res.GID >= 0 && res.Group != "" {
		r.warn(res.Problem(problem.Config, "gid is set, group is ignored", "", "group"))
	}
	for _, f := range Fields {
		if f.Default == "" || res.Has(f.Name) {
			continue
		}
		if v, err := parse(f.Kind, f.Default); err == nil {
			putField(f.field(res), v)
		}
	}
	if res.DebounceMax == 0 {
		res.DebounceMax = 10 * res.Debounce
	}
	if res.DebounceMax < res.Debounce {
		r.fail(res.Problem(problem.Config, "debounce_max is shorter than debounce", "", "debounce_max"))
	}
}

// WithDebounce gives a resource that sets no debounce the daemon's.
func (r *Resource) WithDebounce(daemon time.Duration) (quiet, most time.Duration) {
	if r.Has("debounce") {
		return r.Debounce, r.DebounceMax
	}
	return daemon, max(r.DebounceMax, 10*daemon)
}

// isTest tells files of `wconf test` from resources.
func isTest(doc *formats.Doc) bool {
	return doc.Has("format") || doc.Has("case") || strings.HasSuffix(doc.File, "_test.toml") && key(doc, "template") == ""
}

// nameOf is what a resource is called: its path below conf.d without .toml,
// so that no two have one name.
func nameOf(path, dir string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		rel = filepath.Base(path)
	}
	rel = filepath.ToSlash(rel)
	if short := strings.TrimSuffix(rel, ".toml"); !strings.HasSuffix(short, "toml") {
		return short
	}
	return rel
}

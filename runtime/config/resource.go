package config

import (
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// Resource is one file of conf.d: what to render, where to, and what to do
// around it. Fields say what each setting does.
type Resource struct {
	Name string // its path below conf.d, without .toml
	File string // its path

	Src    string
	Dest   string
	Keys   []string
	Prefix string

	Owner, Group string
	UID, GID     int // -1: not set
	Mode         fs.FileMode
	HasMode      bool

	CheckCmd         Command
	ReloadCmd        Command
	CheckCmdTimeout  time.Duration // 0: the daemon's
	ReloadCmdTimeout time.Duration // 0: the daemon's

	OutputFormat string
	Functions    map[string]string // name of the template function → source of the guest
	Filters      []string
	Checks       []string
	Stdin        string // "", "lines", "json" or "json-tree"
	Params       map[string]string
	Limits       Limits

	ReloadWhen        string
	Guard             string
	MinReloadInterval time.Duration
	Window            string
	WhileHeld         string // "old" or "new"
	OnError           string // "fail" or "reload"
	OnDrift           string // "repair" or "report"
	Debounce          time.Duration
	DebounceMax       time.Duration

	AllowEmpty bool
	Secret     []string // patterns of keys
	Strict     bool

	Backend Layer // what its [backend] table sets; nil: the daemon's store

	templates string // directory
	doc       *formats.Doc
	table     string // how the file writes "template"
	written   map[string][]string
}

// Limits bound a guest. 0 is the default of the guests' room.
type Limits struct {
	Memory int64 // bytes
	Fuel   int64 // price list fuel/1
	Time   time.Duration
	Output int64 // bytes
	Result int64 // bytes of one answer of a host function
	Stack  int64 // locals of active functions
	Calls  int64 // host calls
	Reads  int64 // bytes of names that are asked for
}

// SourceKind is what a source is, by its name.
type SourceKind string

const (
	Template SourceKind = "template"
	Wasm     SourceKind = "wasm"
	Script   SourceKind = "script"  // JavaScript, run by a guest
	Catalog  SourceKind = "catalog" // catalog:name@range
)

// KindOf tells templates, guests and catalog entries apart.
func KindOf(src string) SourceKind {
	switch {
	case strings.HasPrefix(src, "catalog:"):
		return Catalog
	case strings.HasSuffix(src, ".wasm"):
		return Wasm
	case strings.HasSuffix(src, ".js"):
		return Script
	}
	return Template
}

// Path is the file of a source of this resource: joined below the templates
// directory with cleaning, as in confd, so `..` climbs out of it and an
// absolute path is still put below it. A catalog entry has none.
func (r *Resource) Path(src string) string {
	if KindOf(src) == Catalog {
		return ""
	}
	return filepath.Join(r.templates, src)
}

// Templates is the directory that sources and includes are looked for in.
func (r *Resource) Templates() string { return r.templates }

// Has tells whether the file sets a field.
func (r *Resource) Has(field string) bool { return r.written[field] != nil }

// At gives the place of problems inside the text of a field: offset counts the
// bytes of the text. It never returns nil.
func (r *Resource) At(field string) func(p *problem.Problem, offset int) {
	return r.doc.Inside(r.path(field)...)
}

// Problem is a problem with the value of a field, or with the table where the
// field is not set.
func (r *Resource) Problem(code, msg, hint, field string) *problem.Problem {
	if !r.Has(field) {
		return r.doc.Problem(code, msg, hint, r.table)
	}
	return hide(r.doc.ValueProblem(code, msg, hint, r.path(field)...))
}

func (r *Resource) path(field string) []string {
	if path := r.written[field]; path != nil {
		return path
	}
	return []string{r.table, field}
}

// Store is where the resource's keys come from: the daemon's store with what
// [backend] sets; where that names another kind of store, nothing of the
// daemon's is taken over.
func (r *Resource) Store(daemon Store) Store {
	if r.Backend == nil {
		return daemon
	}
	s := daemon
	if v, ok := r.Backend["backend"]; ok && !strings.EqualFold(v.Any.(string), daemon.Backend) {
		none, _ := Merge(nil, nil, nil, false)
		s = none.Daemon().Store
	}
	d := Daemon{Store: s}
	for _, o := range Options {
		if v, ok := r.Backend[o.Name]; ok {
			o.set(&d, v.Any)
		}
	}
	return d.Store
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/needs"
)

// plainResource and plainTemplate are a configuration that means the same in
// both programs.
const (
	plainResource = "[template]\nsrc = \"a.tmpl\"\ndest = \"out\"\nkeys = [\"/app\"]\n"
	plainTemplate = "{{range gets \"/app/*\"}}{{.Value}} {{end}}{{seq 1 3}}\n"
)

// meetings is, for each difference, the configuration that meets it: files
// beside the plain ones, or in their place, and a line that is added to the
// resource.
var meetings = map[string]struct {
	resource string // lines of the resource
	template string // in place of the plain one
	confd    string // confd.toml
	args     []string
	files    map[string]string // a text that begins with -> is a link
	place    string            // where the first finding is
}{
	"precedence":         {confd: "prefix = \"/p\"\n", args: []string{"-prefix", "/q"}, place: "confd.toml:1:1"},
	"file-and-flags":     {confd: "interval = 5\n", place: "confd.toml:1:1"},
	"environment":        {},
	"unknown-keys":       {resource: "reload_comand = \"true\"", place: "conf.d/a.toml:5:1"},
	"backend":            {confd: "backend = \"consul\"\n", place: "confd.toml:1:1"},
	"etcd-v2":            {confd: "backend = \"etcd\"\n", place: "confd.toml:1:1"},
	"rancher-404":        {confd: "backend = \"rancher\"\n", place: "confd.toml:1:1"},
	"rancher-null":       {confd: "backend = \"rancher\"\n", place: "confd.toml:1:1"},
	"rancher-values":     {args: []string{"-backend", "rancher"}},
	"file-scalars":       {resource: "[backend]\nbackend = \"file\"\nfile = [\"x\"]", place: "conf.d/a.toml:2:7"},
	"file-words":         {confd: "backend = \"file\"\nfile = [\"keys.yaml\"]\n", files: map[string]string{"keys.yaml": "app:\n  a: \"no\"\n  b: nothing\n  c: yes # please\n"}, place: "keys.yaml:4:6"},
	"raw-prefix":         {confd: "backend = \"file\"\n", template: "{{getv \"/application\"}}", place: "templates/a.tmpl:1:8"},
	"keys-star":          {files: map[string]string{"conf.d/a.toml": "[template]\nsrc = \"a.tmpl\"\ndest = \"out\"\nkeys = [\"/app/*\"]\n"}, place: "conf.d/a.toml:4:8"},
	"env-watch":          {confd: "backend = \"env\"\nwatch = true\n", place: "confd.toml:1:1"},
	"prefix":             {confd: "prefix = \"/p\"\n", resource: "prefix = \"/q\"", place: "conf.d/a.toml:5:10"},
	"mode":               {resource: "mode = \"644\"", place: "conf.d/a.toml:5:8"},
	"owner-group":        {resource: "owner = \"root\"", place: "conf.d/a.toml:5:9"},
	"link":               {files: map[string]string{"out": "->target"}, place: "conf.d/a.toml:3:8"},
	"same-dest":          {files: map[string]string{"conf.d/b.toml": plainResource}, place: "conf.d/a.toml:3:8"},
	"configmap":          {files: map[string]string{"conf.d/..data": "->..1", "conf.d/..1/c.toml": ""}, place: "conf.d/..data"},
	"linked-conf.d":      {files: map[string]string{"conf.d": "->elsewhere", "elsewhere/a.toml": plainResource}, place: "conf.d"},
	"check-cmd-old-file": {resource: "check_cmd = \"nginx -t\"", place: "conf.d/a.toml:5:13"},
	"check-cmd-template": {resource: "check_cmd = \"test {{.src}} {{if .src}}{{end}}\"", place: "conf.d/a.toml:5:13"},
	"reload-cmd-paths":   {resource: "reload_cmd = \"cp {{.dest}} x\"", place: "conf.d/a.toml:5:14"},
	"reload-cmd-braces":  {resource: "reload_cmd = \"docker ps --format '{{.ID}}'\"", place: "conf.d/a.toml:5:14"},
	"background":         {resource: "reload_cmd = \"sleep 3 &\"", place: "conf.d/a.toml:5:14"},
	"timeouts":           {resource: "reload_cmd = \"true\"", place: "conf.d/a.toml:5:14"},
	"reload-retried":     {resource: "reload_cmd = \"true\"", place: "conf.d/a.toml:5:14"},
	"reload-once":        {resource: "reload_cmd = \"true\"", files: map[string]string{"conf.d/b.toml": "[template]\nsrc = \"a.tmpl\"\ndest = \"out2\"\nkeys = [\"/app\"]\nreload_cmd = \"true\"\n"}, place: "conf.d/b.toml:5:14"},
	"throttle":           {resource: "min_reload_interval = \"1s\"", place: "conf.d/a.toml:5:23"},
	"debounce":           {resource: "debounce = \"1s\"", place: "conf.d/a.toml:5:12"},
	"reverse-gets":       {template: "{{$all := gets \"/app/*\"}}\n{{range reverse $all}}{{end}}", place: "templates/a.tmpl:2:9"},
	"sort-in-place":      {template: "{{$all := ls \"/app\"}}{{range $all | sortByLength}}{{end}}", place: "templates/a.tmpl:1:37"},
	"json-numbers":       {template: "{{(json (getv \"/app/a\")).n}}", place: "templates/a.tmpl:1:4"},
	"ls-root":            {template: "{{range ls \"/\"}}{{.}}{{end}}", place: "templates/a.tmpl:1:9"},
	"seq-down":           {template: "{{range seq 3 1}}{{.}}{{end}}", place: "templates/a.tmpl:1:9"},
	"template-limits":    {template: strings.Repeat("x", 1<<20+1), place: "templates/a.tmpl"},
	"owner-kept":         {}, // needs root to change an owner, see TestMigrateOwner
}

type migrateRow struct {
	Severity, Code, File, Message string
	Line, Col                     int
}

// runMigrate writes a configuration and says what migrate finds.
func runMigrate(t *testing.T, id string) (code int, rows []migrateRow) {
	t.Helper()
	m := meetings[id]
	files := map[string]string{"conf.d/a.toml": plainResource + m.resource + "\n", "templates/a.tmpl": plainTemplate, "confd.toml": m.confd}
	if m.template != "" {
		files["templates/a.tmpl"] = m.template
	}
	for name, text := range m.files {
		files[name] = text
	}
	if strings.HasPrefix(files["conf.d"], "->") {
		delete(files, "conf.d/a.toml")
	}
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		if to, link := strings.CutPrefix(text, "->"); link {
			must(t, os.Symlink(to, name))
		} else {
			must(t, os.WriteFile(name, []byte(text), 0o644))
		}
	}
	var out, errs bytes.Buffer
	code = wconf(append([]string{"wconf", "migrate", ".", "--json"}, m.args...), strings.NewReader(""), &out, &errs)
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatalf("%v: %s%s", err, &out, &errs)
	}
	return code, rows
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Each difference that a configuration can show is found where it is met, with
// its place, and not in a plain configuration.
func TestMigrate(t *testing.T) {
	for _, d := range differences {
		if d.meets == nil || d.id == "owner-kept" {
			continue
		}
		t.Run(d.id, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if d.id == "environment" {
				t.Setenv("CONFD_INTERVAL", "7")
			}
			code, rows := runMigrate(t, d.id)
			i := slices.IndexFunc(rows, func(r migrateRow) bool { return r.Code == d.id })
			if i < 0 {
				t.Fatalf("not found; found %v", rows)
			}
			if place := placeOf(rows[i]); place != meetings[d.id].place {
				t.Errorf("found at %q, want %q", place, meetings[d.id].place)
			}
			if want := map[bool]string{true: "note", false: "warning"}[d.note]; rows[i].Severity != want {
				t.Errorf("it is a %s", rows[i].Severity)
			}
			if !d.note && code != exitDiffers && d.id != "template-limits" {
				t.Errorf("exit %d", code)
			}
		})
	}
}

func placeOf(r migrateRow) string {
	switch {
	case r.Line == 0:
		return r.File
	case r.Col == 0:
		return fmt.Sprintf("%s:%d", r.File, r.Line)
	}
	return fmt.Sprintf("%s:%d:%d", r.File, r.Line, r.Col)
}

func TestMigrateNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, rows := runMigrate(t, ""); code != exitOK || len(rows) > 0 {
		t.Errorf("exit %d, %v", code, rows)
	}
}

// What does not load has exit code 3; the rest is said all the same.
func TestMigrateBroken(t *testing.T) {
	t.Chdir(t.TempDir())
	must(t, os.MkdirAll("conf.d", 0o755))
	must(t, os.WriteFile("conf.d/broken.toml", []byte("[template]\nsrc = \n"), 0o644))
	code, rows := runMigrate(t, "mode")
	if code != exitLoad || len(rows) != 2 || rows[0].Severity != "problem" || rows[0].File != "conf.d/broken.toml" || rows[1].Code != "mode" {
		t.Errorf("exit %d, %v", code, rows)
	}
	var out bytes.Buffer
	if code := wconf([]string{"wconf", "lint", "--from", "confd", "nowhere"}, nil, &out, &out); code != exitLoad {
		t.Errorf("exit %d: %s", code, &out)
	}
}

const differencesHead = `# Where wconf differs from confd, on purpose

<!-- generated from cmd/wconf: do not edit -->

` + "`wconf migrate DIR`" + ` (or ` + "`wconf lint --from confd DIR`" + `) says where a configuration meets one of these: give it the directory with
confd.toml, conf.d and templates, and the flags of your command line. It changes nothing and asks no store. A warning wants a
look, since files or what is run may differ; a note (n) is good to know. It exits with 0 when there are no warnings, with 6 when
there are, and with 3 when something does not load. What no configuration shows (-) has to be looked for elsewhere.

confd is 0.16; the fork is abtreece/confd.

| | | confd | wconf | where to look |
|---|---|---|---|---|
`

// docs/confd-differences.md is the table that migrate works by.
func TestDifferences(t *testing.T) {
	page := differencesHead
	for _, d := range differences {
		mark := ""
		switch {
		case d.meets == nil:
			mark = "-"
		case d.note:
			mark = "n"
		}
		page += fmt.Sprintf("| %s | %s | %s | %s | %s |\n", d.id, mark, d.confd, d.wconf, d.find)
		if _, ok := meetings[d.id]; ok != (d.meets != nil) || strings.Count(page, "\n| "+d.id+" |") != 1 {
			t.Errorf("%q stands twice, or no configuration meets it", d.id)
		}
	}
	path := filepath.Join("..", "..", "docs", "confd-differences.md")
	if *updatePages {
		must(t, os.WriteFile(path, []byte(page), 0o644))
	} else if old, err := os.ReadFile(path); err != nil || string(old) != page {
		t.Errorf("it is not what the code says (%v); go test ./cmd/wconf -run TestDifferences -update", err)
	}
}

// A file that belongs to somebody else keeps its owner.
func TestMigrateOwner(t *testing.T) {
	needs.Root(t)
	t.Chdir(t.TempDir())
	must(t, os.WriteFile("out", nil, 0o644))
	must(t, os.Chown("out", 1, 1))
	code, rows := runMigrate(t, "owner-kept")
	if code != exitDiffers || len(rows) != 1 || rows[0].Code != "owner-kept" || placeOf(rows[0]) != "conf.d/a.toml:3:8" {
		t.Errorf("exit %d, %v", code, rows)
	}
}

// Only bare words that are whole values are met.
func TestYAMLWords(t *testing.T) {
	for text, want := range map[string]int{
		"a: yes\n": 1, "a: Off": 1, "a: y\r\n": 1, "- no\n- on # x\n": 2, "  -  N\n": 1, "a: [no, x]\n": 1, "[x, on]": 1, "{a: yes}": 1, "- - n\n": 1,
		"a: \"yes\"\n": 0, "a: 'no'\n": 0, "a: yesterday\n": 0, "a: true\n": 0, "a: oN\n": 0, "yes: a\n": 0, "a: not no\n": 0, "a:no\n": 0, "a: no#x\n": 0, "": 0,
	} {
		if got := len(yamlWord.FindAllString(text, -1)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

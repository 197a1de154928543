package admin

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/resource"
)

// scrape is the lines of /metrics that begin with one of the names, and are no
// comments.
func scrape(t *testing.T, a *Admin, s Subject, names ...string) (lines []string) {
	t.Helper()
	w := get(a.metrics.handler(s, slog.New(slog.DiscardHandler)), "GET", "/metrics")
	if w.Code != 200 {
		t.Fatalf("/metrics: %d %s", w.Code, w.Body)
	}
	for line := range strings.Lines(w.Body.String()) {
		if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(line, name) }) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestMetrics(t *testing.T) {
	a := New(Options{Version: "1.2", Commit: "abc"})
	s := &fixed{stores: map[string]cache.Status{
		"etcd":   {Connected: true, Contact: time.Now().Add(-time.Minute), Keys: 3, Hidden: 1, Audits: 5, Differences: 2},
		"etcd-2": {Err: errors.New("SEKRIT")},
	}}
	x := engine.Status{
		Resource: "x", State: resource.Held, Since: time.Now().Add(-time.Hour), Last: resource.Outcome{Dest: "/out"},
		Counts: engine.Counts{Renders: 7, FailedRenders: 2, Writes: 4, Reloads: 3, FailedReloads: 1},
	}
	y := engine.Status{Resource: "y", State: resource.Owed, Err: errors.New("SEKRIT"), Last: resource.Outcome{Dest: "/out"}, Counts: engine.Counts{Writes: 1}}
	s.set(x, y)
	a.metrics.rendered("x", 3*time.Millisecond, nil)
	got := scrape(t, a, s, "wconf_", "confd_")
	for _, want := range []string{
		`wconf_resources 2`, `confd_templates_loaded 2`,
		`wconf_backend_up{backend="etcd"} 1`, `wconf_backend_up{backend="etcd-2"} 0`, `confd_backend_healthy{backend="etcd"} 1`,
		`wconf_cache_keys{backend="etcd"} 3`, `wconf_cache_hidden_keys{backend="etcd"} 1`,
		`wconf_audits_total{backend="etcd"} 5`, `wconf_audit_differences_total{backend="etcd"} 2`, `wconf_audit_differences_total{backend="etcd-2"} 0`,
		`wconf_resource_state{resource="x",state="held"} 1`, `wconf_resource_state{resource="x",state="in sync"} 0`, `wconf_resource_state{resource="y",state="owed"} 1`,
		`wconf_render_total{resource="x",result="ok"} 5`, `wconf_render_total{resource="x",result="failed"} 2`,
		`wconf_reload_total{resource="x",result="ok"} 3`, `wconf_reload_total{resource="x",result="failed"} 1`,
		`wconf_render_seconds_bucket{le="0.0025"} 0`, `wconf_render_seconds_bucket{le="0.005"} 1`, `wconf_render_seconds_count 1`,
		`wconf_held_seconds{resource="y"} 0`, `wconf_owed 1`, `wconf_file_writes_total{resource="x"} 4`,
		`confd_file_changed_total 5`, `confd_file_sync_total{dest="/out"} 5`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{`wconf_backend_last_contact_seconds{backend="etcd"} 60.`, `wconf_held_seconds{resource="x"} 3600.`, `wconf_build_info{commit="abc",go="go1.`} {
		if !strings.Contains(all, want) {
			t.Errorf("%s… is missing", want)
		}
	}
	for _, not := range []string{"SEKRIT", `last_contact_seconds{backend="etcd-2"}`} {
		if strings.Contains(all, not) {
			t.Errorf("%s is there:\n%s", not, all)
		}
	}
	s.set(y)
	if gone := scrape(t, a, s, "wconf_"); strings.Contains(strings.Join(gone, "\n"), `resource="x"`) {
		t.Error("a resource that is gone is shown")
	}
}

// Every metric that is served is in the reference, and the other way round.
func TestReferenceIsWhole(t *testing.T) {
	s := &fixed{stores: map[string]cache.Status{"etcd": {Contact: time.Now()}}}
	x := done("x", resource.InSync)
	x.Writes, x.Last.Dest = 1, "/out"
	s.set(x)
	served := map[string]bool{}
	for _, line := range scrape(t, New(Options{}), s, "# TYPE wconf_", "# TYPE confd_") {
		served[strings.Fields(line)[2]+" "+strings.Fields(line)[3]] = true
	}
	for _, m := range Metrics() {
		for _, name := range []string{m.Name, m.Also} {
			if name != "" && !served[name+" "+m.Kind] {
				t.Errorf("%s %s is not served", m.Kind, name)
			}
			delete(served, name+" "+m.Kind)
		}
	}
	for name := range served {
		t.Errorf("%s is not in the reference", name)
	}
}

func TestOddNames(t *testing.T) {
	long := strings.Repeat("é", 300)
	names := []string{"nginx", `a"b\c`, "a\nb", "a\rb", "a\xffb", "a\xfeb", long, long + "x", "\x1b[31m", ""}
	s, seen := &fixed{}, map[string]string{}
	var all []engine.Status
	for _, name := range names {
		all = append(all, done(name, resource.InSync))
		label := bounded(name)
		if other, ok := seen[label]; ok || len(label) > longestLabel || !utf8.ValidString(label) || strings.ContainsAny(label, "\n\r\x1b") {
			t.Errorf("%q and %q are the label %q", name, other, label)
		}
		seen[label] = name
	}
	if bounded(`a"b\c`) != `a"b\c` {
		t.Error("a name that can be escaped was changed")
	}
	s.set(all...)
	if lines := scrape(t, New(Options{}), s, "wconf_held_seconds{"); len(lines) != len(names) {
		t.Errorf("%d of %d names are shown: %q", len(lines), len(names), lines)
	}
}

func FuzzBounded(f *testing.F) {
	for _, name := range []string{"nginx", "a\nb", "\xff", strings.Repeat("é", 70)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if label := bounded(name); len(label) > longestLabel || !utf8.ValidString(label) {
			t.Errorf("%q is the label %q", name, label)
		}
	})
}

// The table of docs/monitoring.md is the one of the code;
// WCONF_UPDATE_DOCS=1 writes it.
func TestDocumentation(t *testing.T) {
	const path, begin, end = "../../docs/monitoring.md", "<!-- metrics -->\n", "<!-- end of metrics -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	table, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", path, begin, end)
	}
	if table == Reference() {
		return
	}
	if os.Getenv("WCONF_UPDATE_DOCS") == "" {
		t.Fatalf("the table of %s is not that of the code", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+Reference()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

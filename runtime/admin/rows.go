package admin

import (
	"fmt"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/resource"
)

// Metric is one row of the reference.
type Metric struct {
	Name   string
	Also   string // the same under the name that abtreece/confd has for it
	Kind   string // "gauge", "counter" or "histogram"
	Labels []string
	Help   string
}

// row is a metric and how it is read from a scene.
type row struct {
	Metric
	each func(s scene, put func(value float64, labels ...string))
}

// scene is what one scrape sees.
type scene struct {
	resources []engine.Status
	stores    map[string]cache.Status
	build     []string
	now       time.Time
}

// renderSeconds is the one metric that is counted as it happens.
var renderSeconds = Metric{Name: "wconf_render_seconds", Kind: "histogram", Help: "Time of a render, of whatever resource, without waiting for a processor."}

var rows = []row{
	{Metric{Name: "wconf_build_info", Kind: "gauge", Labels: []string{"version", "commit", "go"}, Help: "Always 1."},
		func(s scene, put func(float64, ...string)) { put(1, s.build...) }},
	{Metric{Name: "wconf_resources", Also: "confd_templates_loaded", Kind: "gauge", Help: "Resources that work."},
		func(s scene, put func(float64, ...string)) { put(float64(len(s.resources))) }},
	{Metric{Name: "wconf_backend_up", Also: "confd_backend_healthy", Kind: "gauge", Labels: []string{"backend"}, Help: "1 while the store answers, 0 while it is away."},
		perStore(func(st cache.Status) float64 { return number(st.Connected) })},
	{Metric{Name: "wconf_backend_last_contact_seconds", Kind: "gauge", Labels: []string{"backend"}, Help: "Time since the store last said that the keys are up to date. Absent before the first time."},
		lastContact},
	{Metric{Name: "wconf_cache_keys", Kind: "gauge", Labels: []string{"backend"}, Help: "Keys in the cache of a store."},
		perStore(func(st cache.Status) float64 { return float64(st.Keys) })},
	{Metric{Name: "wconf_cache_hidden_keys", Kind: "gauge", Labels: []string{"backend"}, Help: "Keys of a store that no resource can see, because their names are not clean paths. Counted up to 1000."},
		perStore(func(st cache.Status) float64 { return float64(st.Hidden) })},
	{Metric{Name: "wconf_audits_total", Kind: "counter", Labels: []string{"backend"}, Help: "How often the keys of a store were compared with the cache: about daily, at SIGUSR1, and when etcd's watch found a difference by itself. Always 0 for a store that cannot be compared."},
		perStore(func(st cache.Status) float64 { return float64(st.Audits) })},
	{Metric{Name: "wconf_audit_differences_total", Kind: "counter", Labels: []string{"backend"}, Help: "How many of these found other keys in the store, which were then listed again. It should stay 0."},
		perStore(func(st cache.Status) float64 { return float64(st.Differences) })},
	{Metric{Name: "wconf_resource_state", Kind: "gauge", Labels: []string{"resource", "state"}, Help: "1 for the state a resource is in, 0 for the six others: in sync, held, owed, guarded, stale, failed, paused."},
		states},
	{Metric{Name: "wconf_render_total", Kind: "counter", Labels: []string{"resource", "result"}, Help: "Renders of a resource; result is ok or failed."},
		perResult(func(c engine.Counts) (all, failed int) { return c.Renders, c.FailedRenders })},
	{Metric{Name: "wconf_reload_total", Kind: "counter", Labels: []string{"resource", "result"}, Help: "Runs of a resource's reload_cmd; result is ok or failed. A run that several resources share counts for each."},
		perResult(func(c engine.Counts) (all, failed int) { return c.Reloads + c.FailedReloads, c.FailedReloads })},
	{Metric{Name: "wconf_held_seconds", Kind: "gauge", Labels: []string{"resource"}, Help: "How long a reload has been held back by its condition; 0 when none is."},
		held},
	{Metric{Name: "wconf_owed", Kind: "gauge", Help: "Resources whose service must still be reloaded."},
		func(s scene, put func(float64, ...string)) { put(float64(s.in(resource.Owed))) }},
	{Metric{Name: "wconf_file_writes_total", Kind: "counter", Labels: []string{"resource"}, Help: "How often the destination of a resource was replaced."},
		func(s scene, put func(float64, ...string)) {
			for _, r := range s.resources {
				put(float64(r.Writes), r.Resource)
			}
		}},
	{Metric{Name: "confd_file_changed_total", Kind: "counter", Help: "The sum of wconf_file_writes_total, as abtreece/confd counts it."},
		func(s scene, put func(float64, ...string)) {
			sum := 0
			for _, r := range s.resources {
				sum += r.Writes
			}
			put(float64(sum))
		}},
	{Metric{Name: "confd_file_sync_total", Kind: "counter", Labels: []string{"dest"}, Help: "How often a destination was replaced, as abtreece/confd counts it."},
		perDestination},
}

// Metrics is every metric of wconf's own, in the order of the reference.
func Metrics() []Metric {
	var all []Metric
	for _, r := range rows {
		all = append(all, r.Metric)
		if r.Name == "wconf_render_total" {
			all = append(all, renderSeconds)
		}
	}
	return all
}

// Reference is the table of the metrics, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("| Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n")
	for _, m := range Metrics() {
		name := "`" + m.Name + "`"
		if m.Also != "" {
			name += ", also `" + m.Also + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, m.Kind, strings.Join(m.Labels, ", "), m.Help)
	}
	return b.String()
}

func perStore(value func(cache.Status) float64) func(scene, func(float64, ...string)) {
	return func(s scene, put func(float64, ...string)) {
		for name, st := range s.stores {
			put(value(st), name)
		}
	}
}

func lastContact(s scene, put func(float64, ...string)) {
	for name, st := range s.stores {
		if !st.Contact.IsZero() {
			put(s.now.Sub(st.Contact).Seconds(), name)
		}
	}
}

func states(s scene, put func(float64, ...string)) {
	for _, r := range s.resources {
		for state := resource.InSync; state <= resource.Paused; state++ {
			put(number(r.State == state), r.Resource, state.String())
		}
	}
}

func perResult(counts func(engine.Counts) (all, failed int)) func(scene, func(float64, ...string)) {
	return func(s scene, put func(float64, ...string)) {
		for _, r := range s.resources {
			all, failed := counts(r.Counts)
			put(float64(all-failed), r.Resource, "ok")
			put(float64(failed), r.Resource, "failed")
		}
	}
}

func held(s scene, put func(float64, ...string)) {
	for _, r := range s.resources {
		seconds := 0.0
		if r.State == resource.Held {
			seconds = max(0, s.now.Sub(r.Since).Seconds())
		}
		put(seconds, r.Resource)
	}
}

// perDestination adds up the resources that write one file.
func perDestination(s scene, put func(float64, ...string)) {
	writes := map[string]int{}
	for _, r := range s.resources {
		if r.Writes > 0 && r.Last.Dest != "" {
			writes[r.Last.Dest] += r.Writes
		}
	}
	for dest, n := range writes {
		put(float64(n), dest)
	}
}

// in is how many resources are in a state.
func (s scene) in(state resource.State) (n int) {
	for _, r := range s.resources {
		if r.State == state {
			n++
		}
	}
	return n
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

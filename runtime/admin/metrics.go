package admin

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what /metrics shows. All but the histogram is read from the
// subject at each scrape, so what is gone from the configuration is gone there.
type metrics struct {
	build   []string
	seconds prometheus.Histogram
}

func newMetrics(version, commit string) *metrics {
	return &metrics{
		build: []string{version, commit, runtime.Version()},
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: renderSeconds.Name, Help: renderSeconds.Help,
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
}

func (m *metrics) rendered(_ string, took time.Duration, _ error) { m.seconds.Observe(took.Seconds()) }

// handler serves a registry of its own. A scrape that finds the main loop
// stuck is given up after a while.
func (m *metrics) handler(s Subject, log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.seconds, collector{m, s},
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

// collector reads the rows from a subject.
type collector struct {
	metrics *metrics
	subject Subject
}

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, r := range rows {
		for _, name := range r.names() {
			to <- r.desc(name)
		}
	}
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	now := scene{c.subject.Status(), c.subject.Stores(), c.metrics.build, time.Now()}
	for _, r := range rows {
		for _, name := range r.names() {
			desc := r.desc(name)
			r.each(now, func(value float64, labels ...string) {
				to <- prometheus.MustNewConstMetric(desc, r.valueType(), value, allBounded(labels)...)
			})
		}
	}
}

func (r row) names() []string {
	if r.Also == "" {
		return []string{r.Name}
	}
	return []string{r.Name, r.Also}
}

func (r row) desc(name string) *prometheus.Desc {
	return prometheus.NewDesc(name, r.Help, r.Labels, nil)
}

func (r row) valueType() prometheus.ValueType {
	if r.Kind == "counter" {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}

// longestLabel is the most bytes of a name that become the value of a label.
const longestLabel = 128

func allBounded(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = bounded(name)
	}
	return all
}

// bounded is a name as the value of a label: UTF-8 without control characters
// and not too long. A name that had to be changed ends in a hash, so that two
// of them stay two.
func bounded(name string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(name, string(utf8.RuneError)))
	if clean == name && len(name) <= longestLabel {
		return name
	}
	hash := fmt.Sprintf("~%.4x", sha256.Sum256([]byte(name)))
	return strings.ToValidUTF8(clean[:min(len(clean), longestLabel-len(hash))], "") + hash
}

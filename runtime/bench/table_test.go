package bench

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// figure is one number that a benchmark came to.
type figure struct {
	unit  string
	value float64
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// report gives figures to the benchmark, in place of the time that it took.
func report(b *testing.B, figures ...figure) {
	b.ReportMetric(0, "ns/op")
	line := row{name: strings.TrimPrefix(b.Name(), "Benchmark")}
	for _, f := range figures {
		b.ReportMetric(f.value, f.unit)
		line.figures = append(line.figures, fmt.Sprintf("%s %s", number(f.value), f.unit))
	}
	table.Lock()
	defer table.Unlock()
	table.rows = slices.DeleteFunc(table.rows, func(r row) bool { return r.name == line.name })
	table.rows = append(table.rows, line)
}

func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// percentiles are the figures of a latency.
func percentiles(took []time.Duration) []figure {
	slices.Sort(took)
	at := func(p int) float64 { return ms(took[min(len(took)-1, len(took)*p/100)]) }
	return []figure{{"p50-ms", at(50)}, {"p95-ms", at(95)}, {"p99-ms", at(99)}}
}

type row struct {
	name    string
	figures []string
}

var table struct {
	sync.Mutex
	rows []row
}

// TestMain prints the table at the end, beside the lines for benchstat.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if len(table.rows) > 0 {
		w := tabwriter.NewWriter(os.Stderr, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "\nbenchmark\tfigures")
		for _, r := range table.rows {
			fmt.Fprintln(w, r.name+"\t"+strings.Join(r.figures, "\t"))
		}
		w.Flush()
	}
	os.Exit(code)
}

// pick is the size of a world: small with -short.
func pick[T any](short, full T) T {
	if testing.Short() {
		return short
	}
	return full
}

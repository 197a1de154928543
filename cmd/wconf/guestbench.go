package main

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/wasm"
)

func (p *program) guestBenchCommand() *cli.Command {
	return &cli.Command{
		Name: "bench", Usage: "run a guest many times: how long it takes and what it uses", ArgsUsage: "FILE [FUNCTION [ARGUMENT ...]]",
		Description: "Each run is a fresh instance, as in the daemon, and asks for the same keys.",
		Flags: append(trialFlags(),
			&cli.IntFlag{Name: "count", Usage: "run it `N` times (default: for a second)"},
			&cli.BoolFlag{Name: "json", Usage: "print an object"}),
		Action: p.guestBench,
	}
}

func (p *program) guestBench(c *cli.Context) error {
	if c.Int("count") < 0 {
		return &usageError{"--count is below 0", ""}
	}
	t, err := p.openTrial(c)
	if err != nil {
		return err
	}
	defer t.runtime.Close()
	b, err := t.bench(c.Context, c.Int("count"), time.Second)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.json(b)
	}
	row := func(name, format string, args ...any) {
		fmt.Fprintf(p.out, "%-8s "+format+"\n", append([]any{name}, args...)...)
	}
	row("runs", "%d", b.Runs)
	row("median", "%s", time.Duration(b.Median).Round(time.Microsecond))
	row("p95", "%s", time.Duration(b.P95).Round(time.Microsecond))
	row("fuel", "%d (%s)", b.Fuel, wasm.PriceList)
	row("calls", "%d", b.Calls)
	row("memory", "%s", mebibytes(b.Memory))
	row("output", "%d bytes", b.Output)
	row("wconf", "%d allocations, %d bytes", b.Allocations, b.Allocated)
	return nil
}

// benchmark is what one run of a guest takes, of many.
type benchmark struct {
	Runs        int    `json:"runs"`
	Median      int64  `json:"median_ns"`
	P95         int64  `json:"p95_ns"`
	Fuel        uint64 `json:"fuel"`
	Calls       uint64 `json:"calls"`  // of host functions
	Memory      uint64 `json:"memory"` // bytes that the guest's memory grew to
	Output      int    `json:"output"` // bytes
	Allocations uint64 `json:"allocations"`
	Allocated   uint64 `json:"allocated"` // bytes, by wconf itself
}

// bench runs the guest count times; 0: for as long as given.
func (t *trial) bench(ctx context.Context, count int, long time.Duration) (benchmark, error) {
	for range 3 { // the first runs find nothing in any cache
		if _, err := t.run(ctx); err != nil {
			return benchmark{}, err
		}
	}
	var took []time.Duration
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	for began := time.Now(); ctx.Err() == nil; {
		if len(took) == count && count > 0 || count == 0 && time.Since(began) >= long {
			break
		}
		start := time.Now()
		if _, err := t.run(ctx); err != nil {
			return benchmark{}, err
		}
		took = append(took, time.Since(start))
	}
	goruntime.ReadMemStats(&after)
	if len(took) == 0 {
		return benchmark{}, context.Cause(ctx)
	}
	slices.Sort(took)
	n := uint64(len(took))
	b := benchmark{Runs: len(took), Median: int64(took[len(took)/2]), P95: int64(took[len(took)*95/100]), Fuel: t.stats.Fuel, Memory: t.stats.Memory,
		Output: t.stats.Written, Allocations: (after.Mallocs - before.Mallocs) / n, Allocated: (after.TotalAlloc - before.TotalAlloc) / n}
	for _, calls := range t.stats.Calls {
		b.Calls += calls
	}
	return b, nil
}

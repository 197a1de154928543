// Package testrun is `wconf test`: it reads *_test.toml files and plays their
// cases on the daemon's own rooms, with a clock, a store, a disk and commands
// that are not real.
//
// It promises that nothing passes by accident: a case that expects nothing
// fails, and so does an error that nobody expects, a golden that is missing and
// a name that nothing takes. Time in a case is virtual; nothing waits. It
// writes goldens when it is asked to, and no other file that is not temporary;
// it runs a real check_cmd when it is asked to, and never a reload_cmd.
package testrun

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	wconf "github.com/wconf/wconf/runtime"
)

// Options say which cases to run, and how. The zero value runs everything below
// the working directory.
type Options struct {
	Paths     []string  // see Find; none: ./...
	Select    Selection // which of their cases
	Update    Update    // which goldens to write
	Jobs      int       // cases at a time; 0: as many as there are cores
	FailFast  bool      // begin no case after the first failure
	AllowExec bool      // cases may run the real check_cmd
	CI        bool      // a build server runs this: cases marked `only` are refused
	Now       time.Time // for skip_until; zero: now

	Guests *wconf.Guests // compiled before; nil: the run has its own, and keeps nothing
}

// Run runs the cases. Files that cannot be used are part of the report; the
// error is a path that leads nowhere, a wrong pattern, or ctx's end.
func Run(ctx context.Context, o Options) (*Report, error) {
	start := time.Now()
	if o.Now.IsZero() {
		o.Now = start
	}
	found, err := Find(o.Paths)
	if err != nil {
		return nil, err
	}
	r := &runner{opt: o, guests: o.Guests}
	if r.guests == nil {
		r.guests = wconf.NewGuests("", slog.New(slog.DiscardHandler))
		defer r.guests.Close() //nolint:errcheck // nothing of it is kept
	}
	report := &Report{}
	for _, f := range found {
		if fr := r.open(ctx, f); fr != nil {
			report.Files = append(report.Files, fr)
		}
	}
	r.only(report)
	r.play(ctx, report)
	for _, fr := range report.Files {
		fr.close()
	}
	report.Goldens, report.Took = r.goldens.list(), time.Since(start)
	return report, context.Cause(ctx)
}

// runner is one run of `wconf test`.
type runner struct {
	opt     Options
	guests  *wconf.Guests
	goldens goldens
	stop    atomic.Bool
}

// open lays out a file and makes ready what its cases have in common; nil when
// none of them is selected.
func (r *runner) open(ctx context.Context, f Found) *FileReport {
	fr := r.layOut(f)
	if fr == nil || len(fr.Broken) > 0 {
		return fr
	}
	var err error
	if fr.world, err = r.prepare(ctx, fr.file); err != nil {
		fr.Broken, fr.Results = problemsOf(err), nil
	}
	return fr
}

// layOut reads a file and finds its rows.
func (r *runner) layOut(f Found) *FileReport {
	fr := &FileReport{Path: f.Path}
	file, err := Load(f.Path)
	if err != nil {
		fr.Broken = problemsOf(err)
		return fr
	}
	fr.Name, fr.file = file.Name, file
	for i := range file.Cases {
		for _, row := range file.rows(i) {
			if f.takes(row) && r.opt.Select.takes(row) {
				fr.Results = append(fr.Results, newResult(row))
			}
		}
	}
	if len(fr.Results) == 0 {
		return nil
	}
	fr.whole = len(fr.Results) == file.countRows()
	return fr
}

// only leaves the cases that are marked so, where some are.
func (r *runner) only(report *Report) {
	marked := slices.ContainsFunc(report.Files, func(f *FileReport) bool {
		return slices.ContainsFunc(f.Results, func(res *Result) bool { return res.row.Only })
	})
	if !marked {
		return
	}
	for _, f := range report.Files {
		for _, res := range f.Results {
			switch {
			case !res.row.Only:
				res.skip("another case is marked only")
			case r.opt.CI:
				res.fail(Failure{Place: res.row.place("only"), Msg: "only = true leaves all other cases out; a build server must not"})
			}
		}
	}
}

// play runs what is left to run, several cases at a time.
func (r *runner) play(ctx context.Context, report *Report) {
	jobs := r.opt.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	slots := make(chan struct{}, jobs)
	var all sync.WaitGroup
	for _, f := range report.Files {
		for _, res := range f.Results {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				r.one(ctx, f, res)
			})
		}
	}
	all.Wait()
}

func (r *runner) one(ctx context.Context, f *FileReport, res *Result) {
	if res.Outcome != "" {
		return
	}
	if why := r.skipped(res.row); why != "" {
		res.skip(why)
		return
	}
	if r.stop.Load() || ctx.Err() != nil {
		res.skip("the run was stopped")
		return
	}
	start := time.Now()
	r.playRow(ctx, f.world, res)
	res.Took = time.Since(start)
	res.settle()
	if res.Outcome == Failed && r.opt.FailFast {
		r.stop.Store(true)
	}
}

// problemsOf takes joined errors apart.
func problemsOf(err error) (all []error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, problemsOf(e)...)
		}
		return all
	}
	return []error{err}
}

// List lays out the rows that Run would run, and runs none.
func List(o Options) (*Report, error) {
	found, err := Find(o.Paths)
	if err != nil {
		return nil, err
	}
	r := &runner{opt: o}
	report := &Report{}
	for _, f := range found {
		if fr := r.layOut(f); fr != nil {
			report.Files = append(report.Files, fr)
		}
	}
	return report, nil
}

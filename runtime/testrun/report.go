package testrun

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outcome is how a row ended.
type Outcome string

// How rows end.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Report is what a run found.
type Report struct {
	Files   []*FileReport
	Goldens []string // that were written
	Took    time.Duration
}

// FileReport is what a run found in one file.
type FileReport struct {
	Path, Name string
	Broken     []error // why the file, its resource or its fixture does not load
	Results    []*Result
	Warnings   []string

	file  *File
	world *world
	whole bool // every row of it was selected
}

// close frees what the file's cases had in common, and tells what is odd.
func (f *FileReport) close() {
	if f.world == nil {
		return
	}
	f.Warnings = f.world.warnings
	ran := f.whole && !slices.ContainsFunc(f.Results, func(r *Result) bool { return r.Outcome == Skipped })
	if ran && len(f.world.unread) > 0 && len(f.Broken) == 0 {
		f.Warnings = append(f.Warnings, fmt.Sprintf("no case reads %s of the fixture", strings.Join(sorted(f.world.unread), ", ")))
	}
	f.world.close()
}

// Failure is one thing that is not as it must be.
type Failure struct {
	Place  string // file:line of the expectation
	Step   string // "step 2 (+1s)"; empty in a case of one step
	Msg    string
	Detail []string
}

// Result is how one row ended.
type Result struct {
	Title    string
	Line     int
	Tags     []string
	Outcome  Outcome
	Why      string // it was skipped
	Failures []Failure
	Warnings []string
	Took     time.Duration

	row *Row
	mu  sync.Mutex
}

func newResult(row *Row) *Result {
	return &Result{Title: row.Title, Line: row.Line(), Tags: row.AllTags(), row: row}
}

// Address is what selects the row on the command line.
func (r *Result) Address() string { return r.row.Address() }

func (r *Result) skip(why string) { r.Outcome, r.Why = Skipped, why }

func (r *Result) fail(f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Outcome = Failed
	r.Failures = append(r.Failures, f)
}

// failOnce is for what every render of a case would say again.
func (r *Result) failOnce(f Failure) {
	if !slices.ContainsFunc(r.Failures, func(o Failure) bool { return o.Msg == f.Msg }) {
		r.fail(f)
	}
}

func (r *Result) warn(msg string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.Warnings, msg) {
		r.Warnings = append(r.Warnings, msg)
	}
}

func (r *Result) settle() { r.Outcome = cmp.Or(r.Outcome, Passed) }

// Counts are how many rows ended in each way, and how many files are broken.
func (r *Report) Counts() (passed, failed, skipped, broken int) {
	for _, f := range r.Files {
		if len(f.Broken) > 0 {
			broken++
		}
		for _, res := range f.Results {
			switch res.Outcome {
			case Passed:
				passed++
			case Failed:
				failed++
			case Skipped:
				skipped++
			}
		}
	}
	return passed, failed, skipped, broken
}

// Exit is the exit code: 0 all is well, 1 a case failed, 3 a file does not
// load, 5 nothing ran, 6 goldens were written.
func (r *Report) Exit() int {
	passed, failed, _, broken := r.Counts()
	switch {
	case broken > 0:
		return 3
	case failed > 0:
		return 1
	case passed == 0:
		return 5
	case len(r.Goldens) > 0:
		return 6
	}
	return 0
}

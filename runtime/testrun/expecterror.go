package testrun

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// trouble is about the error that stands at the end of the step.
func (x *expecting) trouble() {
	want := x.e.Error
	if want == nil {
		return
	}
	err := x.play.trouble()
	if err == nil {
		x.fail("expected an error, and nothing is wrong", nil, "error")
		return
	}
	var p *problem.Problem
	errors.As(err, &p)
	if p == nil {
		p = &problem.Problem{}
	}
	if want.Code != "" && p.Code != want.Code {
		x.fail(fmt.Sprintf("expected an error with the code %q, got %q", want.Code, p.Code), details(err), "error", "code")
	}
	if want.Match != "" && !strings.Contains(err.Error()+"\n"+p.Hint, want.Match) {
		x.fail(fmt.Sprintf("the error does not say %q", want.Match), details(err), "error", "match")
	}
	if want.At != "" && !isAt(p, want.At) {
		x.fail(fmt.Sprintf("expected an error at %s, got one at %s", want.At, cmp.Or(p.Place(), "no place")), details(err), "error", "at")
	}
}

// isAt tells whether a place ends in what is written: directories at its
// beginning, and the column or the line at its end, may be left out.
func isAt(p *problem.Problem, at string) bool {
	places := []string{p.Place()}
	if p.Line > 0 {
		places = append(places, fmt.Sprintf("%s:%d", p.File, p.Line), p.File)
	}
	return slices.ContainsFunc(places, func(place string) bool { return place == at || strings.HasSuffix(place, "/"+at) })
}

// guest is about what guests used and said in the step.
func (x *expecting) guest() {
	e := x.e.Guest
	if e == nil {
		return
	}
	got := x.step.guest
	if x.step.invoked == 0 {
		x.fail("no guest ran in this step", nil, "guest")
		return
	}
	if e.FuelMax != nil && got.Fuel > *e.FuelMax {
		x.fail(fmt.Sprintf("expected at most %d units of fuel, got %d", *e.FuelMax, got.Fuel), nil, "guest", "fuel_max")
	}
	if max, _ := parseSize(e.MemoryMax); e.MemoryMax != "" && got.Memory > max {
		x.fail(fmt.Sprintf("expected at most %s of memory, got %d bytes", e.MemoryMax, got.Memory), nil, "guest", "memory_max")
	}
	if e.TimeMax != nil && got.Time > *e.TimeMax {
		x.fail(fmt.Sprintf("expected at most %s, got %s", *e.TimeMax, got.Time.Round(time.Microsecond)), []string{"time depends on the machine and its load; fuel_max does not"}, "guest", "time_max")
	}
	for _, name := range slices.Sorted(maps.Keys(e.HostCalls)) {
		if n := got.Calls[name]; n != e.HostCalls[name] {
			x.fail(fmt.Sprintf("expected %d calls of %s, got %d", e.HostCalls[name], name, n), callLines(got.Calls), "guest", "host_calls", name)
		}
	}
	if e.Denied != nil {
		want, denied := slices.Sorted(slices.Values(e.Denied)), slices.Compact(slices.Sorted(slices.Values(got.Denied)))
		if !slices.Equal(want, denied) {
			x.fail(fmt.Sprintf("expected denied = %s, got %s", list(want), list(denied)), nil, "guest", "denied")
		}
	}
	for i, part := range e.Log {
		if !slices.ContainsFunc(x.step.said, func(line string) bool { return strings.Contains(line, part) }) {
			x.fail(fmt.Sprintf("no guest says %q", part), x.step.said, "guest", "log", strconv.Itoa(i))
		}
	}
	x.deterministic(e.Deterministic)
}

func callLines(calls map[string]uint64) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		lines = append(lines, fmt.Sprintf("%s %d", name, calls[name]))
	}
	return lines
}

func (x *expecting) deterministic(times int) {
	if times == 0 || x.plan == nil {
		return
	}
	for range times - 1 {
		if !x.checkSame(x.plan, x.scope) {
			return
		}
	}
}

// parseSize reads "4MiB" or "4096".
func parseSize(text string) (uint64, error) {
	number, unit := text, uint64(1)
	for suffix, u := range map[string]uint64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1e3, "MB": 1e6, "GB": 1e9} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = n, u
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
	if err != nil {
		return 0, fmt.Errorf(`%q is no size such as "4MiB"`, text)
	}
	return n * unit, nil
}

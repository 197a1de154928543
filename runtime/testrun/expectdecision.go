package testrun

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// destination is about the file, and what the step changed there.
func (x *expecting) destination() {
	e, now := x.e, x.disk.file(x.conf.Dest)
	flag(x, "rendered", e.Rendered, x.step.renders > 0, x.readKeys()...)
	flag(x, "written", e.Written, x.step.written)
	flag(x, "drift", e.Drift, x.step.drift)
	if e.Mode != "" {
		want, _ := strconv.ParseUint(e.Mode, 8, 32)
		switch {
		case now == nil:
			x.fail(fmt.Sprintf("expected mode = %q, and there is no file", e.Mode), nil, "mode")
		case uint64(now.mode) != want:
			x.want("mode", e.Mode, fmt.Sprintf("%04o", now.mode))
		}
	}
	if e.Diff == "" && e.DiffLines == nil {
		return
	}
	standing, _ := x.standing()
	text := diffOf("before", x.step.before, "after", standing)
	if e.Diff != "" {
		x.golden("diff", e.Diff, text)
	}
	if e.DiffLines != nil {
		added, removed := countLines(text)
		for _, c := range []struct {
			field string
			want  *int
			got   int
		}{{"diff_lines.added", e.DiffLines.Added, added}, {"diff_lines.removed", e.DiffLines.Removed, removed}} {
			if c.want != nil {
				x.want(c.field, *c.want, c.got, indent(text)...)
			}
		}
	}
}

// decision is about the reload.
func (x *expecting) decision() {
	e, got := x.e, x.step.decision
	if got == "" {
		got = "none"
	}
	if e.Reload != "" {
		x.want("reload", e.Reload, got, x.why()...)
	}
	if e.Wake != nil {
		wake := x.status().Wake
		switch {
		case wake.IsZero():
			x.fail(fmt.Sprintf("expected wake = %q, and nothing waits for a time", *e.Wake), x.why(), "wake")
		case wake.Sub(x.clock.Now()) != *e.Wake:
			x.want("wake", e.Wake.String(), wake.Sub(x.clock.Now()).String(), x.why()...)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(e.Leaf)) {
		x.leaf(text, e.Leaf[text])
	}
	if e.ReloadsTotal != nil {
		x.want("reloads_total", *e.ReloadsTotal, x.total)
	}
}

func (x *expecting) leaf(text string, want bool) {
	var texts []string
	for _, l := range x.step.leaves {
		if l.Text == text {
			if l.Value != want || l.Err != nil {
				x.fail(fmt.Sprintf("expected %s to be %t, it is %t", text, want, l.Value), x.why(), "leaf", text)
			}
			return
		}
		texts = append(texts, l.Text)
	}
	msg := fmt.Sprintf("the condition has no part %s", text)
	if len(texts) == 0 {
		msg = "no condition was judged in this step"
	}
	x.fail(msg, texts, "leaf", text)
}

package testrun

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/wconf/wconf/runtime/kv"
)

// judge looks at the end of a step: an error that nobody expects, then what is
// expected.
func (p *play) judge(e *Expect) {
	if p.ctx.Err() != nil {
		return
	}
	if err := p.trouble(); err != nil && !e.declares() {
		msg, detail := "unexpected error", details(err)
		if len(detail) > 0 {
			msg, detail = msg+": "+detail[0], detail[1:]
		}
		p.res.fail(Failure{Place: p.file.place(p.step.path...), Step: p.step.title(), Msg: msg, Detail: detail})
	}
	if e != nil {
		p.expect(e)
	}
}

// declares tells whether an error is expected.
func (e *Expect) declares() bool {
	return e != nil && (e.Error != nil || e.Reload == "failed" || slices.Contains([]string{"failed", "owed", "guarded"}, e.Status))
}

func (p *play) expect(e *Expect) {
	x := &expecting{p, e, append(slices.Clone(p.step.path), "expect")}
	x.output()
	x.destination()
	x.decision()
	x.world()
	x.trouble()
	x.guest()
}

// expecting holds what is expected against what happened.
type expecting struct {
	*play
	e    *Expect
	path []string
}

func (x *expecting) fail(msg string, detail []string, path ...string) {
	x.res.fail(Failure{Place: x.file.place(append(slices.Clone(x.path), path...)...), Step: x.step.title(), Msg: msg, Detail: detail})
}

// want fails unless both are equal.
func (x *expecting) want(field string, want, got any, detail ...string) {
	if want != got {
		x.fail(fmt.Sprintf("expected %s = %s, got %s", field, quoted(want), quoted(got)), detail, strings.Split(field, ".")...)
	}
}

func quoted(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return fmt.Sprint(v)
}

func flag(x *expecting, field string, want *bool, got bool, detail ...string) {
	if want != nil {
		x.want(field, *want, got, detail...)
	}
}

// output is about what was rendered last.
func (x *expecting) output() {
	e := x.e
	asked := e.Golden != "" || e.Text != nil || e.Empty != nil ||
		len(e.Contains)+len(e.NotContains)+len(e.Regex)+len(e.NotRegex)+len(e.Line)+len(e.Count) > 0
	if !asked {
		return
	}
	if x.plan == nil {
		x.fail("nothing was rendered, so there is no output to look at", x.readKeys())
		return
	}
	content := x.plan.Content
	if e.Golden != "" {
		x.golden("golden", e.Golden, content)
	}
	if e.Text != nil && *e.Text != string(content) {
		x.fail("the output is not the text", differ("expected", []byte(*e.Text), "got", content), "text")
	}
	flag(x, "empty", e.Empty, len(content) == 0, x.shown()...)
	x.parts(string(content))
	x.patterns(string(content))
	x.lines(content)
}

func (x *expecting) parts(content string) {
	for i, part := range x.e.Contains {
		if !strings.Contains(content, part) {
			x.fail(fmt.Sprintf("the output does not contain %q", part), x.shown(), "contains", strconv.Itoa(i))
		}
	}
	for i, part := range x.e.NotContains {
		if at := strings.Index(content, part); at >= 0 {
			x.fail(fmt.Sprintf("line %d of the output contains %q", lineAt([]byte(content), at), part), []string{shownLine([]byte(content), at)}, "not_contains", strconv.Itoa(i))
		}
	}
}

func (x *expecting) patterns(content string) {
	for i, text := range x.e.Regex {
		if re := x.compile(text, "regex", strconv.Itoa(i)); re != nil && !re.MatchString(content) {
			x.fail(fmt.Sprintf("nothing in the output matches %s", text), x.shown(), "regex", strconv.Itoa(i))
		}
	}
	for i, text := range x.e.NotRegex {
		re := x.compile(text, "not_regex", strconv.Itoa(i))
		if re == nil {
			continue
		}
		if at := re.FindStringIndex(content); at != nil {
			x.fail(fmt.Sprintf("line %d of the output matches %s", lineAt([]byte(content), at[0]), text), []string{shownLine([]byte(content), at[0])}, "not_regex", strconv.Itoa(i))
		}
	}
	for _, text := range slices.Sorted(maps.Keys(x.e.Count)) {
		re := x.compile(text, "count", text)
		if re == nil {
			continue
		}
		if want, got := x.e.Count[text], len(re.FindAllStringIndex(content, -1)); want != got {
			x.fail(fmt.Sprintf("expected %d matches of %s, got %d", want, text, got), x.shown(), "count", text)
		}
	}
}

func (x *expecting) compile(text string, path ...string) *regexp.Regexp {
	re, err := regexp.Compile(text)
	if err != nil {
		x.fail(err.Error(), nil, path...)
	}
	return re
}

func (x *expecting) lines(content []byte) {
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	for _, number := range slices.Sorted(maps.Keys(x.e.Line)) {
		n, _ := strconv.Atoi(number)
		i := n - 1
		if n < 0 {
			i = len(lines) + n
		}
		switch want := x.e.Line[number]; {
		case i < 0 || i >= len(lines):
			x.fail(fmt.Sprintf("the output has no line %s, only %d", number, len(lines)), x.shown(), "line", number)
		case lines[i] != want:
			x.fail(fmt.Sprintf("expected line %s = %q, got %q", number, want, lines[i]), nil, "line", number)
		}
	}
}

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

// world is about keys, states, the log and commands.
func (x *expecting) world() {
	e := x.e
	if e.Changed != nil {
		want := slices.Sorted(slices.Values(e.Changed))
		if !slices.Equal(want, x.step.changed) {
			x.fail(fmt.Sprintf("expected changed = %s, got %s", list(want), list(x.step.changed)), nil, "changed")
		}
	}
	for i, pattern := range e.KeysRead {
		if !x.read(pattern) {
			x.fail(fmt.Sprintf("%s was not read", pattern), x.readKeys(), "keys_read", strconv.Itoa(i))
		}
	}
	if e.Status != "" {
		want, got := e.Status, x.status().State.String()
		if want == "ok" {
			want = "in sync"
		}
		x.want("status", want, got)
	}
	for i, part := range e.Log {
		if !slices.ContainsFunc(x.step.log, func(line string) bool { return strings.Contains(line, part) }) {
			x.fail(fmt.Sprintf("nothing in the log contains %q", part), x.step.log, "log", strconv.Itoa(i))
		}
	}
	if e.Check != nil {
		x.checkExit(*e.Check)
	}
}

func (x *expecting) checkExit(want int) {
	for _, c := range slices.Backward(x.step.commands) {
		if c.name != checkCmd {
			continue
		}
		if c.exit != want {
			x.want("check", want, c.exit, details(c.err)...)
		}
		return
	}
	x.fail(fmt.Sprintf("expected check = %d, and check_cmd did not run", want), nil, "check")
}

// read tells whether the last render depends on a key, or on one that matches a
// pattern.
func (x *expecting) read(pattern string) bool {
	prefix := x.scope.Prefix()
	if !strings.ContainsAny(pattern, "*?[{") {
		return x.step.reads.Touches(kv.Change{Key: prefix + pattern})
	}
	for k := range x.step.reads.Values() {
		if ok, err := doublestar.Match(prefix+pattern, k); ok && err == nil {
			return true
		}
	}
	for k := range x.keys {
		if ok, err := doublestar.Match(prefix+pattern, k); ok && err == nil && x.step.reads.Touches(kv.Change{Key: k}) {
			return true
		}
	}
	return false
}

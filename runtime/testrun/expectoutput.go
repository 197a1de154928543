package testrun

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

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

package testrun

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/wconf/wconf/runtime/problem"
)

// mostLines is how many lines of an output or a diff a failure shows.
const mostLines = 40

// diffOf is a unified diff; empty when both are equal.
func diffOf(oldName string, old []byte, newName string, new []byte) []byte {
	text := diff.Diff(oldName, old, newName, new)
	_, text, _ = bytes.Cut(text, []byte("\n")) // "diff a b"
	return text
}

func differ(oldName string, old []byte, newName string, new []byte) []string {
	return indent(diffOf(oldName, old, newName, new))
}

func countLines(diff []byte) (added, removed int) {
	for line := range bytes.Lines(diff) {
		switch {
		case bytes.HasPrefix(line, []byte("+++ ")), bytes.HasPrefix(line, []byte("--- ")):
		case line[0] == '+':
			added++
		case line[0] == '-':
			removed++
		}
	}
	return added, removed
}

// indent is a text as lines of a failure; of a long one the beginning.
func indent(text []byte) []string {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) > mostLines {
		lines = append(lines[:mostLines], fmt.Sprintf("… and %d lines more", len(lines)-mostLines))
	}
	for i, l := range lines {
		lines[i] = "  " + l
	}
	return lines
}

// details is an error as a failure shows it.
func details(err error) []string {
	if err == nil {
		return nil
	}
	var p *problem.Problem
	if errors.As(err, &p) {
		lines := strings.Split(strings.TrimSpace(p.Detail()), "\n")
		lines[0] = fmt.Sprintf("[%s] %s", p.Code, lines[0])
		return lines
	}
	return strings.Split(strings.TrimSpace(err.Error()), "\n")
}

// shown is the output and the keys that it was made from.
func (p *play) shown() []string {
	out := []string{"the output:"}
	if len(p.plan.Content) == 0 {
		out = []string{"the output is empty"}
	} else {
		out = append(out, indent(p.plan.Content)...)
	}
	return append(out, p.readKeys()...)
}

// readKeys is what the last render read, with the values that it saw.
func (p *play) readKeys() []string {
	var all []string
	for k := range p.step.reads.Values() {
		shown := strings.TrimPrefix(k, p.scope.Prefix())
		if _, ok := p.keys[k]; !ok {
			shown += " (not there)"
		}
		all = append(all, shown)
	}
	for d := range p.step.reads.Dirs() {
		all = append(all, strings.TrimPrefix(d, p.scope.Prefix())+"/")
	}
	for below := range p.step.reads.Globs() {
		all = append(all, strings.TrimPrefix(below, p.scope.Prefix())+"/*")
	}
	if len(all) == 0 {
		return []string{"keys read in this step: none"}
	}
	slices.Sort(all)
	return []string{"keys read: " + strings.Join(slices.Compact(all), ", ")}
}

// why is what decided about a reload: the parts of the condition, the keys that
// changed, how commands ended.
func (p *play) why() []string {
	var lines []string
	wide := 0
	for _, l := range p.step.leaves {
		wide = max(wide, len(l.Text))
	}
	for _, l := range p.step.leaves {
		line := fmt.Sprintf("  %-*s  %t", wide, l.Text, l.Value)
		if l.Err != nil {
			line += "  " + l.Err.Error()
		} else if !l.Wake.IsZero() {
			line += fmt.Sprintf("  (%t in %s)", !l.Value, l.Wake.Sub(p.clock.Now()))
		}
		lines = append(lines, line)
	}
	if len(p.step.changed) > 0 {
		lines = append(lines, "  changed since the last reload: "+strings.Join(p.step.changed, ", "))
	}
	for _, c := range p.step.commands {
		how := "exit 0"
		if c.err != nil {
			how = c.err.Error()
		}
		lines = append(lines, fmt.Sprintf("  %s: %s", c.name, how))
	}
	if p.conf.ReloadCmd.IsZero() {
		lines = append(lines, "  the resource has no reload_cmd")
	}
	return lines
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func list(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

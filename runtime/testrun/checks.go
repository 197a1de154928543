package testrun

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
)

// freeChecks are made of every render without being asked for. `unchecked`
// switches them off by these names.
var freeChecks = []string{"deterministic", "no-value", "verb", "keys", "mode"}

// badVerb is what fmt leaves of a call that does not fit: %!d(string=hi).
var badVerb = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`%![a-zA-Z]?\([^)\n]*\)?`) })

// check makes the free checks of what was just rendered and written.
func (p *play) check() {
	lines, said := p.journal.take()
	p.step.log, p.step.said = append(p.step.log, lines...), append(p.step.said, said...)
	if plan := p.step.fresh; plan != nil {
		p.step.fresh = nil
		p.checkText(plan.Content)
		p.checkAgain(plan)
		p.journal.take() // what the replays say is nobody's doing
	}
	if f := p.disk.file(p.conf.Dest); p.step.written && f != nil && p.conf.HasMode && f.mode != p.conf.Mode && p.checks("mode") {
		p.violated("mode", fmt.Sprintf("the resource says mode %04o and the file has %04o", p.conf.Mode, f.mode))
	}
}

func (p *play) checks(name string) bool { return !slices.Contains(p.file.Unchecked, name) }

func (p *play) violated(name, msg string, detail ...string) {
	p.res.failOnce(Failure{
		Place: p.file.place(p.step.path...), Step: p.step.title(), Msg: msg,
		Detail: append(detail, fmt.Sprintf("unchecked = [%q] at the head of the file switches this check off", name)),
	})
}

func (p *play) checkText(content []byte) {
	if i := bytes.Index(content, []byte("<no value>")); i >= 0 && p.checks("no-value") {
		p.violated("no-value", fmt.Sprintf("line %d of the output holds <no value>: the template used something that is not there", lineAt(content, i)), shownLine(content, i))
	}
	if at := badVerb().FindIndex(content); at != nil && p.checks("verb") {
		p.violated("verb", fmt.Sprintf("line %d of the output holds %s: a printf whose arguments do not fit", lineAt(content, at[0]), content[at[0]:at[1]]), shownLine(content, at[0]))
	}
}

func lineAt(content []byte, i int) int { return bytes.Count(content[:i], []byte("\n")) + 1 }

func shownLine(content []byte, i int) string {
	start := bytes.LastIndexByte(content[:i], '\n') + 1
	line, _, _ := bytes.Cut(content[start:], []byte("\n"))
	return "  " + string(line)
}

// checkAgain renders a second time: once as if the resource could see every
// key, so that what it asks for in vain shows; and, where that could make a
// difference, once more as it is.
func (p *play) checkAgain(plan *resource.Plan) {
	same := p.scope
	if p.checks("keys") {
		wide := kv.NewScope(p.scope.Prefix(), []string{"/"})
		all, err := p.draft(plan.Snapshot, wide)
		if outside := p.outside(all.Reads); len(outside) > 0 {
			p.violated("keys", fmt.Sprintf("the source reads %s, which keys = [%s] does not cover: it never sees them, and wconf would miss their changes",
				strings.Join(outside, ", "), p.grants()))
			return
		}
		if err == nil && bytes.Equal(all.Content, plan.Content) {
			return // that it sees more makes no difference, so this was the second render
		}
	}
	if p.checks("deterministic") {
		p.checkSame(plan, same)
	}
}

func (p *play) checkSame(plan *resource.Plan, sc kv.Scope) bool {
	again, err := p.draft(plan.Snapshot, sc)
	switch {
	case err != nil:
		p.violated("deterministic", "rendered a second time from the same keys it fails: "+err.Error())
	case !bytes.Equal(again.Content, plan.Content):
		p.violated("deterministic", "rendered a second time from the same keys it is another text; every look would write and reload",
			differ("first", plan.Content, "second", again.Content)...)
	default:
		return true
	}
	return false
}

// outside is what was asked for that the resource's keys do not grant.
func (p *play) outside(reads kv.ReadSet) []string {
	seen := map[string]bool{}
	add := func(full, shown string, granted bool) {
		if !granted && !p.above(full) {
			seen[strings.TrimPrefix(shown, p.scope.Prefix())] = true
		}
	}
	for k := range reads.Values() {
		add(k, k, p.scope.Grants(k))
	}
	for k := range reads.Presence() {
		add(k, k, p.scope.Grants(k))
	}
	for d := range reads.Dirs() {
		add(d, d+"/", p.scope.Grants(d))
	}
	for below := range reads.Globs() {
		add(below, below+"/*", p.scope.Grants(below))
	}
	return sorted(seen)
}

// above tells whether a path lies above something that is granted: listing
// there finds what is granted.
func (p *play) above(full string) bool {
	return slices.ContainsFunc(p.scope.Roots(), func(root string) bool {
		return strings.HasPrefix(root, strings.TrimSuffix(full, "/")+"/") || root == "/"
	})
}

func (p *play) grants() string {
	var quoted []string
	for _, k := range p.conf.Keys {
		quoted = append(quoted, fmt.Sprintf("%q", k))
	}
	return strings.Join(quoted, ", ")
}

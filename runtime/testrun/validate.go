package testrun

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// What a file may say where it has to choose.
var (
	dos = []string{"start", "tick", "reload", "restart", "backend-down", "backend-up",
		"template-edit", "edit-dest", "remove-dest", "disk-full"}
	decisions = []string{"now", "hold", "skip", "none", "failed"}
	statuses  = []string{"in sync", "ok", "held", "owed", "guarded", "stale", "failed"}
	codes     = []string{
		problem.Config, problem.KeyMissing, problem.KeyDenied, problem.TemplateParse, problem.TemplateRender,
		problem.GuestLoad, problem.GuestFailed, problem.GuestDenied, problem.GuestTimeout, problem.GuestMemory, problem.GuestFuel,
		problem.FormatInvalid, problem.CheckFailed, problem.Guarded, problem.Condition, problem.StageFailed, problem.ReloadFailed,
		problem.StoreDown, problem.Busy,
	}
)

// validator looks for what decodes and cannot be meant.
type validator struct {
	file  *File
	wrong []error
}

func (v *validator) fail(msg, hint string, path ...string) {
	v.wrong = append(v.wrong, v.file.doc.ValueProblem(problem.Config, msg, hint, path...))
}

func (v *validator) check() {
	f := v.file
	if f.Format != 1 {
		v.fail("a test file begins with format = 1", "", "format")
	}
	switch {
	case f.Resource == "" && f.Template == nil:
		v.fail("nothing is tested", `write resource = "../conf.d/name.toml", or a [template] table`, "format")
	case f.Resource != "" && f.Template != nil:
		v.fail("resource and [template] are two resources; a file tests one", "", "resource")
	case f.Template == nil && f.Backend != nil:
		v.fail("[backend] belongs to a [template] table", "", "backend")
	}
	if len(f.Cases) == 0 {
		v.fail("the file has no [[case]]", "", "format")
	}
	if f.Timeout < 0 {
		v.fail("a timeout is longer than nothing", "", "timeout")
	}
	for i, name := range f.Unchecked {
		v.oneOf(name, freeChecks, "unchecked", strconv.Itoa(i))
	}
	v.keys(f.Fixture.Keys, "fixture", "keys")
	for i := range f.Cases {
		v.checkCase(&f.Cases[i], "case", strconv.Itoa(i))
	}
	v.names()
}

// names looks for cases that cannot be told apart.
func (v *validator) names() {
	seen := map[string]int{}
	for i, c := range v.file.Cases {
		if first, twice := seen[c.Name]; twice && c.Name != "" {
			v.fail(fmt.Sprintf("case %d has this name, too", first+1), "", "case", strconv.Itoa(i), "name")
		}
		seen[c.Name] = i
	}
}

func (v *validator) checkCase(c *Case, path ...string) {
	at := func(more ...string) []string { return append(slices.Clone(path), more...) }
	if c.Name == "" {
		v.fail("a case needs a name", "", path...)
	}
	v.keys(c.Set, at("set")...)
	for i, name := range c.Run {
		switch {
		case name == reloadCmd:
			v.fail("a test never runs the real reload_cmd", "", at("run", strconv.Itoa(i))...)
		default:
			v.oneOf(name, []string{checkCmd}, at("run", strconv.Itoa(i))...)
		}
	}
	v.matrix(c, at("matrix")...)
	v.steps(c, path)
	v.expect(c.Expect, at("expect")...)
	if !c.expects() {
		v.fail("the case expects nothing", "a case that expects nothing would always pass; write expect", path...)
	}
}

func (c *Case) expects() bool {
	return c.Expect != nil || slices.ContainsFunc(c.Steps, func(s Step) bool { return s.Expect != nil })
}

func (v *validator) steps(c *Case, path []string) {
	started := false
	for i, s := range c.Steps {
		at := func(more ...string) []string {
			return append(append(slices.Clone(path), "step", strconv.Itoa(i)), more...)
		}
		if s.Do != "" {
			v.oneOf(s.Do, dos, at("do")...)
		}
		if s.Do == "start" && started {
			v.fail("the story has started", "restart stops and starts again", at("do")...)
		}
		started = started || s.Do == "start"
		if takes := s.Do == "edit-dest" || s.Do == "template-edit"; takes != (s.Text != nil) {
			v.fail("text is the new content of edit-dest and template-edit", "", at("text")...)
		}
		if s.After < 0 {
			v.fail("time does not run backwards", "", at("after")...)
		}
		v.keys(s.Set, at("set")...)
		v.expect(s.Expect, at("expect")...)
	}
	if first := slices.IndexFunc(c.Steps, func(s Step) bool { return s.Do == "start" }); first > 0 {
		for i, s := range c.Steps[:first] {
			if slices.Contains([]string{"tick", "reload", "restart", "template-edit"}, s.Do) || s.Expect != nil {
				v.fail("nothing runs before start", "", append(slices.Clone(path), "step", strconv.Itoa(i))...)
			}
		}
	}
}

func (v *validator) keys(set map[string]string, path ...string) {
	for _, k := range v.file.doc.Names(path...) {
		if _, is := set[k]; is && !kv.Canonical(k) {
			v.fail(fmt.Sprintf("%q is not a clean key such as /app/port: no template could read it", k), "", append(slices.Clone(path), k)...)
		}
	}
}

func (v *validator) oneOf(word string, known []string, path ...string) {
	if slices.Contains(known, word) {
		return
	}
	hint := problem.DidYouMean(word, known)
	if hint == "" {
		hint = "one of " + strings.Join(known, ", ")
	}
	v.fail(fmt.Sprintf("%q is not supported here", word), hint, path...)
}

func (v *validator) matrix(c *Case, path ...string) {
	for _, name := range v.file.doc.Names(path...) {
		if len(c.Matrix[name]) == 0 {
			v.fail("no value, no case", "", append(path, name)...)
		}
		if !c.says("{" + name + "}") {
			v.fail(fmt.Sprintf("nothing in the case says {%s}: all of its rows would be the same", name), "", append(path, name)...)
		}
	}
}

// says tells whether a text stands somewhere in the case.
func (c Case) says(text string) bool {
	found := false
	c.Matrix = nil
	mapStrings(reflect.ValueOf(c), func(s string) string {
		found = found || strings.Contains(s, text)
		return s
	})
	return found
}

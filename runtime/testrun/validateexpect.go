package testrun

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expect looks for expectations that cannot be meant, or hold always.
func (v *validator) expect(e *Expect, path ...string) {
	if e == nil {
		return
	}
	at := func(more ...string) []string { return append(slices.Clone(path), more...) }
	v.empties(reflect.ValueOf(*e), path)
	if e.Reload != "" {
		v.oneOf(e.Reload, decisions, at("reload")...)
	}
	if e.Status != "" {
		v.oneOf(e.Status, statuses, at("status")...)
	}
	for field, list := range map[string][]string{"regex": e.Regex, "not_regex": e.NotRegex} {
		for i, re := range list {
			v.pattern(re, at(field, strconv.Itoa(i))...)
		}
	}
	for re := range e.Count {
		v.pattern(re, at("count", re)...)
	}
	for n := range e.Line {
		if i, err := strconv.Atoi(n); err != nil || i == 0 {
			v.fail(fmt.Sprintf("%q is no number of a line: 1 is the first, -1 the last", n), "", at("line", n)...)
		}
	}
	if e.Mode != "" {
		if _, err := strconv.ParseUint(e.Mode, 8, 32); err != nil {
			v.fail(`a mode is octal, such as "0644"`, "", at("mode")...)
		}
	}
	v.expectError(e.Error, at("error")...)
	if e.Guest != nil && e.Guest.MemoryMax != "" {
		if _, err := parseSize(e.Guest.MemoryMax); err != nil {
			v.fail(err.Error(), "", at("guest", "memory_max")...)
		}
	}
}

func (v *validator) expectError(e *ExpectError, path ...string) {
	if e == nil {
		return
	}
	if e.Code == "" && e.Match == "" {
		v.fail("an error is expected by its code or by a part of its text", "any error would do", path...)
	}
	if e.Code != "" {
		v.oneOf(e.Code, codes, append(slices.Clone(path), "code")...)
	}
}

// exact are the lists that may be empty: they say that there is nothing.
var exact = []string{"changed", "denied"}

// empties refuses what looks like an expectation and is none.
func (v *validator) empties(e reflect.Value, path []string) {
	some := false
	for i := range e.NumField() {
		name := e.Type().Field(i).Tag.Get("toml")
		at := append(slices.Clone(path), name)
		if !v.file.doc.Has(at...) {
			continue
		}
		some = true
		switch field := e.Field(i); field.Kind() {
		case reflect.Slice, reflect.Map:
			if field.Len() == 0 && !slices.Contains(exact, name) {
				v.fail(fmt.Sprintf("%q is empty and expects nothing", name), "", at...)
			}
			if slices.Contains([]string{"contains", "regex", "log", "not_contains"}, name) && slices.Contains(field.Interface().([]string), "") {
				v.fail(fmt.Sprintf("an empty text in %q is in every text", name), "", at...)
			}
		case reflect.String:
			if field.String() == "" {
				v.fail(fmt.Sprintf("%q is empty and expects nothing", name), "", at...)
			}
		case reflect.Pointer:
			if field.Elem().Kind() == reflect.Struct && name != "error" {
				v.empties(field.Elem(), at)
			}
		}
	}
	if !some {
		v.fail("this expects nothing", "", path...)
	}
}

func (v *validator) pattern(re string, path ...string) {
	if _, err := regexp.Compile(re); err != nil && !strings.Contains(re, "{") { // a matrix fills braces in
		v.fail(err.Error(), "Go's regular expressions: https://pkg.go.dev/regexp/syntax", path...)
	}
}

package config

import (
	"fmt"
	"strings"
)

// Reference is docs/config.md: every option and every field of a resource,
// from the tables that also read them.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	group := ""
	for _, o := range inGroups() {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n### %s\n\n| flag | file | environment | takes | default | |\n|---|---|---|---|---|---|\n", group)
		}
		row(&b, "`-"+o.Name+"`", ticks(o.Keys()), ticks(o.Variables()), takes(o.Kind, o.Choices), initial(o.Kind, o.Default), o.Doc)
	}
	b.WriteString("\n## Resources\n\nA resource is a file of `conf.d` whose name ends in `toml`, with one table `[template]`:\n\n")
	fieldTable(&b, Fields)
	b.WriteString("\n`[template.limits]` bounds a guest:\n\n")
	b.WriteString("| field | takes | default | at most | |\n|---|---|---|---|---|\n")
	for _, f := range LimitFields {
		row(&b, "`"+f.Name+"`", takes(f.Kind, f.Choices), initial(f.Kind, f.Default), initial(f.Kind, f.Most), f.Doc)
	}
	b.WriteString(referenceTail)
	return b.String()
}

// inGroups is the options with those of one group together, in the order of
// the groups' first options.
func inGroups() []Option {
	var all []Option
	seen := map[string]bool{}
	for _, first := range Options {
		if seen[first.Group] {
			continue
		}
		seen[first.Group] = true
		for _, o := range Options {
			if o.Group == first.Group {
				all = append(all, o)
			}
		}
	}
	return all
}

func fieldTable(b *strings.Builder, fields []Field) {
	b.WriteString("| field | takes | default | |\n|---|---|---|---|\n")
	for _, f := range fields {
		row(b, "`"+f.Name+"`", takes(f.Kind, f.Choices), initial(f.Kind, f.Default), f.Doc)
	}
}

func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + strings.ReplaceAll(c, "|", "\\|") + " ")
	}
	b.WriteString("|\n")
}

func ticks(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "` `") + "`"
}

func takes(k Kind, choices []string) string {
	if len(choices) > 0 {
		return ticks(choices)
	}
	return string(k)
}

func initial(k Kind, value string) string {
	if value == "" && k == Bool {
		value = "false"
	}
	if value == "" {
		return ""
	}
	return "`" + value + "`"
}

const referenceHead = `# Configuration

<!-- generated from runtime/config: do not edit -->

## Options

An option is a flag, a key of the configuration file (` + "`wconf.toml`, else `confd.toml`" + `), or a variable of the
environment. Defaults are overruled by the file, the file by the environment, the environment by flags. Under the name
` + "`confd`" + ` the file overrules the flags, as confd 0.16 does, with a warning. Flags take one dash or two. Keys match in any
case of letters; keys that nothing knows are warnings. An empty variable is unset.

The options of the group *Store* may also stand in a table ` + "`[backend]`" + ` of the file, or of a resource that has a store of
its own. Where a resource names another kind of store than the daemon, it takes nothing of the daemon's.
`

const referenceTail = `
` + "`[backend]`" + ` gives the resource a store of its own; it takes the options of the group *Store*.

Names match in any case of letters; names that nothing knows are warnings. ` + "`apply_group`, `on_reload_failure` and `health_*`" + `
are kept for a later version and refused.

Limits of a file: 256 KiB, brackets 64 deep, keys of at most 32 parts.
`

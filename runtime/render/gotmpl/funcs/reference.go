package funcs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reference is docs/functions.md: every function by family, with examples.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Template functions\n\n" +
		"Templates are Go's [text/template](https://pkg.go.dev/text/template) with these functions. " +
		"Its own `and or not eq ne lt le gt ge index slice len call` are there, too. " +
		"This page is made from the code; each example on it is a test.\n")
	for _, family := range families {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", family.name, family.about)
		for _, f := range family.functions {
			f.describe(&b)
		}
	}
	return b.String()
}

func (f Function) describe(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n`{{%s}}` · since %s", f.Name, f.Usage, f.Since)
	if f.World {
		b.WriteString(" · looks at more than keys")
	}
	fmt.Fprintf(b, "\n\n%s\n", f.Doc)
	for _, e := range f.Examples {
		e.describe(b)
	}
}

func (e Example) describe(b *strings.Builder) {
	b.WriteString("\n```\n")
	for _, k := range slices.Sorted(maps.Keys(e.Keys)) {
		if strings.Contains(e.Template, k) || globbed(e.Template, k) {
			fmt.Fprintf(b, "%s = %.60q\n", k, e.Keys[k])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Files)) {
		fmt.Fprintf(b, "%s: %s\n", name, e.Files[name])
	}
	fmt.Fprintf(b, "%s\n", e.Template)
	if e.Error != "" {
		fmt.Fprintf(b, "error: %s\n", e.Error)
	} else {
		fmt.Fprintf(b, "→ %s\n", strings.ReplaceAll(strings.TrimSuffix(e.Output, "\n"), "\n", "\n  "))
	}
	b.WriteString("```\n")
}

// globbed tells whether a template names the directory of a key, or one above.
func globbed(template, key string) bool {
	for i := strings.LastIndexByte(key, '/'); i >= 0; i = strings.LastIndexByte(key[:i], '/') {
		if strings.Contains(template, `"`+key[:i]+`/*"`) || strings.Contains(template, `"`+key[:max(i, 1)]+`"`) {
			return true
		}
	}
	return false
}

package script

import (
	"fmt"
	"strings"

	"github.com/wconf/wconf/hostfuncs"
)

// A declaration says how scripts see a function: as TypeScript writes it.
type declaration struct {
	host string // the host function behind it
	text string // "name(arguments): result", one line for each form
	doc  string
}

var declarations = []declaration{
	{"getv", "getv(key: string): string\ngetv<T>(key: string, fallback: T): string | T",
		"The value of exactly this key. Without a fallback a key that is absent ends the render."},
	{"exists", "exists(key: string): boolean", "Whether exactly this key has a value. Directories do not count."},
	{"gets", "gets(pattern: string): { key: string; value: string }[]",
		"The keys that match and their values, in the order of the keys. `*` and `?` stay within one segment of the path."},
	{"getvs", "getvs(pattern: string): string[]", "The values whose keys match, sorted by value."},
	{"ls", "ls(dir: string): string[]", "The names of a directory's children, keys and directories, sorted. An absent directory lists nothing."},
	{"lsdir", "lsdir(dir: string): string[]", "The names of a directory's children that have children themselves, sorted."},
	{"param", "param(name: string): string\nparam<T>(name: string, fallback: T): string | T",
		"A parameter of the resource's [template.params]; wconf.name, wconf.dest and wconf.revision are always there."},
	{"params", "params(): { [name: string]: string }", "All parameters, without wconf.revision."},
	{"input", "input(): string", "For filters and checks: what was rendered, after the filters before."},
	{"log", `log(level: "debug" | "info" | "warn" | "error", message: unknown): void`,
		"Says something in wconf's log. console.debug, log, info, warn and error do, too."},
	{"fail", "fail(message: unknown): never", "Ends the render with this message, or refuses what a check looks at. The old file stays."},
}

// unseen are the host functions that scripts do without, and why.
var unseen = map[string]string{
	"write": "a script returns its text",
}

// Types declares for editors what a script finds: the file wconf.d.ts.
func Types() string {
	var b strings.Builder
	fmt.Fprintf(&b, "// What a script for wconf finds (functions of %s %s). Begin a script with\n", hostfuncs.Module, hostfuncs.Version)
	b.WriteString("//     /// <reference path=\"wconf.d.ts\" />\n// and the editor knows them; of browsers and of Node there is nothing.\n")
	b.WriteString("/// <reference no-default-lib=\"true\" />\n/// <reference lib=\"es2023\" />\n")
	for _, d := range declarations {
		fmt.Fprintf(&b, "\n/** %s */\n", d.doc)
		for form := range strings.Lines(d.text) {
			fmt.Fprintf(&b, "declare function %s;\n", strings.TrimSuffix(form, "\n"))
		}
	}
	b.WriteString("\n/** Lines of wconf's log. */\ndeclare const console: {\n")
	for _, name := range []string{"debug", "log", "info", "warn", "error"} {
		fmt.Fprintf(&b, "  %s(...values: unknown[]): void;\n", name)
	}
	b.WriteString("};\n")
	return b.String()
}

package hostfuncs

import (
	"fmt"
	"strings"
)

// Declaration is the function as the reference page writes it:
// getv(key, key_len, buf, cap) → i32.
func (f Function) Declaration() string {
	var names []string
	for _, a := range f.Args {
		switch a.Kind {
		case Text:
			names = append(names, a.Name, a.Name+"_len")
		case Buffer:
			names = append(names, a.Name, "cap")
		case Number:
			names = append(names, a.Name)
		}
	}
	result := ""
	if f.Gives {
		result = " → i32"
	}
	return f.Name + "(" + strings.Join(names, ", ") + ")" + result
}

const conventions = `All numbers are i32, little-endian. A pointer and a length name bytes of the guest's
exported memory; strings are UTF-8 and end where their length says. A pointer outside of the memory ends
the invocation.

A function that takes buf and cap fills the buffer and returns n, the length of the result. When n is greater
than cap, nothing was written: call again with a buffer of n bytes, and the answer is the same. With cap 0 it
tells the size. Below zero are -1 NOT_FOUND, -2 DENIED (outside the resource's keys), -3 INVALID (not UTF-8,
longer than 4096 bytes, a malformed pattern) and -4 TOO_LARGE; take any other as a failure.

A LIST is a u32 count, then a u32 length and the bytes of each item. A KVS is a u32 count, then a u32 length of
the key, a u32 length of the value, the key and the value of each pair. Nothing is aligned or padded.

Keys are named exactly as in templates, relative to the resource's prefix. Each call costs 64 units of fuel, and
one for every 32 bytes that it moves. A walk over keys (gets, getvs, ls, lsdir) costs 32 more for each step: that is each
child, key or directory, of the directories that it looks into, whether the answer has it or not. A pattern looks into
those that its segments match; one with ` + "`[` or `\\`" + ` is held against every key that begins as it does, each a step. Where a pattern
is held against a name, a step counts once more for every 64 in the product of their lengths. An answer that was given by
the call before costs no walk again.

A call that takes long ends at the guest's deadline, as everything else does.
`

// Reference is the page about the functions, in Markdown.
func Reference() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Host functions\n\nWhat a guest imports from the module `%s`, version %s.\n\n%s", Module, Version, conventions)
	for _, f := range All() {
		fmt.Fprintf(&b, "\n## %s\n\n`%s` (since %s)\n\n%s\n", f.Name, f.Declaration(), f.Since, f.Doc)
	}
	return b.String()
}

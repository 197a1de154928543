package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

var updatePages = flag.Bool("update", false, "write the pages of docs that are made from the code")

// The reference pages say what the code does. `go test ./cmd/wconf -run
// TestDocs -update` writes them.
func TestDocs(t *testing.T) {
	for name, page := range map[string]string{
		"cli.md":        cliReference(),
		"config.md":     config.Reference(),
		"functions.md":  funcs.Reference(),
		"conditions.md": gate.Reference(),
		"hostfuncs.md":  hostfuncs.Reference(),
	} {
		path := filepath.Join("..", "..", "docs", name)
		if *updatePages {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if old, err := os.ReadFile(path); err != nil || string(old) != page {
			t.Errorf("docs/%s is not what the code says (%v); go test ./cmd/wconf -run TestDocs -update", name, err)
		}
	}
}

// cliReference is docs/cli.md: the help of every command, and the exit codes.
func cliReference() string {
	var out bytes.Buffer
	p := &program{out: &out, err: io.Discard}
	root := programLevel(p.app())
	out.WriteString(cliHead)
	block := func(levels ...*level) {
		out.WriteString("\n```\n")
		p.help(levels)
		out.WriteString("```\n")
	}
	block(root)
	var walk func(path []*level, commands []*cli.Command)
	walk = func(path []*level, commands []*cli.Command) {
		for _, c := range commands {
			if c.Hidden {
				continue
			}
			levels := append(path[:len(path):len(path)], commandLevel(c))
			var names []string
			for _, l := range levels {
				names = append(names, l.name)
			}
			fmt.Fprintf(&out, "\n## %s\n", strings.Join(names, " "))
			block(levels...)
			walk(levels, c.Subcommands)
		}
	}
	walk([]*level{root}, root.commands)
	return out.String()
}

const cliHead = `# Command line

<!-- generated from cmd/wconf: do not edit -->

Flags take one dash or two, ` + "`-flag value` or `-flag=value`" + `, and may stand before or behind the command and its
arguments. What they mean, and how they are written in the file and the environment, stands in [config.md](config.md).

Without a command wconf is confd: the same flags, and the exit codes 0 (done, or ended by a signal), 1 (something failed)
and 2 (wrong usage). The name of a backend in place of a command (` + "`wconf etcd --onetime`" + `) is the form of confd's living
fork, with the same codes. Started under the name ` + "`confd`" + ` it logs as confd does, looks in /etc/confd, and lets the
configuration file overrule flags, as confd 0.16 does.

Commands have more exit codes:

| code | |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong usage: two lines on standard error say what and how |
| 3 | a configuration file, template, guest or condition does not load; ` + "`lint`" + ` found problems |
| 4 | a threshold was not met |
| 5 | nothing was found, or ran |
| 6 | there are differences (` + "`diff --exit-code`" + `, or goldens were written) |
| 8 | the store cannot be reached |
| 9 | a check_cmd refused, or a reload_cmd failed |
`

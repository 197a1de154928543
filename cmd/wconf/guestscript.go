package main

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// scriptInspect says what a script is and what it runs on. One that does not
// compile or load is shown all the same, and its error goes where errors go.
func (p *program) scriptInspect(c *cli.Context, file string, text []byte) error {
	dir, err := stateDir(c)
	if err != nil {
		return err
	}
	r, err := runtime.OpenGuests(dir, wasm.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	engine, err := script.Load(c.Context, r, filepath.Base(file))
	if err != nil {
		return &exit{exitLoad, err}
	}
	defer engine.Close()
	i, wrong := script.Inspect(c.Context, engine, text, file)
	if c.Bool("json") {
		err = p.json(i)
	} else {
		p.scriptInspection(file, i)
	}
	if wrong != nil {
		return &exit{exitLoad, wrong}
	}
	return err
}

func (p *program) scriptInspection(file string, i script.Inspection) {
	p.identity(file, i.Digest, i.Size)
	p.row("kind", "%s", i.Kind)
	if i.Compiles {
		p.row("compiles", "yes")
		p.row("file from", "%s", map[string]string{
			"render": "what render returns", "filter": "what filter returns: it is a filter", "check": "elsewhere: it is a check",
			"last expression": "the value of its last expression",
		}[i.Gives])
	} else {
		p.row("compiles", "no")
	}
	p.row("names", "%s", cmp.Or(strings.Join(i.Names, ", "), "none of wconf's functions"))
	p.scriptFunctions(i)
	name := "limits"
	for _, l := range [][3]string{
		{"memory", mebibytes(i.Limits.Memory), mebibytes(i.Ceiling.Memory)},
		{"fuel", thousands(i.Limits.Fuel), thousands(i.Ceiling.Fuel)},
		{"time", i.Limits.Time.String(), i.Ceiling.Time.String()},
		{"stack", thousands(uint64(i.Limits.Stack)) + " units", thousands(uint64(i.Ceiling.Stack))},
		{"output", mebibytes(uint64(i.Limits.Output)), mebibytes(uint64(i.Ceiling.Output))},
		{"one answer", mebibytes(uint64(i.Limits.Result)), mebibytes(uint64(i.Ceiling.Result))},
		{"host calls", thousands(i.Limits.Calls), thousands(i.Ceiling.Calls)},
		{"names", mebibytes(uint64(i.Limits.Reads)), mebibytes(uint64(i.Ceiling.Reads))},
	} {
		p.row(name, "%s %s (at most %s)", l[0], l[1], l[2])
		name = ""
	}
	p.row("engine", "%s", i.Version)
	p.row("", "%s", i.Engine.Digest)
	p.row("", "%s of memory at the start", mebibytes(i.Engine.MinMemory))
	p.measures(i.Engine.Measures)
}

// scriptFunctions is the rows about what templates may call.
func (p *program) scriptFunctions(i script.Inspection) {
	for _, name := range slices.Sorted(maps.Keys(i.Functions)) {
		p.row("function", "%s/%d", name, i.Functions[name].Args)
	}
	switch {
	case i.NoFunctions != "":
		p.row("function", "none: %s", i.NoFunctions)
	case i.Compiles && len(i.Functions) == 0:
		p.row("function", "none")
	}
}

// thousands writes a number with a comma before each three digits.
func thousands(n uint64) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

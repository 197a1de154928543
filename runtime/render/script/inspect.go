package script

import (
	"context"
	"crypto/sha256"
	"errors"
	"regexp"
	"strings"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// Inspection is what can be known about a script without any keys.
type Inspection struct {
	Digest   wasm.Digest // of its text
	Size     int         // bytes
	Kind     string      // "script"
	Version  string      // of the engine: "QuickJS-NG 0.17.0"
	Compiles bool
	Gives    string   // what is run: "render", "filter" or "check", the first that is declared, or "last expression"; empty when it does not compile
	Names    []string // those of wconf's functions that its text has before a parenthesis
	// Functions are those that templates may call where a resource names the
	// script in functions, without what the script says by itself: they have no
	// help. NoFunctions is why there are none, where that is worth a word.
	Functions   map[string]wasm.FunctionDoc
	NoFunctions string
	Limits      wasm.Limits
	Ceiling     wasm.Limits
	Engine      wasm.Inspection
}

// engineVersion is what quickjs/VERSION says.
const engineVersion = "QuickJS-NG 0.17.0"

// Inspect tells what a script is, on an engine that Load gave. The script runs
// once, in the cage and within the default limits, as it does when a resource
// names it in functions: nothing else knows which ones it declares. One that
// does not compile, or does not load, gives an error with its place, beside what
// is known all the same.
func Inspect(ctx context.Context, m *wasm.Module, text []byte, file string) (Inspection, error) {
	i := Inspection{Digest: sha256.Sum256(text), Size: len(text), Kind: "script", Version: engineVersion,
		Names: mentioned(string(text)), Ceiling: wasm.Ceiling, Engine: m.Inspect()}
	s, err := newScript(m, text, Options{File: file})
	i.Limits = s.limits
	if err == nil {
		err = s.compile(ctx)
	}
	if err != nil {
		return i, err
	}
	i.Compiles, i.Gives = true, "last expression"
	for _, role := range []guest.Role{guest.Renderer, guest.Filter, guest.Checker} {
		if s.declares(ctx, string(role)) {
			i.Gives = string(role)
			break
		}
	}
	if i.Functions, i.NoFunctions, err = s.offers(ctx); err != nil {
		i.NoFunctions = "it does not load"
	}
	return i, err
}

// offers runs the script to see which functions it declares. A script that
// failed when it had asked for nothing fails in every role: that is an error.
// One that asked for keys, input or parameters may be good in another role.
func (s *Script) offers(ctx context.Context) (all map[string]wasm.FunctionDoc, none string, err error) {
	asked := *s
	asked.o.Role = guest.Functions
	if err := asked.compile(ctx); errors.Is(err, errNoFunctions) {
		return nil, "", nil
	} else if p := (*problem.Problem)(nil); errors.As(err, &p) && (asked.start.early || p.Code == problem.GuestLoad) {
		return nil, p.Error(), nil
	} else if err != nil {
		return nil, "", err
	}
	all = map[string]wasm.FunctionDoc{}
	for name, n := range asked.arity {
		all[name] = wasm.FunctionDoc{Args: n}
	}
	return all, "", nil
}

// declares finds out whether the script declares a name itself: then it does
// not compile before another declaration.
func (s *Script) declares(ctx context.Context, name string) bool {
	twice := *s
	twice.o.Role = guest.Renderer // which runs nothing
	twice.source.text += "\nlet " + name + ";"
	var p *problem.Problem
	err := twice.compile(ctx)
	return errors.As(err, &p) && p.Code == problem.TemplateParse && strings.Contains(p.Msg, "redefinition")
}

// mentioned looks at the text only: also at what is never reached, or a comment.
func mentioned(text string) []string {
	var names []string
	for _, f := range hostfuncs.All() {
		_, no := unseen[f.Name]
		if !no && regexp.MustCompile(`(^|[^\w$.])`+f.Name+`\s*\(`).MatchString(text) {
			names = append(names, f.Name)
		}
	}
	return names
}

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

// Inspection is what can be known about a script without running it.
type Inspection struct {
	Digest   wasm.Digest // of its text
	Size     int         // bytes
	Kind     string      // "script"
	Version  string      // of the engine: "QuickJS-NG 0.17.0"
	Compiles bool
	Gives    string   // what is run: "render", "filter" or "check", the first that is declared, or "last expression"; empty when it does not compile
	Names    []string // those of wconf's functions that its text has before a parenthesis
	Limits   wasm.Limits
	Ceiling  wasm.Limits
	Engine   wasm.Inspection
}

// engineVersion is what quickjs/VERSION says.
const engineVersion = "QuickJS-NG 0.17.0"

// Inspect tells what a script is, on an engine that Load gave. One that does not
// compile gives an error with its place, beside what is known all the same.
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
	return i, nil
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

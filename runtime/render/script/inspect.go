package script

import (
	"context"
	"crypto/sha256"
	"errors"
	"regexp"
	"strings"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
)

// Inspection is what can be known about a script without running it.
type Inspection struct {
	Digest   wasm.Digest // of its text
	Size     int         // bytes
	Kind     string      // "script"
	Version  string      // of the engine: "QuickJS-NG 0.17.0"
	Compiles bool
	Gives    string   // what becomes the file: "render", when it is declared, or "last expression"; empty when it does not compile
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
	if s.declaresRender(ctx) {
		i.Gives = "render"
	}
	return i, nil
}

// declaresRender finds out whether the script declares render itself: then it
// does not compile before another declaration.
func (s *Script) declaresRender(ctx context.Context) bool {
	twice := *s
	twice.source.text += "\nlet render;"
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

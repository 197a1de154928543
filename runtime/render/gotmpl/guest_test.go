package gotmpl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	wrender "github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl"
)

// guest is a set of functions that counts how it is used.
type guest struct{ opened, closed, called int }

func guests(g wrender.Functions) map[string]wrender.Functions {
	return map[string]wrender.Functions{"net": g}
}

func (g *guest) Names() map[string]int { return map[string]int{"f": 1, "pair": 2, "bad": 0} }

func (g *guest) Open(context.Context, *kv.View) (wrender.Calls, error) {
	g.opened++
	return g, nil
}

func (g *guest) Close() error { g.closed++; return nil }

func (g *guest) Call(_ context.Context, name string, args []string) (string, error) {
	g.called++
	if name == "bad" {
		return "", &problem.Problem{Code: problem.GuestFailed, Msg: "no such network", Err: errors.ErrUnsupported}
	}
	return fmt.Sprintf("%s(%s)", name, strings.Join(args, ",")), nil
}

func TestFunctionsOfGuests(t *testing.T) {
	g := &guest{}
	tmpl, err := gotmpl.Compile("t", `{{net_f "a"}} {{net_pair "10.0.0.0/8" 5}} {{net_pair true (json "{\"n\":3}").n}}`, gotmpl.Options{Functions: guests(g)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if out, err := tmpl.Render(t.Context(), everything(nil)); string(out) != "f(a) pair(10.0.0.0/8,5) pair(true,3)" {
			t.Fatalf("got %q, %v", out, err)
		}
	}
	if *g != (guest{opened: 2, closed: 2, called: 6}) {
		t.Errorf("got %+v", *g)
	}
}

func TestFunctionsOfGuestsOpenWhenCalled(t *testing.T) {
	g := &guest{}
	if out, err := render(t, `{{if exists "/no"}}{{net_f "a"}}{{end}}ok`, gotmpl.Options{Functions: guests(g)}); out != "ok" {
		t.Errorf("got %q, %v", out, err)
	}
	if g.opened != 0 {
		t.Error("opened without a call")
	}
}

func TestFunctionsOfGuestsFail(t *testing.T) {
	g := &guest{}
	_, err := render(t, "a\n{{net_bad}}", gotmpl.Options{Functions: guests(g)})
	p := asProblem(t, err)
	if p.Code != problem.GuestFailed || p.Place() != "templates/a.tmpl:2:3" || p.Source != "{{net_bad}}" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %s %s %q", p.Code, p.Place(), p.Source)
	}
	if g.closed != 1 {
		t.Error("left open after a failure")
	}
	for text, want := range map[string]string{
		`{{net_f}}`:          "wrong number of args for net_f: want 1 got 0",
		`{{net_f (list 1)}}`: "argument 1 must be text, a number or a truth value",
		`{{net_nope}}`:       `function "net_nope" not defined`,
	} {
		if _, err := render(t, text, gotmpl.Options{Functions: guests(g)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// A call with another number of arguments is refused before any render, also
// where no keys lead yet.
func TestArgumentsOfGuestsAreCounted(t *testing.T) {
	for text, want := range map[string]string{
		`{{if exists "/no"}}{{net_pair "a"}}{{end}}`:                      "a.tmpl:1:22: wrong number of args for net_pair: want 2 got 1 (write it as {{net_pair ARGUMENT1 ARGUMENT2}})",
		"a\n{{range ls \"/no\"}}{{else}}{{with net_f 1 2}}{{end}}{{end}}": "a.tmpl:2:34: wrong number of args for net_f: want 1 got 2",
		`{{define "x"}}{{net_bad 1}}{{end}}`:                              "a.tmpl:1:17: wrong number of args for net_bad: want 0 got 1 (write it as {{net_bad}})",
		`{{$x := 1 | net_f 2}}`:                                           "want 1 got 2",
		`{{printf "%s" (net_f)}}`:                                         "a.tmpl:1:16: wrong number of args for net_f: want 1 got 0",
		`{{if or (eq 1 2) (exists (net_f "a" "b"))}}{{end}}`:              "want 1 got 2",
		`{{printf "%s" net_f}}`:                                           "want 1 got 0",
		`{{template "x" net_pair 1}}{{define "x"}}{{end}}`:                "want 2 got 1",
		`{{(net_f 1 2).x}}`:                                               "want 1 got 2",
		`{{if false}}{{"a" | net_bad}}{{else if net_pair 1 2 3}}{{end}} `: "a.tmpl:1:21: wrong number of args for net_bad: want 0 got 1",
		`{{net_f "a"}}{{"a" | net_f}}{{net_f "a" | net_pair "b"}}{{net_f (net_pair "a" "b")}}{{printf "%s%s" (net_f 1) (net_f 2 | net_f)}}`: "",
	} {
		_, err := gotmpl.Compile("a.tmpl", text, gotmpl.Options{File: "a.tmpl", Functions: guests(&guest{})})
		if want == "" && err == nil {
			continue
		}
		if want == "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
			continue
		}
		if p := asProblem(t, err); p.Code != problem.TemplateParse || p.Source == "" || p.Hint == "" {
			t.Errorf("%s: got %+v", text, p)
		}
	}
}

func TestPrefixMustBeAnIdentifier(t *testing.T) {
	_, err := gotmpl.Compile("t", "", gotmpl.Options{Functions: map[string]wrender.Functions{"my-net": &guest{}}})
	if p := asProblem(t, err); p.Code != problem.Config {
		t.Errorf("got %v", err)
	}
}

// silentGuest is a set without state, for renders at once.
type silentGuest struct{}

func (*silentGuest) Names() map[string]int { return map[string]int{"f": 1} }

func (g *silentGuest) Open(context.Context, *kv.View) (wrender.Calls, error) { return g, nil }

func (*silentGuest) Close() error { return nil }

func (*silentGuest) Call(_ context.Context, name string, args []string) (string, error) {
	return name + "(" + args[0] + ")", nil
}

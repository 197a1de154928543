package gate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// No text makes the compiler or a judgement panic, take long, or tell a value.
func FuzzCondition(f *testing.F) {
	for _, w := range Words {
		f.Add(w.Examples[0].Expr)
	}
	for _, r := range Recipes {
		f.Add(r.Expr)
	}
	for _, expression := range hostile {
		f.Add(expression)
	}
	const secret = "s3cr3t-va1ue"
	in := Sample()
	in.New["/secret"], in.Old["/secret"] = secret, secret+"-old"
	in.Updated = append(in.Updated, "/secret")
	f.Fuzz(func(t *testing.T, expression string) {
		start := time.Now()
		err := compileAndJudge(t, expression, in)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
		if err != nil && strings.Contains(err.Error(), secret) && !strings.Contains(expression, secret) {
			t.Errorf("the error tells a value: %v", err)
		}
	})
}

func compileAndJudge(t *testing.T, expression string, in Input) error {
	t.Helper()
	g, err := Compile(expression, Options{})
	if err == nil {
		var v Verdict
		v, err = g.Judge(t.Context(), in)
		if v.Decision == Hold && err == nil && !v.Wake.After(in.Now) {
			t.Errorf("%q holds until %v", expression, v.Wake)
		}
		if _, err := g.Explain(t.Context(), in); err != nil {
			t.Error(err)
		}
	}
	var p *problem.Problem
	if err != nil && (!errors.As(err, &p) || p.Code != problem.Condition) {
		t.Errorf("%q: %v is not a problem", expression, err)
	}
	if p != nil {
		_ = p.Detail()
	}
	return err
}

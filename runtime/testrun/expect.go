package testrun

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// judge looks at the end of a step: an error that nobody expects, then what is
// expected.
func (p *play) judge(e *Expect) {
	if p.ctx.Err() != nil {
		return
	}
	if err := p.trouble(); err != nil && !e.declares() {
		msg, detail := "unexpected error", details(err)
		if len(detail) > 0 {
			msg, detail = msg+": "+detail[0], detail[1:]
		}
		p.res.fail(Failure{Place: p.file.place(p.step.path...), Step: p.step.title(), Msg: msg, Detail: detail})
	}
	if e != nil {
		p.expect(e)
	}
}

// declares tells whether an error is expected.
func (e *Expect) declares() bool {
	return e != nil && (e.Error != nil || e.Reload == "failed" || slices.Contains([]string{"failed", "owed", "guarded"}, e.Status))
}

func (p *play) expect(e *Expect) {
	x := &expecting{p, e, append(slices.Clone(p.step.path), "expect")}
	x.output()
	x.destination()
	x.decision()
	x.world()
	x.trouble()
	x.guest()
}

// expecting holds what is expected against what happened.
type expecting struct {
	*play
	e    *Expect
	path []string
}

func (x *expecting) fail(msg string, detail []string, path ...string) {
	x.res.fail(Failure{Place: x.file.place(append(slices.Clone(x.path), path...)...), Step: x.step.title(), Msg: msg, Detail: detail})
}

// want fails unless both are equal.
func (x *expecting) want(field string, want, got any, detail ...string) {
	if want != got {
		x.fail(fmt.Sprintf("expected %s = %s, got %s", field, quoted(want), quoted(got)), detail, strings.Split(field, ".")...)
	}
}

func quoted(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return fmt.Sprint(v)
}

func flag(x *expecting, field string, want *bool, got bool, detail ...string) {
	if want != nil {
		x.want(field, *want, got, detail...)
	}
}

package gate

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// bigInput has ten thousand keys and one value of a megabyte and a half, which
// is what etcd lets through.
func bigInput() Input {
	in := Sample()
	in.New = map[string]string{"/big": strings.Repeat("é", 750_000)}
	for i := range 10_000 {
		in.New[fmt.Sprintf("/k/%d", i)] = "vvvvvvvv"
	}
	in.Old = in.New
	in.Diff.Lines = []string{"+" + in.New["/big"]}
	return in
}

var hostile = map[string]string{
	"nested loops":            `all(keys(new), all(keys(new), all(keys(new), true)))`,
	"nested loops with let":   `let r = keys(new); all(r, let a = #; all(r, let b = #; all(r, a != "" || b != "")))`,
	"deep parentheses":        strings.Repeat("(", 1000) + "first" + strings.Repeat(")", 1000),
	"deep negation":           strings.Repeat("!", 290) + "first",
	"too deep":                strings.Repeat("(", 100_000) + "first",
	"doubling":                `let a = "xxxxxxxx"; let b = a + a; let c = b + b; let d = c + c; let e = d + d; let f = e + e; let g = f + f; let h = g + g; let i = h + h; let j = i + i; let k = j + j; let l = k + k; let m = l + l; let n = m + m; let o = n + n; len(o + o) > 0`,
	"doubling without types":  `let a = ["xxxxxxxx", 1][0]; let b = a + a; b == ""`,
	"long joins in a loop":    `let a = split(new["/big"], "x")[0][:30000]; len(map(keys(new), a + #)) > 0`,
	"joined in a loop":        `len(map(keys(new), new["/k/1"] + # + # + # + #)) > 0`,
	"upper in a loop":         `len(map(keys(new), upper(new["/big"]))) > 0`,
	"split in a loop":         `len(map(keys(new), split(new["/big"], "é"))) > 0`,
	"split to characters":     `len(map(keys(new), split(new["/big"], ""))) > 0`,
	"keys in a loop":          `len(map(keys(new), keys(new))) > 0`,
	"keys of keys":            `len(map(keys(new), map(keys(new), 1))) > 0`,
	"lists in a loop":         `len(map(keys(new), [#, #, #, #, #, #, #, #])) > 0`,
	"text of a map":           `len(map(keys(new), string(new))) > 0`,
	"in in a loop":            `all(keys(new), # in keys(old))`,
	"maps compared in a loop": `all(keys(new), new == old)`,
	"a slow pattern":          `new["/big"] matches "(é?){200}(éé|é){150}x"`,
	"a slow pattern in lines": `diffHas("(é|éé|ééé){200}x$")`,
	"a backtracking pattern":  `new["/big"] matches "(a+)+(b|c)*$"`,
	"slow patterns in a loop": `any(keys(new), new["/big"] matches "(é?){200}(éé|é){150}x")`,
	"trim":                    `trim(new["/big"], new["/big"]) == ""`,
	"contains in a loop":      `any(keys(new), new["/big"] contains "x")`,
	"shared comparisons":      strings.Repeat("0<((", 25) + "0" + strings.Repeat(")<1?1:0)<9", 25),
	"shared choices":          strings.Repeat("(", 100) + "first" + strings.Repeat("?:drift)", 100),
	"division":                `1 / 0 > 1 && 1 % len(removed) == 0`,
	"windows that never meet": `window("Mon 02:00-02:01") && window("Tue 02:00-02:01") && all(keys(new), true)`,
	"many windows":            strings.TrimSuffix(strings.Repeat(`window("00:00-00:01") && `, 40), " && ") + " && first",
	"a wait of centuries":     `last.age > duration("2500000h") && window("00:00-00:01")`,
	"many instants":           `reloads("1000000h") < 0`,
}

// Nothing that an operator can write, by mistake or not, stops the daemon or
// eats its memory.
func TestHostile(t *testing.T) {
	in := bigInput()
	for i := range 100_000 {
		in.History = append(in.History, in.Now.Add(-time.Duration(i)*time.Second))
	}
	for name, expression := range hostile {
		var r report
		for range 5 { // a busy machine can make anything slow, but hardly five times
			if r = tryHostile(t, expression, in); r.compiled < limit && r.judged < limit {
				break
			}
		}
		t.Logf("%-24s compiled %8v judged %8v, %4d MiB: %.100v",
			name, r.compiled.Round(time.Microsecond), r.judged.Round(time.Microsecond), r.made>>20, r.err)
		var p *problem.Problem
		if r.err != nil && !errors.As(r.err, &p) {
			t.Errorf("%s: not a problem: %v", name, r.err)
		}
		if r.compiled > limit || r.judged > limit {
			t.Errorf("%s: compiled in %v, judged in %v", name, r.compiled, r.judged)
		}
		if r.made > 48<<20 {
			t.Errorf("%s: made %d MiB", name, r.made>>20)
		}
	}
}

// limit is for the race detector, which makes a single upper() of a megabyte
// take a deadline and more. Without guard rails these take hours.
const limit = 400 * Deadline

type report struct {
	compiled, judged time.Duration
	made             uint64
	err              error
}

func tryHostile(t *testing.T, expression string, in Input) (r report) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	g, err := Compile(expression, Options{})
	r.compiled, r.err = time.Since(start), err
	start = time.Now()
	if err == nil {
		_, r.err = g.Judge(t.Context(), in)
	}
	r.judged = time.Since(start)
	runtime.ReadMemStats(&after)
	r.made = after.TotalAlloc - before.TotalAlloc
	return r
}

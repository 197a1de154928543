package gate

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func mustCompile(t testing.TB, expression string) *Gate {
	t.Helper()
	g, err := Compile(expression, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestJudge(t *testing.T) {
	for expression, want := range map[string]string{
		// time alone never opens these, in whatever order they are written
		`touched("/x") && every("5m")`:                           "skip",
		`every("5m") && touched("/x")`:                           "skip",
		`window("Mon 02:00-03:00") && touched("/x")`:             "skip",
		`window("00:00-24:00") && touched("/x")`:                 "skip",
		`waited("1s") && !waited("1s")`:                          "skip",
		`settled("1s") == false`:                                 "skip",
		`last.age < duration("1m")`:                              "skip",
		`window("Mon 02:00-03:00") && window("Tue 02:00-03:00")`: "skip",

		// both sides of a window, and of not
		`!window("Sat 00:00-24:00")`:                              "hold until Sun 00:00:00",
		`window("Sat 13:00-15:00") && !window("Sat 13:30-14:30")`: "hold until 14:30:00",
		`window("Mon 02:00-03:00") && window("Mon 02:30-04:00")`:  "hold until Mon 02:30:00",
		`window("Mon 02:00-03:00") && waited("72h")`:              "hold until Mon 02:00:00",
		`every("5m") && settled("10m")`:                           "hold until 14:09:57",
		`settled("10m") && every("5m")`:                           "hold until 14:09:57",
		`every("5m") ? settled("10m") : settled("20s")`:           "hold until 14:00:17",
		`[every("5m"), settled("10m")] == [true, false]`:          "hold until 14:03:00",
		`reloads("1h") == 0`:                                      "hold until 14:58:00",
		`reloads("6h") <= 1 && reloads("6h") > 0`:                 "hold until 19:30:00",

		// what is rewritten inside of a call
		`get(new, last.age > duration("5m") ? "/weight" : "/nothing") == "110"`: "hold until 14:03:00.000000001",
		`touched("/services/" + "web/*")`:                                       "now",
		`len(filter(split("a,b", ","), # matches "^a")) == 1`:                   "now",

		// comparisons with the clock
		`last.age > duration("5m")`:                                    "hold until 14:03:00.000000001",
		`last.age >= duration("5m")`:                                   "hold until 14:03:00",
		`last.age == duration("5m")`:                                   "hold until 14:03:00",
		`last.age != duration("2m")`:                                   "hold until 14:00:00.000000001",
		`duration("5m") <= last.age`:                                   "hold until 14:03:00",
		`duration("5m") - last.age <= duration("1s")`:                  "hold until 14:02:59",
		`last.age * 2 >= duration("5m")`:                               "hold until 14:00:30",
		`-1 * last.age <= duration("-5m")`:                             "hold until 14:03:00",
		`last.age + pending.age >= duration("3m")`:                     "hold until 14:00:28",
		`last.age - pending.age > duration("5m")`:                      "skip",
		`let a = last.age; a >= duration("5m")`:                        "hold until 14:03:00",
		`now - last.at >= duration("5m")`:                              "hold until 14:03:00",
		`last.at + duration("5m") <= now`:                              "hold until 14:03:00",
		`any([1, 2], last.age >= duration("1m") * # + duration("2m"))`: "hold until 14:01:00",
		`last.age * 3 > duration("7m1s")`:                              "hold until 14:00:20.333333334",
	} {
		got, err := Try(t.Context(), expression)
		if err != nil || got != want {
			t.Errorf("%s\n got %q %v\nwant %q", expression, got, err, want)
		}
	}
}

// An hour is short for what takes weeks: the window comes round often before
// the wait is over.
func TestJudgeLooksFarAhead(t *testing.T) {
	v, err := mustCompile(t, `window("Mon 02:00-03:00") && waited("720h")`).Judge(t.Context(), Sample())
	if want := time.Date(2026, 12, 28, 2, 0, 0, 0, time.UTC); err != nil || !v.Wake.Equal(want) {
		t.Errorf("got %+v %v, want a wake at %v", v, err, want)
	}
}

// Without a former reload, or with one in the future because the clock was
// wrong, what waits for an age is open.
func TestJudgeWithoutInstants(t *testing.T) {
	for name, change := range map[string]func(*Input){
		"none":   func(in *Input) { in.Last, in.Pending, in.History = Reload{}, Pending{}, nil },
		"future": func(in *Input) { in.Now = in.Now.AddDate(-1, 0, 0) },
	} {
		in := Sample()
		change(&in)
		g := mustCompile(t, `every("5m") && settled("1h") && waited("1h") && last.age > duration("24h") && reloads("1h") == 0`)
		if v, err := g.Judge(t.Context(), in); err != nil || v.Decision != Now {
			t.Errorf("%s: %v %v", name, v, err)
		}
	}
	in := Sample()
	in.Now = in.Now.Add(-2*time.Minute - time.Second) // a step of a second after the reload
	if v, err := mustCompile(t, `every("5m")`).Judge(t.Context(), in); err != nil || v.Wake.Sub(in.Now) != 5*time.Minute+time.Second {
		t.Errorf("a small step back: %v %v", v, err)
	}
}

func TestAllows(t *testing.T) {
	for expression, want := range map[string]bool{`diff.ratio < 0.5`: true, `diff.ratio > 0.5`: false, `every("5m")`: false} {
		if got, err := mustCompile(t, expression).Allows(t.Context(), Sample()); err != nil || got != want {
			t.Errorf("%s: %v %v", expression, got, err)
		}
	}
	if ok, err := mustCompile(t, `num("x") > 0`).Allows(t.Context(), Sample()); err == nil || ok {
		t.Error("a guard that fails allows")
	}
}

func TestJudgeNeedsTimeAndContext(t *testing.T) {
	g := mustCompile(t, "first")
	if _, err := g.Judge(t.Context(), Input{}); err == nil {
		t.Error("judged without a time")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Judge(ctx, Sample()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if v, err := new(Gate).Judge(t.Context(), Sample()); err != nil || v.Decision != Now {
		t.Errorf("no condition: %v %v", v, err)
	}
}

// A process that was not running for a while has not judged for a while: a pause
// costs one slice of the deadline, however long it was, and a condition without
// loops does not mind it at all.
func TestPausesAreNotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := Sample()
		loop, plain := mustCompile(t, `all(changed, # != "")`), mustCompile(t, `!first && every("1m")`)
		j := newJudgement(t.Context(), &in, len(loop.leaves))
		defer j.end()
		for range slicesOfDeadline - 1 {
			time.Sleep(time.Hour)
			clear(j.values)
			if v, err := j.evaluate(loop.root); err != nil || !v {
				t.Fatalf("after a pause: %v %v", v, err)
			}
		}
		time.Sleep(Deadline)
		clear(j.values)
		if _, err := j.evaluate(loop.root); !errors.Is(err, errDeadline) {
			t.Errorf("after the last slice: %v", err)
		}
		j.values = make([]truth, len(plain.leaves))
		if v, err := j.evaluate(plain.root); err != nil || !v {
			t.Errorf("without a loop: %v %v", v, err)
		}
	})
}

// The longest text that + may make, and one byte more.
func TestLimitOfJoin(t *testing.T) {
	in := Sample()
	g := mustCompile(t, `len(new["/a"] + new["/b"]) > 0`)
	for size, want := range map[int]error{MaxJoined: nil, MaxJoined + 1: errJoined} {
		in.New = map[string]string{"/a": strings.Repeat("x", size-10), "/b": strings.Repeat("y", 10)}
		if v, err := g.Judge(t.Context(), in); !errors.Is(err, want) || (err == nil) != (v.Decision == Now) {
			t.Errorf("%d bytes: %v %v", size, v, err)
		}
	}
}

// Nothing that changed is not "only" something that changed.
func TestOnlyWithoutChanges(t *testing.T) {
	in := Sample()
	in.Added, in.Removed, in.Updated = nil, nil, nil
	for _, expression := range []string{`only("/**")`, `touched("/**")`} {
		if ok, err := mustCompile(t, expression).Allows(t.Context(), in); ok || err != nil {
			t.Errorf("%s: %v %v", expression, ok, err)
		}
	}
}

// A wake is exact: the condition is false until a nanosecond before, and true
// then. What is skipped stays false.
func TestWakeIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	held, skipped := 0, 0
	for range 3000 {
		expression := randomCondition(rng, 3)
		g := mustCompile(t, expression)
		in := Sample()
		in.Now = in.Now.Add(time.Duration(rng.Int64N(int64(8 * 24 * time.Hour))))
		in.Last.At = in.Now.Add(-time.Duration(rng.Int64N(int64(time.Hour))))
		in.Pending.Since = in.Now.Add(-time.Duration(rng.Int64N(int64(time.Hour))))
		in.Pending.Latest = in.Now.Add(-time.Duration(rng.Int64N(int64(in.Now.Sub(in.Pending.Since) + 1))))
		v, err := g.Judge(t.Context(), in)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		var closed time.Duration
		switch v.Decision {
		case Now:
			continue
		case Hold:
			held++
			if closed = v.Wake.Sub(in.Now); closed <= 0 {
				t.Fatalf("%s: wakes %v after it was judged", expression, closed)
			}
			if !openAt(t, g, in, v.Wake) {
				t.Errorf("%s: judged at %v, not open at its wake %v", expression, in.Now, v.Wake)
			}
			if openAt(t, g, in, v.Wake.Add(-1)) {
				t.Errorf("%s: judged at %v, open before its wake %v", expression, in.Now, v.Wake)
			}
		case Skip:
			skipped++
			closed = 20 * 24 * time.Hour
		}
		for range 20 {
			at := in.Now.Add(time.Duration(rng.Int64N(int64(closed))))
			if openAt(t, g, in, at) {
				t.Errorf("%s: judged %v at %v, open at %v", expression, v, in.Now, at)
			}
		}
	}
	if held < 500 || skipped < 200 {
		t.Errorf("only %d were held and %d skipped", held, skipped)
	}
}

func openAt(t *testing.T, g *Gate, in Input, at time.Time) bool {
	t.Helper()
	in.Now = at
	ok, err := g.Allows(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// randomCondition joins time functions, and a few things that stand still.
func randomCondition(rng *rand.Rand, depth int) string {
	if depth > 0 && rng.IntN(3) > 0 {
		a, b := randomCondition(rng, depth-1), randomCondition(rng, depth-1)
		switch rng.IntN(5) {
		case 0, 1:
			return "(" + a + " && " + b + ")"
		case 2:
			return "(" + a + " || " + b + ")"
		case 3:
			return "!(" + a + ")"
		}
		return "(" + a + " ? " + b + " : " + randomCondition(rng, depth-1) + ")"
	}
	wait := strconv.Quote((time.Duration(1+rng.IntN(5400)) * time.Second).String())
	op := []string{"<", "<=", ">", ">="}[rng.IntN(4)]
	switch rng.IntN(9) {
	case 0:
		return "every(" + wait + ")"
	case 1:
		return "settled(" + wait + ")"
	case 2:
		return "waited(" + wait + ")"
	case 3:
		return "reloads(" + wait + ") " + op + " " + strconv.Itoa(rng.IntN(3))
	case 4:
		return "last.age " + op + " duration(" + wait + ")"
	case 5:
		return "pending.age * 3 - pending.idle " + op + " duration(" + wait + ") + pending.idle"
	case 6:
		return []string{"first", "!first", `touched("/nothing")`}[rng.IntN(3)]
	}
	days := []string{"", "Mon-Fri ", "Sat ", "Sun,Tue ", "Fri-Mon "}[rng.IntN(5)]
	hours := []string{"02:00-04:30", "22:00-06:00", "00:00-24:00", "12:00-12:01"}[rng.IntN(4)]
	zone := []string{"", " Europe/Berlin", " Australia/Lord_Howe"}[rng.IntN(3)]
	return "window(" + strconv.Quote(days+hours+zone) + ")"
}

// Explain tells every leaf, also those that Judge does not reach.
func TestExplain(t *testing.T) {
	g := mustCompile(t, `touched("/tls/*") || (every("5m") && settled("2s") && !(diff.significant == 0))`)
	leaves, err := g.Explain(t.Context(), Sample())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range leaves {
		wake := ""
		if !l.Wake.IsZero() {
			wake = " until " + l.Wake.Format("15:04:05")
		}
		got = append(got, strconv.Itoa(l.Col)+" "+l.Text+": "+strconv.FormatBool(l.Value)+wake+" reached="+strconv.FormatBool(l.Reached))
	}
	want := []string{
		`1 touched("/tls/*"): false reached=true`,
		`23 every("5m"): false until 14:03:00 reached=true`,
		`38 settled("2s"): true reached=false`,
		`57 diff.significant == 0: false reached=false`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestExplainError(t *testing.T) {
	leaves, err := mustCompile(t, `first && num("x") > 0 || every("5m")`).Explain(t.Context(), Sample())
	if err != nil || leaves[1].Err == nil || leaves[1].Reached || leaves[2].Err != nil {
		t.Errorf("got %+v %v", leaves, err)
	}
}

func TestJoin(t *testing.T) {
	type result struct {
		decision Decision
		only     bool
		wake     string
	}
	for name, test := range map[string]struct {
		parts Parts
		want  result
	}{
		"nothing":           {Parts{}, result{Now, false, ""}},
		"only interval":     {Parts{MinReloadInterval: Part{Text: "5m"}}, result{Hold, true, "14:03:00"}},
		"condition is true": {Parts{ReloadWhen: Part{Text: "!first"}, MinReloadInterval: Part{Text: "5m"}}, result{Hold, true, "14:03:00"}},
		"condition holds too": {
			Parts{ReloadWhen: Part{Text: `settled("10s")`}, MinReloadInterval: Part{Text: "5m"}}, result{Hold, false, "14:03:00"},
		},
		"window holds too": {
			Parts{Window: Part{Text: "15:00-16:00"}, MinReloadInterval: Part{Text: "5m"}}, result{Hold, false, "15:00:00"},
		},
		"window is open": {
			Parts{Window: Part{Text: "13:00-16:00"}, MinReloadInterval: Part{Text: "5m"}}, result{Hold, true, "14:03:00"},
		},
		"condition skips": {Parts{ReloadWhen: Part{Text: "first"}, MinReloadInterval: Part{Text: "5m"}}, result{Skip, false, ""}},
		"interval is over": {
			Parts{ReloadWhen: Part{Text: "!first || drift"}, MinReloadInterval: Part{Text: "1m"}, Window: Part{Text: "Sat 13:00-16:00"}}, result{Now, false, ""},
		},
	} {
		g, err := Join(test.parts)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, err := g.Judge(t.Context(), Sample())
		got := result{v.Decision, v.OnlyInterval, ""}
		if !v.Wake.IsZero() {
			got.wake = v.Wake.Format("15:04:05")
		}
		if err != nil || got != test.want {
			t.Errorf("%s: got %v %v, want %v", name, got, err, test.want)
		}
	}
}

// Problems of the parts stand at their own places.
func TestJoinPlaces(t *testing.T) {
	text := "reload_when = 'frst'\nwindow = 'Mon-Fry 02:00-04:00'\nmin_reload_interval = '5 m'\n"
	part := func(s string) Part {
		return Part{Text: s, Options: Options{At: Within("a.toml", text, strings.Index(text, s))}}
	}
	for want, parts := range map[string]Parts{
		`a.toml:1:16: reload_when: unknown name frst (did you mean "first"?)`:                                    {ReloadWhen: part("frst")},
		`a.toml:2:11: window: "Mon-Fry 02:00-04:00": "Mon-Fry" is not a day such as Mon or days such as Mon-Fri`: {Window: part("Mon-Fry 02:00-04:00")},
		`a.toml:3:24: min_reload_interval: "5 m" is not a duration such as 30s, 5m or 1h30m`:                     {MinReloadInterval: part("5 m")},
	} {
		if _, err := Join(parts); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestReads(t *testing.T) {
	for expression, want := range map[string]string{
		`first`:                                "  [first]",
		`touched("/a")`:                        "changes  [touched]",
		`diff.significant > 0`:                 "bytes  [diff.significant]",
		`diffHas("x")`:                         "bytes  [diffHas]",
		`reloads("1h") < 6`:                    "history clock  [reloads]",
		`last.ok || last.age > duration("1m")`: "clock  [duration last.age last.ok]",
		`last.ok`:                              "  [last.ok]",
		`let n = new["/a"]; n == labels.host || delta("/b") > 0`: "pairs  [delta labels new] /a /b host",
	} {
		r := mustCompile(t, expression).Reads()
		var got strings.Builder
		for name, on := range map[string]bool{"changes": r.Changes, "pairs": r.Pairs, "bytes": r.Bytes} {
			if on {
				got.WriteString(name)
			}
		}
		if r.History {
			got.WriteString("history ")
		}
		if r.Clock {
			got.WriteString("clock")
		}
		got.WriteString("  [" + strings.Join(r.Words, " ") + "]")
		for _, l := range append(append(r.Keys, r.Labels...), r.Globs...) {
			if l.Text != expression[l.Offset+1:][:len(l.Text)] && l.Text != expression[l.Offset:][:len(l.Text)] {
				t.Errorf("%s: %q is not at %d", expression, l.Text, l.Offset)
			}
			got.WriteString(" " + l.Text)
		}
		if expression == `touched("/a")` {
			want += " /a"
		}
		if got.String() != want {
			t.Errorf("%s: got %q, want %q", expression, got.String(), want)
		}
	}
}

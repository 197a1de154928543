package gate

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/problem"
)

// What cannot be judged safely, or at all, is refused when it is compiled, with
// a caret below the place and a hint.
func TestCompileRefuses(t *testing.T) {
	for expression, want := range map[string]string{
		`touchd("/a")`:                 "1:1: unknown name touchd | touchd | did you mean \"touched\"?",
		`first || diff.signficant > 0`: "1:10: unknown name diff.signficant | diff.signficant | did you mean \"diff.significant\"?",
		"first ||\n  dift":             "2:3: unknown name dift | dift | did you mean \"drift\"?",
		`"é" == reason && foobar`:      "1:19: unknown name foobar | foobar | did you mean \"float\"?",
		`let weight = 1; wieght > 0`:   "1:17: unknown name wieght | wieght | did you mean \"weight\"?",
		`peers.busy == 0`:              "1:1: peers is not available: wconf has no source for the state of other hosts | peers | ",
		`last.age > "1m"`:              "1:10: invalid operation: > (mismatched types duration and string) | > | write a duration as duration(\"5m\")",
		`new["/a"] > 3`:                "1:11: invalid operation: > (mismatched types string and int) | > | ",
		`changed`:                      "1:1: the condition must be true or false, this is list of texts | c | compare it with something",
		`len(changed) >`:               "1:14: the expression ends too early | > | ",
		`reason = "drift"`:             "1:8: unexpected \"=\" | = | write == to compare",
		`first; true`:                  "1:1: the value before ; is thrown away | first | join conditions with && or ||",
		`last == last`:                 "1:1: last is a group of values | last | write last.at",
		`touched`:                      "1:1: touched is a function | touched | write touched(\"/pattern/**\", …)",
		`now() > now`:                  "1:1: now is not a function | now | write now without parentheses",
		`let first = true; first`:      "1:5: first has a meaning already | first | choose another name for the variable",

		// constants
		`every("3 s")`:                      "1:7: every: \"3 s\" is not a duration such as 30s, 5m or 1h30m | \"3 s\" | ",
		`settled("-2s")`:                    "1:9: settled: \"-2s\" is negative | \"-2s\" | ",
		`last.age > duration("1 day")`:      "1:21: duration: \"1 day\" is not a duration such as 30s, 5m or 1h30m | \"1 day\" | ",
		`now > date("tomorrow")`:            "1:12: date: a value is not a time such as 2026-12-01 or 2026-12-01T08:00:00Z | \"tomorrow\" | ",
		`first || window("Mon-Fri 2-4")`:    "1:17: window: \"Mon-Fri 2-4\": \"2\" is not a time of day such as 02:00 | \"Mon-Fri 2-4\" | ",
		`window("Mo 02:00-04:00")`:          "1:8: window: \"Mo 02:00-04:00\": \"Mo\" is not a day such as Mon or days such as Mon-Fri | \"Mo 02:00-04:00\" | ",
		`window("02:00-04:00 Europe/Nope")`: "1:8: window: \"02:00-04:00 Europe/Nope\": the time zone \"Europe/Nope\" is not known on this host | \"02:00-04:00 Europe/Nope\" | ",
		`window("02:00-02:00")`:             "1:8: window: \"02:00-02:00\": \"02:00-02:00\" is an empty window; a whole day is 00:00-24:00 | \"02:00-02:00\" | ",
		`window(new["/window"])`:            "1:1: window takes one literal text | window | write window(\"Mon-Fri 02:00-04:30 Europe/Berlin\")",
		`diffHas("(")`:                      "1:9: diffHas: error parsing regexp: missing closing ): `(` | \"(\" | ",
		`reason matches "("`:                "1:16: matches: error parsing regexp: missing closing ): `(` | \"(\" | ",
		`reason matches resource`:           "1:16: the pattern of matches must be a literal text | resource | write value matches \"^[0-9]+$\"",
		`touched("/a", "[b")`:               "1:15: touched: \"[b\" is not a pattern: a bracket is not closed | \"[b\" | ",
		`touched()`:                         "1:1: touched needs a pattern | touched | write touched(\"/pattern/**\", …)",
		`every(new["/pause"])`:              "1:10: cannot use string as argument (type duration) to call every | [ | write a duration as duration(\"5m\")",

		// what expr allows
		`reduce(changed, #acc, "") == ""`:   "1:1: reduce() is not available in conditions | reduce | ",
		`::reduce(changed, #acc, "") == ""`: "1:3: reduce() is not available in conditions | reduce | ",
		`len(repeat("x", 3)) == 3`:          "1:5: repeat() is not available in conditions | repeat | ",
		`len(1..9) == 9`:                    "1:6: ranges are not available in conditions | .. | ",
		`$env.first`:                        "1:1: $env is not available in conditions | $env | ",
		`__step() == nil`:                   "1:1: unknown name __step | __step | ",
		`now.Hour() > 3`:                    "1:5: only functions can be called, not methods | Hour | for hours and days there is window(\"Mon-Fri 02:00-04:30\")",
		`string(new) == ""`:                 "1:8: string() takes a single value that is known to be one | new | look at its parts instead",
		`[1, "a"][0] + [1, "a"][0] == 2`:    "1:13: + must know whether it adds or joins | + | wrap the values: string(x), int(x) or float(x)",
		`min(duration("1s"), duration("2s")) > duration("1s")`: "1:5: min() takes numbers | duration | compare durations and times with < and >",

		// what moves with the clock and cannot be timed
		`abs(last.age - duration("1m")) > duration("1s")`:   "1:14: a value that moves with the clock can only be compared here | - | compare it with a duration or a time: last.age > duration(\"5m\")",
		`last.age * last.failures > duration("1m")`:         "1:10: a value that moves with the clock can only be multiplied by a whole number | * | multiply the other side: last.age > duration(\"30s\") * last.failures",
		`(first ? last.age : duration("1m")) > pending.age`: "1:21: one side of ?: moves with the clock, the other does not | duration | compare first, then choose",
		`string(now) == ""`: "1:8: a value that moves with the clock can only be compared here | now | compare it with a duration or a time: last.age > duration(\"5m\")",
	} {
		_, err := Compile(expression, Options{})
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != problem.Condition {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		marked := p.Source[min(p.Col-1, len(p.Source)):]
		marked = marked[:min(max(p.Len, 1), len(marked))]
		got := strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col) + ": " + strings.TrimPrefix(p.Msg, "reload_when: ") + " | " + marked + " | " + p.Hint
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", expression, got, want)
		}
	}
}

// A problem stands at its place in the configuration file.
func TestPlaceInFile(t *testing.T) {
	text := "[template]\nsrc = \"a\"\nreload_when = 'first || lost.ok'\n"
	start := strings.Index(text, "first")
	_, err := Compile("first || lost.ok", Options{At: Within("conf.d/a.toml", text, start)})
	var p *problem.Problem
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	want := "conf.d/a.toml:3:25: reload_when: unknown name lost\n" +
		"  3 | reload_when = 'first || lost.ok'\n" +
		"    |                         ^^^^ did you mean \"last\"?"
	if got := p.Detail(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An error while judging stands at its place too, and quotes no value.
func TestFailureQuotesNoValue(t *testing.T) {
	const secret = "s3cr3t"
	for expression, want := range map[string]string{
		`first || num(new["/key"]) > 3`:    "1:10: cannot judge num(new[\"/key\"]) > 3: a value is not a number (it has 6 bytes)",
		`int(new["/key"]) > 3`:             "1:1: cannot judge int(new[\"/key\"]) > 3: a value cannot be used like this",
		`float(new["/key"]) > 3`:           "1:1: cannot judge float(new[\"/key\"]) > 3: a value cannot be used like this",
		`delta("/key") > 3`:                "1:1: cannot judge delta(\"/key\") > 3: a value is not a number (it has 6 bytes)",
		`major(new["/key"]) > 3`:           "1:1: cannot judge major(new[\"/key\"]) > 3: a value is not a version (it has 6 bytes)",
		`every(duration(new["/key"]))`:     "1:7: cannot judge every(duration(new[\"/key\"])): a value cannot be used like this",
		`now > date(new["/key"])`:          "1:7: cannot judge now > date(new[\"/key\"]): a value is not a time such as 2026-12-01 or 2026-12-01T08:00:00Z",
		`len(changed) % len(removed) == 0`: "1:14: cannot judge len(changed) % len(removed) == 0: division by zero",
		`changed[7] == ""`:                 "1:8: cannot judge changed[7] == \"\": an index is out of range",
		`len(find(changed, # == "x")) > 0`: "1:1: cannot judge len(find(changed, # == \"x\")) > 0: a value that is not there was used",
		`touched(new["/key"] + "[")`:       "1:1: cannot judge touched(new[\"/key\"] + \"[\"): a pattern is not valid",
	} {
		g, err := Compile(expression, Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		in := Sample()
		in.New = map[string]string{"/key": secret}
		in.Removed = nil
		v, err := g.Judge(t.Context(), in)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != problem.Condition || v != (Verdict{}) {
			t.Errorf("%s: %+v %v", expression, v, err)
			continue
		}
		if got := strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col) + ": " + strings.TrimPrefix(p.Msg, "reload_when: "); got != want {
			t.Errorf("%s\n got %s\nwant %s", expression, got, want)
		}
		for cause := error(p); cause != nil; cause = errors.Unwrap(cause) {
			if strings.Contains(cause.Error(), secret) {
				t.Errorf("%s: the error tells the value: %v", expression, cause)
			}
		}
	}
}

func TestLimitsOfSource(t *testing.T) {
	for name, expression := range map[string]string{
		"the limit is 2048": "first" + strings.Repeat(" ", MaxSource),
		"not valid UTF-8":   "reason == \"\xff\"",
		"empty":             " \n",
		"more than 300":     "first" + strings.Repeat(" || first", 200),
		"longer than 256":   `reason matches "` + strings.Repeat("a", 257) + `"`,
		"repeats too much":  `reason matches "(a{999}b{999}c{999})"`,
		"too complex":       strings.Repeat("(", 20) + "first" + strings.Repeat(" ?: drift)", 20),
		"is longer than 25": `touched("` + strings.Repeat("a", 257) + `")`,
	} {
		_, err := Compile(expression, Options{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Compile("first"+strings.Repeat(" ", MaxSource-5), Options{}); err != nil {
		t.Error(err)
	}
}

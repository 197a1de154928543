package gate

import (
	"context"
	"fmt"
	"strings"
)

// Reference is docs/conditions.md.
func Reference() string {
	var b strings.Builder
	b.WriteString(introduction)
	for _, g := range Groups {
		fmt.Fprintf(&b, "\n## %s\n\n", g.Title)
		for _, w := range g.Words {
			w.describe(&b)
		}
	}
	b.WriteString("\n## Worked examples\n\nThe event is the one above, or differs as the third column says.\n\n" +
		"| wish | condition | event | result |\n|---|---|---|---|\n")
	for _, r := range Recipes {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", r.Wish, inTable(r.Expr), r.Event, r.Result)
	}
	return b.String()
}

func (w *Word) describe(b *strings.Builder) {
	fmt.Fprintf(b, "### `%s`\n\n%s\n\n", w.Signature, w.Doc)
	for _, e := range w.Examples {
		fmt.Fprintf(b, "    %-60s // %s\n", e.Expr, e.Result)
	}
	b.WriteString("\n")
}

// inTable keeps the bars of || from ending a table's cell.
func inTable(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// result is a verdict as the documentation writes it; a wake on another day than
// the judgement's names the day.
func (v Verdict) result(in Input) string {
	switch {
	case v.Decision != Hold:
		return v.Decision.String()
	case v.Wake.YearDay() == in.Now.YearDay():
		return "hold until " + v.Wake.Format("15:04:05.999999999")
	}
	return "hold until " + v.Wake.Format("Mon 15:04:05.999999999")
}

// Try says what an expression gives for Sample, as an Example writes it.
func Try(ctx context.Context, expression string) (string, error) {
	g, err := Compile(expression, Options{})
	if err != nil {
		return "", err
	}
	v, err := g.Judge(ctx, Sample())
	if err != nil {
		return "", err
	}
	return v.result(Sample()), nil
}

var introduction = fmt.Sprintf(`# Conditions

A condition is an expression that is true or false. `+"`reload_when`"+` says whether a change is worth a reload, and
whether it may happen now; `+"`guard`"+` says whether new content may be written at all.

    reload_when = 'touched("/tls/**") || (every("5m") && settled("2s"))'
    guard       = 'diff.ratio < 0.5'

## What happens

When a resource's file would change, its `+"`reload_when`"+` is judged:

- **now**: it is true. The file is written and the service reloaded.
- **hold**: it is false, and will be true by the passing of time alone. wconf looks again exactly then, and at every
  change before.
- **skip**: it is false, and time alone will not make it true. The file is written, the service is not reloaded.

What changed adds up until a reload: changes that were held or skipped are still in `+"`changed`, `old` and `diff`"+`. So many
small changes become a large one.

`+"`window` and `min_reload_interval`"+` are short for `+"`window(\"…\")` and `every(\"…\")`"+`, joined to `+"`reload_when`"+` by `+"`&&`"+`. A reload
that only `+"`min_reload_interval`"+` holds back does not hold back the file.

In a `+"`guard`, `old`, `changed` and `diff`"+` compare with the file on disk, and only the value now counts.

Where `+"`||` and `&&`"+` are in doubt, `+"`wconf why`"+` shows each part and what it said.

## Time

wconf knows when each part of a condition will change: `+"`every`, `settled`, `waited`, `window`, `reloads`"+`, and comparisons of
`+"`now`, `last.age`, `pending.age` and `pending.idle`"+`. For that these four can be added to and subtracted from durations and
times, multiplied by a whole number that stands in the expression, named with `+"`let`"+`, and compared with durations and
times. Anything else, such as `+"`abs(last.age - duration(\"5m\"))`"+`, is refused when the configuration is loaded. For hours and days
there is `+"`window`"+`.

Where an instant is not known (there was no reload yet), conditions that wait for an age are open.

## Language

Operators: `+"`&& || ! ?: == != < <= > >= + - * / %% ** in contains startsWith endsWith matches ??`"+`, also written `+"`and or not`"+`.
Texts stand in "double" or 'single' quotes, lists in `+"`[ ]`"+`, comments after `+"`//`"+`. `+"`let name = value; condition`"+` names a value.
`+"`#`"+` is the element in a predicate. `+"`map[\"key\"]`"+` of an absent key is the empty text. The language is
[expr](https://expr-lang.org/docs/language-definition); only what stands here is available.

Every condition is checked when the configuration is loaded. Limits: %d bytes and %d parts; regular expressions of at most
%d bytes, literal; for one judgement %d steps through lists, lists of %d elements, and %v. What goes beyond them,
or fails otherwise while it is judged, changes nothing: the resource is *failed* until the next change.

## The examples

They are about one event. It is Saturday, 2026-11-21, 14:00 UTC, on the host web-03 in the zone a. Since the last reload,
two minutes ago, `+"`/services/web/2`"+` was added 4 seconds ago, and `+"`/services/web/1`"+` went from 10.0.0.1 to 10.0.0.9 and
`+"`/weight`"+` from 100 to 110 3 seconds ago. Each is executed by the tests.
`, MaxSource, MaxNodes, MaxPattern, MaxSteps, MaxMemory, Deadline)

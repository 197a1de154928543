package gate

import (
	"math"
	"time"
)

var timeWords = []Word{
	{
		Name: "every", Signature: `every("5m") bool`,
		Doc:      "A cool-down: whether the last reload is at least so long ago, or there was none.",
		Examples: []Example{{`every("5m")`, "hold until 14:03:00"}, {`every("1m")`, "now"}},
		bind:     func(j *judgement) any { return j.every }, timed: true,
	},
	{
		Name: "settled", Signature: `settled("2s") bool`, Doc: "Whether nothing has changed for so long.",
		Examples: []Example{{`settled("2s")`, "now"}, {`settled("10s")`, "hold until 14:00:07"}},
		bind:     func(j *judgement) any { return j.settled }, timed: true,
	},
	{
		Name: "waited", Signature: `waited("30s") bool`, Doc: "Whether the oldest change that the service does not know has waited so long.",
		Examples: []Example{{`settled("10s") || waited("6s")`, "hold until 14:00:02"}},
		bind:     func(j *judgement) any { return j.waited }, timed: true,
	},
	{
		Name: "window", Signature: `window("Mon-Fri 02:00-04:30 Europe/Berlin") bool`,
		Doc:      "Whether the clock on the wall shows a time of the window: the first minute belongs to it, the last does not. Days are Mon, Mon-Fri, or a list Mon,Wed,Sat-Sun, every day when left out. A window may cross midnight and belongs to the day on which it starts; 24:00 is the end of a day. The zone is a name of the IANA database, local time when left out. When summer time begins the skipped hour is not in any window; when it ends the hour that comes twice is in it twice.",
		Examples: []Example{{`window("Mon-Fri 02:00-04:30")`, "hold until Mon 02:00:00"}, {`window("22:00-06:00")`, "hold until 22:00:00"}, {`!window("Sat 08:00-18:00")`, "hold until 18:00:00"}},
		bind:     func(j *judgement) any { return j.window }, timed: true,
	},
	{
		Name: "reloads", Signature: `reloads("1h") integer`, Doc: "How many reloads there were in this time.",
		Examples: []Example{{`reloads("1h") < 6`, "now"}, {`reloads("1h") < 2`, "hold until 14:30:00"}},
		bind:     func(j *judgement) any { return j.reloads }, timed: true, needs: needHistory,
	},
	{
		Name: "now", Signature: "now time", Doc: "The time of the judgement. It can be compared with other times.",
		Examples: []Example{{`now > date("2026-11-20")`, "now"}, {`now >= date("2026-11-21T18:00:00Z")`, "hold until 18:00:00"}},
		bind:     func(j *judgement) any { return j.now }, slope: 1, timed: true,
	},
	{
		Name: "date", Signature: `date("2026-12-01T08:00:00Z") time`, Doc: "A time: a day, or RFC 3339. Without a zone it is UTC.",
		Examples: []Example{{`now < date("2026-12-01")`, "now"}},
		bind:     func(*judgement) any { return date },
	},
	{
		Name: "duration", Signature: `duration("1h30m") duration`, Doc: "A length of time. Functions that take one, such as every, also take the text alone.",
		Examples: []Example{{`last.age >= duration("90s")`, "now"}},
	},
}

// Where an instant is not known, the age since then is very long, so that the
// conditions that wait are open.
func (j *judgement) since(t time.Time) time.Duration {
	if t.IsZero() {
		return math.MaxInt64
	}
	return j.now.Sub(t)
}

// elapsed says whether d has passed since t, and notes when it will have.
func (j *judgement) elapsed(t time.Time, d time.Duration) bool {
	if t.IsZero() {
		return true
	}
	opens := t.Add(d)
	j.changesAt(opens, once)
	return !j.now.Before(opens)
}

func (j *judgement) every(d time.Duration) bool { return j.elapsed(j.in.Last.At, d) }

func (j *judgement) settled(d time.Duration) bool { return j.elapsed(j.in.Pending.Latest, d) }

func (j *judgement) waited(d time.Duration) bool { return j.elapsed(j.in.Pending.Since, d) }

func (j *judgement) reloads(d time.Duration) int {
	n := 0
	for _, t := range j.in.History {
		if !j.elapsed(t, d) {
			n++
		}
	}
	return n
}

func (j *judgement) window(s *schedule) bool {
	j.changesAt(s.changes(j.now), again)
	return s.open(j.now)
}

func date(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339, time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, refusal("a value is not a time such as 2026-12-01 or 2026-12-01T08:00:00Z")
}

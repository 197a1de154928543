package gate

import "time"

var stateWords = []Word{
	{
		Name: "last.at", Signature: "last.at time", Doc: "When the last reload was tried.",
		Examples: []Example{{`last.at < date("2026-11-21")`, "skip"}},
	},
	{
		Name: "last.age", Signature: "last.age duration",
		Doc:      "How long ago that is; 292 years when there was none. A comparison of last.age that is false holds until it turns.",
		Examples: []Example{{`last.age > duration("1m")`, "now"}, {`last.age >= duration("30s") * last.count`, "hold until 14:01:30"}}, slope: 1,
	},
	{
		Name: "last.exit", Signature: "last.exit integer", Doc: "The exit code of the last reload.",
		Examples: []Example{{`last.exit == 0`, "now"}},
	},
	{
		Name: "last.ok", Signature: "last.ok bool", Doc: "Whether the last reload succeeded.",
		Examples: []Example{{`last.ok || last.age > duration("30s") * last.failures`, "now"}},
	},
	{
		Name: "last.failures", Signature: "last.failures integer", Doc: "How many reloads have failed in a row.",
		Examples: []Example{{`last.failures < 5`, "now"}},
	},
	{
		Name: "last.count", Signature: "last.count integer", Doc: "How many reloads there were.",
		Examples: []Example{{`last.count == 7`, "now"}},
	},
	{
		Name: "pending.events", Signature: "pending.events integer", Doc: "How many changes the running service does not know.",
		Examples: []Example{{`pending.events >= 10 || waited("1m")`, "hold until 14:00:56"}},
	},
	{
		Name: "pending.age", Signature: "pending.age duration", Doc: "The age of the oldest of them.",
		Examples: []Example{{`pending.age >= duration("10s")`, "hold until 14:00:06"}}, slope: 1,
	},
	{
		Name: "pending.idle", Signature: "pending.idle duration", Doc: "The age of the newest of them.",
		Examples: []Example{{`pending.idle < duration("5s")`, "now"}}, slope: 1,
	},
	{
		Name: "check.ran", Signature: "check.ran bool", Doc: "Whether the new content was checked, by check_cmd or a guest.",
		Examples: []Example{{`check.ran`, "now"}},
	},
	{
		Name: "check.ok", Signature: "check.ok bool", Doc: "Whether the check accepted it.",
		Examples: []Example{{`check.ok`, "now"}},
	},
	{
		Name: "check.exit", Signature: "check.exit integer", Doc: "The exit code of the check.",
		Examples: []Example{{`check.exit == 0`, "now"}},
	},
	{
		Name: "resource", Signature: "resource text", Doc: "The name of the resource.",
		Examples: []Example{{`resource == "nginx"`, "now"}},
		bind:     func(j *judgement) any { return j.in.Resource },
	},
	{
		Name: "reason", Signature: "reason text",
		Doc:      "Why the resource was rendered: keys, template, interval, startup, drift, manual or guest.",
		Examples: []Example{{`reason != "drift"`, "now"}, {`reason in ["manual", "startup"]`, "skip"}},
		bind:     func(j *judgement) any { return j.in.Reason },
	},
	{
		Name: "first", Signature: "first bool", Doc: "Whether this is the first judgement of the resource since wconf started.",
		Examples: []Example{{`!first`, "now"}},
		bind:     func(j *judgement) any { return j.in.First },
	},
	{
		Name: "drift", Signature: "drift bool", Doc: "Whether somebody else has changed the file on disk.",
		Examples: []Example{{`drift`, "skip"}},
		bind:     func(j *judgement) any { return j.in.Drift },
	},
	{
		Name: "labels", Signature: "labels map of texts", Doc: "Facts about the host, `labels.host` is its name. An absent label is the empty text.",
		Examples: []Example{{`labels.zone == "a"`, "now"}},
		bind:     func(j *judgement) any { return j.in.Labels },
	},
	{
		Name: "bucket", Signature: "bucket() integer",
		Doc:      "A number from 0 to 99 made from labels.host, always the same for a host: `bucket() < 10` is a tenth of the hosts.",
		Examples: []Example{{`bucket() < 10`, "skip"}, {`bucket() == 61`, "now"}},
		bind:     func(j *judgement) any { return j.bucket },
	},
}

// lastReload is what the word last shows.
type lastReload struct {
	At       time.Time     `expr:"at"`
	Age      time.Duration `expr:"age"`
	Exit     int           `expr:"exit"`
	OK       bool          `expr:"ok"`
	Failures int           `expr:"failures"`
	Count    int           `expr:"count"`
}

func (j *judgement) last() lastReload {
	l := j.in.Last
	return lastReload{l.At, j.since(l.At), l.Exit, l.OK, l.Failures, l.Count}
}

// pendingChanges is what the word pending shows.
type pendingChanges struct {
	Events int           `expr:"events"`
	Age    time.Duration `expr:"age"`
	Idle   time.Duration `expr:"idle"`
}

func (j *judgement) pending() pendingChanges {
	p := j.in.Pending
	return pendingChanges{p.Events, j.since(p.Since), j.since(p.Latest)}
}

// bucket is FNV-1a of the host's name.
func (j *judgement) bucket() (int, error) {
	host := j.in.Labels["host"]
	if host == "" {
		return 0, errNoHost
	}
	h := uint32(2166136261)
	for _, c := range []byte(host) {
		h = (h ^ uint32(c)) * 16777619
	}
	return int(h % 100), nil
}

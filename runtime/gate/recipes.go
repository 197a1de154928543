package gate

import "time"

// Recipe is a wish and the condition that fulfils it. Tests execute it.
type Recipe struct {
	Wish   string
	Expr   string
	Event  string       // how the event differs from Sample; empty: not at all
	change func(*Input) // the same for the test
	Result string       // as in Example
}

// Recipes is worked examples for the documentation.
var Recipes = []Recipe{
	{
		Wish:   "Only when a server came or went",
		Expr:   `touched("/services/web/**") && (len(added) > 0 || len(removed) > 0)`,
		Result: "now",
	},
	{
		Wish:   "Ignore keys that matter only at start",
		Expr:   `not only("/comment", "/owner", "/docs/**")`,
		Event:  "/docs/a and /owner changed",
		change: func(in *Input) { in.Added, in.Removed, in.Updated = nil, nil, []string{"/docs/a", "/owner"} },
		Result: "skip",
	},
	{
		Wish:   "Comments and blank lines do not count",
		Expr:   `diff.significant > 0`,
		Event:  "only comments changed",
		change: func(in *Input) { in.Diff.Significant = 0 },
		Result: "skip",
	},
	{
		Wish:   "A cool-down of five minutes",
		Expr:   `every("5m")`,
		Result: "hold until 14:03:00",
	},
	{
		Wish:   "At most six reloads an hour",
		Expr:   `reloads("1h") < 6`,
		Result: "now",
	},
	{
		Wish:   "Wait until it is quiet, but never long",
		Expr:   `settled("2s") || waited("30s")`,
		Result: "now",
	},
	{
		Wish:   "What needs a restart waits for the night",
		Expr:   `diffHas("^[+-]\\s*(worker_processes|user)\\b") ? window("Mon-Fri 02:00-04:30") : true`,
		Event:  "worker_processes changed",
		change: func(in *Input) { in.Diff.Lines = []string{"+worker_processes 8;"} },
		Result: "hold until Mon 02:00:00",
	},
	{
		Wish:   "Never lose more than half of the servers at once",
		Expr:   `len(removed) * 2 <= count(keys(old), # startsWith "/services/web/")`,
		Event:  "the only server went",
		change: func(in *Input) { in.Removed = []string{"/services/web/1"} },
		Result: "skip",
	},
	{
		Wish:   "A number has moved far enough",
		Expr:   `abs(delta("/weight")) >= 10`,
		Result: "now",
	},
	{
		Wish:   "Another major version",
		Expr:   `major(new["/version"]) != major(old["/version"])`,
		Result: "skip",
	},
	{
		Wish:   "Certificates at once, the rest politely",
		Expr:   `touched("/tls/*") || (every("1m") && settled("2s"))`,
		Result: "now",
	},
	{
		Wish:  "Back off after reloads that failed",
		Expr:  `last.ok || last.age > duration("30s") * last.failures || last.age > duration("10m")`,
		Event: "three reloads failed, the last one a minute ago",
		change: func(in *Input) {
			in.Last.OK, in.Last.Failures, in.Last.At = false, 3, in.Now.Add(-time.Minute)
		},
		Result: "hold until 14:00:30.000000001",
	},
	{
		Wish:   "A tenth of the hosts first, then all",
		Expr:   `bucket() < 10 || new["/rollout/all"] == "true"`,
		Result: "skip",
	},
	{
		Wish:   "Repair a changed file without a reload",
		Expr:   `reason != "drift" && !first`,
		Result: "now",
	},
	{
		Wish:   "All values are sane and the check was good",
		Expr:   `all(values(new), # != "" && len(#) < 4096) && check.ok`,
		Result: "now",
	},
	{
		Wish:   "A small change outside office hours may wait",
		Expr:   `diff.ratio > 0.10 || window("Mon-Fri 08:00-18:00") || waited("12h")`,
		Result: "hold until Sun 01:59:56",
	},
	{
		Wish:   "Only if this host is meant",
		Expr:   `any(changed, # contains labels.host) || touched("/global/**")`,
		Result: "skip",
	},
}

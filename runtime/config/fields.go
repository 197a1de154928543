package config

// Field is one setting of a resource's [template] table.
type Field struct {
	Name    string
	Kind    Kind
	Default string
	Most    string // above it a value is refused; empty: any is good
	Choices []string
	Doc     string

	field func(*Resource) any
}

// Fields is every setting of a resource. src to reload_cmd are those of confd
// (its documentation, "Template Resources"); owner to min_reload_interval and
// debounce those of the fork abtreece/confd; the others are wconf's own.
var Fields = []Field{
	{Name: "src", Kind: Text, field: func(r *Resource) any { return &r.Src },
		Doc: "The source, below the templates directory: a Go template, a guest (`x.wasm`, `x.js`), or `catalog:name@range`. Required."},
	{Name: "dest", Kind: Text, field: func(r *Resource) any { return &r.Dest },
		Doc: "The file to write, relative to the working directory. Its directory must exist. Required."},
	{Name: "keys", Kind: List, field: func(r *Resource) any { return &r.Keys },
		Doc: "The keys that the source may read, with all below them."},
	{Name: "prefix", Kind: Text, field: func(r *Resource) any { return &r.Prefix },
		Doc: "Put before every key, and taken off again for the source. The daemon's prefix replaces it, unless join_prefix is set."},
	{Name: "mode", Kind: Mode, field: func(r *Resource) any { return &r.Mode },
		Doc: "File mode, such as `\"0644\"`. By default that of the standing file, else 0644."},
	{Name: "uid", Kind: ID, field: func(r *Resource) any { return &r.UID },
		Doc: "Owner of the file, by number. By default that of the standing file; wconf's own when group or gid alone is set or the file is new. One that wconf has no right to set is a warning, also as gid, owner or group, and counts as not set."},
	{Name: "gid", Kind: ID, field: func(r *Resource) any { return &r.GID },
		Doc: "Group of the file, by number. By default as for uid."},
	{Name: "owner", Kind: Text, field: func(r *Resource) any { return &r.Owner },
		Doc: "Owner of the file, by name; uid wins."},
	{Name: "group", Kind: Text, field: func(r *Resource) any { return &r.Group },
		Doc: "Group of the file, by name; gid wins."},
	{Name: "check_cmd", Kind: Run, field: func(r *Resource) any { return &r.CheckCmd },
		Doc: "Run before the file is put in place; when it fails the old file stays. `{{.src}}` is the new content's path, `{{.dest}}` the destination. A string goes to /bin/sh, a list is run as it is."},
	{Name: "check_cmd_timeout", Kind: Duration, field: func(r *Resource) any { return &r.CheckCmdTimeout },
		Doc: "Longest time of check_cmd. By default the daemon's."},
	{Name: "reload_cmd", Kind: Run, field: func(r *Resource) any { return &r.ReloadCmd },
		Doc: "Run after the file was put in place, and again until it succeeds; once for all resources that changed together and have the same one."},
	{Name: "reload_cmd_timeout", Kind: Duration, field: func(r *Resource) any { return &r.ReloadCmdTimeout },
		Doc: "Longest time of reload_cmd. By default the daemon's."},
	{Name: "output_format", Kind: Text, Choices: []string{"json", "yaml", "yml", "toml", "xml"}, field: func(r *Resource) any { return &r.OutputFormat },
		Doc: "Refuse content that is not of this format."},
	{Name: "functions", Kind: Table, field: func(r *Resource) any { return &r.Functions },
		Doc: "Guests or scripts (`*.wasm`, `*.js`) whose functions the template may call: `{ net = \"net.wasm\" }` gives `{{net_cidrhost …}}`."},
	{Name: "filters", Kind: List, field: func(r *Resource) any { return &r.Filters },
		Doc: "Guests or scripts that the content goes through, in this order."},
	{Name: "checks", Kind: List, field: func(r *Resource) any { return &r.Checks },
		Doc: "Guests or scripts that may refuse the content, before check_cmd."},
	{Name: "stdin", Kind: Text, Choices: []string{"lines", "json", "json-tree"}, field: func(r *Resource) any { return &r.Stdin },
		Doc: "Run the guest as a command with its keys on standard input, written this way."},
	{Name: "reload_when", Kind: Text, field: func(r *Resource) any { return &r.ReloadWhen },
		Doc: "A condition: while it is false a change is not reloaded."},
	{Name: "guard", Kind: Text, field: func(r *Resource) any { return &r.Guard },
		Doc: "A condition: while it is false new content is refused and the old file stays."},
	{Name: "min_reload_interval", Kind: Duration, Default: "0s", field: func(r *Resource) any { return &r.MinReloadInterval },
		Doc: "Shortest time between two reloads; a change in between is written and its reload waits."},
	{Name: "window", Kind: Text, field: func(r *Resource) any { return &r.Window },
		Doc: "When reloads may happen: `\"Mon-Fri 02:00-04:30\"`, local time, or with a zone as the last word."},
	{Name: "while_held", Kind: Text, Default: "old", Choices: []string{"old", "new"}, field: func(r *Resource) any { return &r.WhileHeld },
		Doc: "Which content the file has while a condition holds the reload back."},
	{Name: "on_error", Kind: Text, Default: "fail", Choices: []string{"fail", "reload"}, field: func(r *Resource) any { return &r.OnError },
		Doc: "What a condition that cannot be answered means: change nothing, or reload."},
	{Name: "on_drift", Kind: Text, Default: "repair", Choices: []string{"repair", "report"}, field: func(r *Resource) any { return &r.OnDrift },
		Doc: "What to do when somebody else changed the file."},
	{Name: "debounce", Kind: Duration, field: func(r *Resource) any { return &r.Debounce },
		Doc: "Quiet time before a render; each change starts it again. By default the daemon's."},
	{Name: "debounce_max", Kind: Duration, field: func(r *Resource) any { return &r.DebounceMax },
		Doc: "Longest wait of debounce. By default ten times debounce."},
	{Name: "allow_empty", Kind: Bool, field: func(r *Resource) any { return &r.AllowEmpty },
		Doc: "Accept at once that all keys are gone."},
	{Name: "secret", Kind: List, field: func(r *Resource) any { return &r.Secret },
		Doc: "Patterns of keys whose values are masked everywhere, also in command output: `\"/tls/**\"`."},
	{Name: "strict", Kind: Bool, field: func(r *Resource) any { return &r.Strict },
		Doc: "Refuse what is otherwise a warning, as the daemon's option does for all."},
	{Name: "params", Kind: Table, field: func(r *Resource) any { return &r.Params },
		Doc: "Parameters of a guest or a catalog entry, as text."},
}

// LimitFields is every setting of [template.limits]. Their defaults and ceilings
// are those of package wasm.
var LimitFields = []Field{
	{Name: "memory", Kind: Size, Default: "32MiB", Most: "256MiB", field: func(r *Resource) any { return &r.Limits.Memory },
		Doc: "Linear memory of a guest."},
	{Name: "fuel", Kind: Size, Default: "2000000000", Most: "100000000000", field: func(r *Resource) any { return &r.Limits.Fuel },
		Doc: "Instructions, by the price list fuel/1."},
	{Name: "time", Kind: Duration, Default: "5s", Most: "1m", field: func(r *Resource) any { return &r.Limits.Time },
		Doc: "Wall clock, but for the time that it waits for its turn: guests that run for long share fewer processors than there are."},
	{Name: "output", Kind: Size, Default: "8MiB", Most: "64MiB", field: func(r *Resource) any { return &r.Limits.Output },
		Doc: "Bytes that a guest may write."},
	{Name: "result", Kind: Size, Default: "8MiB", Most: "64MiB", field: func(r *Resource) any { return &r.Limits.Result },
		Doc: "Bytes of one answer of a host function."},
	{Name: "stack", Kind: Size, Default: "524288", Most: "1048576", field: func(r *Resource) any { return &r.Limits.Stack },
		Doc: "Locals of the active functions. A script has the most by default."},
	{Name: "calls", Kind: Size, Default: "10000000", Most: "1000000000", field: func(r *Resource) any { return &r.Limits.Calls },
		Doc: "Calls of host functions."},
	{Name: "reads", Kind: Size, Default: "16MiB", Most: "256MiB", field: func(r *Resource) any { return &r.Limits.Reads },
		Doc: "Bytes of the names that a guest asks for, each counted once and with 128 more: the default is enough for 100,000 keys one by one. A pattern or a directory is one name."},
}

// reserved tells fields that a later version may have. Ignoring them would
// promise what does not happen.
func reserved(name string) bool {
	switch name {
	case "apply_group", "on_reload_failure":
		return true
	}
	return len(name) > len("health_") && name[:len("health_")] == "health_"
}

package main

import "github.com/wconf/wconf/runtime/problem"

// difference is one way in which wconf, on purpose, is not confd. What stands
// here is confd 0.16 unless it names the fork (abtreece/confd).
type difference struct {
	id    string
	confd string
	wconf string
	find  string // how to find it in a configuration
	note  bool   // good to know; nothing that worked has to change
	// meets is the places that meet it; Msg says what stands there. It is nil
	// where no configuration shows it.
	meets func(*moved) []*problem.Problem
}

// differences is the table of docs/confd-differences.md.
var differences = []difference{
	{id: "precedence", confd: "confd.toml beats the command line", wconf: "flags beat the environment, that beats the file; under the name `confd` as ever, with a warning",
		find: "an option that stands in confd.toml and, with another value, on the command line", meets: flagsAgainstFile},
	{id: "file-and-flags", note: true, confd: "what confd.toml sets cannot be changed by flags", wconf: "a flag beats it",
		find: "a confd.toml that sets anything", meets: fileSetsOptions},
	{id: "positional-arguments", confd: "a stray word ends the flags: all behind it are ignored silently", wconf: "a usage error, exit 2; `true` and `false` behind a switch are its value, with a warning",
		find: "words without a dash on the command line (`-onetime true`)"},
	{id: "environment", confd: "only `CONFD_CLIENT_*` counts; the fork reads `CONFD_<FLAG>`", wconf: "`WCONF_<FLAG>`, then `CONFD_<FLAG>`; an empty one is unset",
		find: "variables that begin with `CONFD_`, where the daemon is started", meets: variables},
	{id: "unknown-keys", confd: "ignores keys that it does not know", wconf: "ignores them with a warning; `lint` and `-validate` fail",
		find: "misspelt fields in conf.d and confd.toml", meets: unknownKeys},
	{id: "backend", confd: "has this backend", wconf: "does not have it: etcd, rancher, file, env and command",
		find: "`backend` in confd.toml and `[backend]` tables", meets: otherBackends},
	{id: "etcd-v2", confd: "`etcd` speaks the v2 API, on port 4001 unless told; an absent key is an error", wconf: "speaks v3, on port 2379 unless told; keys of v2 are not seen, and an absent key is absent",
		find: "`backend = \"etcd\"` (not etcdv3)", meets: backendIs("backend etcd", "etcd")},
	{id: "etcd-bare-keys", note: true, confd: "keys of etcd without a leading slash cannot be reached", wconf: "the same, unless `bare_keys = true` in `[backend]`",
		find: "keys that were written without a leading slash"},
	{id: "store-paths", confd: "cleans `..` and `//` in a store's key into another key", wconf: "such keys are invisible, and named once in the log",
		find: "keys with `//`, `.` or `..` in the store"},
	{id: "empty-store", confd: "renders at once when all keys vanish", wconf: "looks a second time, a second later, before it believes that; `allow_empty = true` does without",
		find: "stores that are emptied and filled again"},
	{id: "rancher-404", confd: "the answer 404 becomes the keys code, message and type", wconf: "404 means no keys below that path, with a warning; `missing = \"error\"` fails instead",
		find: "`backend = \"rancher\"`, with paths that need not be there", meets: backendIs("backend rancher", "rancher")},
	{id: "rancher-null", note: true, confd: "null is the text `null`", wconf: "the same; with `null_as_text = false` there is no key",
		find: "`backend = \"rancher\"`", meets: backendIs("backend rancher", "rancher")},
	{id: "rancher-values", note: true, confd: "integers beyond 2^53 lose digits; a `name` that is no text ends the daemon; changes while it works are lost", wconf: "digits stay; such a `name` does not count; nothing is lost",
		find: "`backend = \"rancher\"`", meets: backendIs("backend rancher", "rancher")},
	{id: "file-scalars", note: true, confd: "YAML keys that are numbers or `yes` end the daemon; very large integers and the fork's dates vanish", wconf: "their text as written",
		find: "`backend = \"file\"`", meets: backendIs("backend file", "file")},
	{id: "file-words", confd: "`yes`, `no`, `on`, `off`, `y` and `n` without quotes, as values of YAML, become `true` and `false`", wconf: "their text as written, as in the fork",
		find: "such values in the files of keys", meets: yamlWords},
	{id: "raw-prefix", confd: "`keys = [\"/foo\"]` also brings `/foobar` (file, env)", wconf: "whole segments, as etcd v3 always had them: the key is absent",
		find: "backend file or env, and a template that reads a key which only begins like one of `keys`", meets: rawPrefixes},
	{id: "keys-star", confd: "takes `/a/*` in `keys` literally; the fork drops the star", wconf: "drops the star: `/a` and all below it",
		find: "entries of `keys` that end in `/*`", meets: starKeys},
	{id: "env-watch", confd: "renders nothing", wconf: "renders once, and then at each interval", find: "backend env with `watch = true`", meets: envWatch},
	{id: "prefix", confd: "the daemon's prefix replaces the resource's; 0.11 and the fork join the two", wconf: "it replaces, with a warning; `join_prefix = true` joins",
		find: "a prefix for the daemon and one in a resource", meets: prefixes},

	{id: "mode", confd: "digits without a leading zero are decimal", wconf: "they are octal, with a warning", find: "`mode = \"644\"`", meets: decimalModes},
	{id: "owner-group", confd: "ignores `owner` and `group`; the fork refuses a resource with an unknown one", wconf: "sets them; an unknown one is a warning and the file gets wconf's own, as does one that wconf has no right to set",
		find: "`owner` or `group` in a resource", meets: fields("owner", "group")},
	{id: "owner-kept", confd: "resets the owner of a standing file to its own", wconf: "keeps it, where none of uid, gid, owner, group is set",
		find: "a dest that belongs to somebody else", meets: foreignFiles},
	{id: "link", confd: "replaces a dest that is a link by a file", wconf: "follows the link where that is safe, and swaps the file it names", find: "a dest that is a link", meets: links},
	{id: "bind-mount", confd: "overwrites a bind-mounted dest in place, and may reload at each interval for ever", wconf: "writes it in place as a whole, its mode too", find: "dests that are mounted into a container"},
	{id: "same-dest", confd: "renders both, one over the other", wconf: "the later file stands, the other is not processed", find: "two resources with one `dest`", meets: sameDest},
	{id: "configmap", confd: "loads each resource of a ConfigMap mount twice", wconf: "once", find: "`conf.d/..data`", note: true, meets: configMap},
	{id: "linked-conf.d", confd: "finds nothing in a conf.d that is a link", wconf: "follows it", find: "a conf.d that is a link", meets: linkedConfd},
	{id: "half-saved", confd: "a resource file that does not parse ends a onetime run, and keeps the daemon from starting", wconf: "it is named with its place, the others are rendered, exit 1; the daemon keeps its last good version",
		find: "onetime runs that rely on nothing being written"},

	{id: "check-cmd-old-file", confd: "a `check_cmd` without `{{.src}}` checks the old file", wconf: "it sees the new content at the destination's path",
		find: "`check_cmd` without `{{.src}}`", meets: checksOldFile},
	{id: "check-cmd-template", confd: "`check_cmd` is a whole template", wconf: "only `{{.src}}` and `{{.dest}}` are replaced; other braces reach the shell", find: "other braces in `check_cmd`", meets: checkTemplates},
	{id: "reload-cmd-paths", confd: "passes `{{.src}}` and `{{.dest}}` in `reload_cmd` to the shell as they are; the fork replaces them", wconf: "replaces them by the paths", find: "`{{.src}}` or `{{.dest}}` in `reload_cmd`", meets: reloadPaths},
	{id: "reload-cmd-braces", note: true, confd: "passes other braces in `reload_cmd` to the shell; the fork expands them", wconf: "passes them to the shell", find: "other braces in `reload_cmd`", meets: reloadBraces},
	{id: "background", confd: "`cmd &` blocks until the child closes its output", wconf: "goes on as soon as the command itself ends", find: "`&` at the end of a command", meets: background},
	{id: "timeouts", note: true, confd: "commands may take for ever; in the fork 30 s and 60 s", wconf: "check_cmd has 30 s, reload_cmd 60 s, unless `check_cmd_timeout` and `reload_cmd_timeout` say more",
		find: "commands that take long", meets: untimed},
	{id: "reload-retried", note: true, confd: "a reload that failed, or was cut short by a stop, is never done", wconf: "it is owed, and tried again until it succeeds, also after a restart", find: "`reload_cmd`", meets: fields("reload_cmd")},
	{id: "reload-once", note: true, confd: "runs the `reload_cmd` of each resource that changed", wconf: "runs a command once for all resources that changed together and name the same one", find: "resources with one `reload_cmd`", meets: sharedReloads},
	{id: "one-by-one", confd: "renders, checks and swaps one resource after the other, in the order of their files", wconf: "works on all at the same time, from one state of the store", find: "templates and check_cmds that look at the files of other resources"},
	{id: "throttle", confd: "the fork drops a reload within `min_reload_interval`", wconf: "holds it back and does it at the end of the interval", find: "`min_reload_interval`", meets: fields("min_reload_interval")},
	{id: "debounce", confd: "the fork waits a fixed time after the first change", wconf: "each change starts the wait again, at most `debounce_max` long", find: "`debounce`", meets: fields("debounce")},
	{id: "signals", confd: "SIGHUP ends it; SIGTERM leaves a running reload behind, or kills it (the fork)", wconf: "SIGHUP reads the configuration again; SIGTERM lets a reload finish within `shutdown_timeout`", find: "scripts that send SIGHUP"},

	{id: "reverse-gets", confd: "`reverse (gets …)` is not reversed", wconf: "it is", find: "`reverse` of what `gets` found", meets: reversedPairs},
	{id: "sort-in-place", confd: "reverse, sortByLength and sortKVByLength change the variable that they are given", wconf: "they leave it as it was", find: "these functions with a variable", meets: sortedVariables},
	{id: "json-numbers", confd: "an integer of JSON with seven digits or more prints as 1.2345678e+07, and arithmetic refuses all", wconf: "prints as it was written; arithmetic takes it",
		find: "`json` and `jsonArray` in templates", meets: calls("json", "jsonArray")},
	{id: "ls-root", confd: "`ls \"/\"` lacks directories, `lsdir \"/\"` is empty", wconf: "the children of the root", find: "these calls", meets: rootLists},
	{id: "seq-down", confd: "`seq 3 1` is empty; the fork counts down", wconf: "empty", find: "`seq` with a first number above the last", meets: seqDown},
	{id: "template-limits", confd: "has no limits", wconf: "a template has at most 1 MiB of text, 256 levels, and 32 MiB of output", find: "templates that do not load here", meets: largeTemplates},
}

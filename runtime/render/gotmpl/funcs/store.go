package funcs

import (
	"slices"
	"strings"
)

// MissingKey says that a key has no value.
type MissingKey struct {
	Key      string
	Function string
}

// Error names the key, unless it cannot be one: then the name may well be the
// value of another.
func (e *MissingKey) Error() string {
	if !strings.HasPrefix(e.Key, "/") {
		return "key does not exist: its name does not begin with a slash"
	}
	return "key does not exist: " + e.Key
}

var shop = map[string]string{
	"/app/name": "shop", "/app/port": "8080",
	"/app/hosts/a": "10.0.0.7", "/app/hosts/b": "10.0.0.3",
}

var keys = []Function{{
	Name: "getv", Usage: "getv KEY [DEFAULT]", Since: confd,
	Doc: "The value of a key. A missing key is the default if there is one, else an error. A key that is there and empty beats the default.",
	Code: func(r *Run) any {
		return func(key string, fallback ...string) (string, error) {
			if v, ok := r.keys.Get(key); ok {
				return v, nil
			}
			if len(fallback) > 0 {
				return fallback[0], nil
			}
			return "", &MissingKey{key, "getv"}
		}
	},
	Examples: []Example{
		{Keys: shop, Template: `{{getv "/app/name"}} {{getv "/app/workers" "4"}}`, Output: "shop 4"},
		{Keys: shop, Template: `{{getv "/app/nmae"}}`, Error: "key does not exist: /app/nmae"},
	},
}, {
	Name: "get", Usage: "get KEY", Since: confd,
	Doc: "The pair of a key and its value, with the fields `.Key` and `.Value`. A missing key is an error, also inside `with`.",
	Code: func(r *Run) any {
		return func(key string) (Pair, error) {
			if v, ok := r.keys.Get(key); ok {
				return Pair{key, v}, nil
			}
			return Pair{}, &MissingKey{key, "get"}
		}
	},
	Examples: []Example{{Keys: shop, Template: `{{with get "/app/name"}}{{.Key}} is {{.Value}}{{end}}`, Output: "/app/name is shop"}},
}, {
	Name: "gets", Usage: "gets PATTERN", Since: confd,
	Doc: "The pairs of all keys that match, sorted by key. In a pattern `*` and `?` stand for what has no slash, `[a-c]` and `[^a]` for one letter, `\\` takes the next sign as it is. No match is an empty list.",
	Code: func(r *Run) any {
		return func(pattern string) ([]Pair, error) { return r.glob(pattern) }
	},
	Examples: []Example{{Keys: shop, Template: `{{range gets "/app/hosts/*"}}{{base .Key}}={{.Value}} {{end}}`, Output: "a=10.0.0.7 b=10.0.0.3 "}},
}, {
	Name: "getvs", Usage: "getvs PATTERN", Since: confd,
	Doc: "The values of all keys that match, sorted by value; equal values stay. Numbers sort as text: 10 comes before 9.",
	Code: func(r *Run) any {
		return func(pattern string) ([]string, error) {
			pairs, err := r.glob(pattern)
			if err != nil {
				return nil, err
			}
			return sortedValues(pairs), r.Budget.Make(16 * len(pairs))
		}
	},
	Examples: []Example{{Keys: shop, Template: `{{range getvs "/app/hosts/*"}}server {{.}};{{end}}`, Output: "server 10.0.0.3;server 10.0.0.7;"}},
}, {
	Name: "exists", Usage: "exists KEY", Since: confd,
	Doc:  "Whether a key has a value. A directory has none.",
	Code: func(r *Run) any { return func(key string) bool { return r.keys.Exists(key) } },
	Examples: []Example{
		{Keys: shop, Template: `{{exists "/app/name"}} {{exists "/app"}}`, Output: "true false"},
	},
}, {
	Name: "ls", Usage: "ls PATH", Since: confd,
	Doc: "The names right below a path, of keys and of directories, sorted. A key lists its own name; a path that is not there lists nothing.",
	Code: func(r *Run) any {
		return func(dir string) ([]string, error) {
			names := r.keys.List(dir)
			return names, r.Budget.Make(16 * len(names))
		}
	},
	Examples: []Example{{Keys: shop, Template: `{{ls "/app"}} {{ls "/"}}`, Output: "[hosts name port] [app]"}},
}, {
	Name: "lsdir", Usage: "lsdir PATH", Since: confd,
	Doc: "The names of the directories right below a path, sorted.",
	Code: func(r *Run) any {
		return func(dir string) ([]string, error) {
			names := r.keys.ListDirs(dir)
			return names, r.Budget.Make(16 * len(names))
		}
	},
	Examples: []Example{{Keys: shop, Template: `{{lsdir "/app"}}`, Output: "[hosts]"}},
}}

// glob remembers what matched: a loop may ask for the same pattern in each
// round. The pairs must not be changed.
func (r *Run) glob(pattern string) ([]Pair, error) {
	if pairs, ok := r.globs[pattern]; ok {
		return pairs, r.Budget.Work(1)
	}
	pairs, err := r.keys.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if r.globs == nil {
		r.globs = map[string][]Pair{}
	}
	r.globs[pattern] = pairs
	return pairs, r.Budget.Make(96 + len(pattern) + 32*len(pairs))
}

func sortedValues(pairs []Pair) []string {
	values := make([]string, len(pairs))
	for i, p := range pairs {
		values[i] = p.Value
	}
	slices.Sort(values)
	return values
}

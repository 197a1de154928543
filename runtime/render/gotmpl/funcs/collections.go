package funcs

import (
	"errors"
	"maps"
	"slices"
)

var collections = []Function{{
	Name: "reverse", Usage: "reverse LIST", Since: confd,
	Doc: "A list of strings or of pairs in the opposite order. Any other value comes back as it is.",
	Code: func(r *Run) any {
		return func(list any) (any, error) {
			switch l := list.(type) {
			case []string:
				return rearranged(r, l, slices.Reverse)
			case []Pair:
				return rearranged(r, l, slices.Reverse)
			}
			return list, nil
		}
	},
	Examples: []Example{{Keys: shop, Template: `{{range reverse (gets "/app/hosts/*")}}{{base .Key}} {{end}}`, Output: "b a "}},
}, {
	Name: "sortByLength", Usage: "sortByLength LIST", Since: confd,
	Doc: "A list of strings, the shortest first. Equally long ones keep their order.",
	Code: func(r *Run) any {
		return func(list []string) ([]string, error) {
			return rearranged(r, list, func(l []string) {
				slices.SortStableFunc(l, func(a, b string) int { return len(a) - len(b) })
			})
		}
	},
	Examples: []Example{{Template: `{{sortByLength (split "ccc a bb" " ")}}`, Output: "[a bb ccc]"}},
}, {
	Name: "sortKVByLength", Usage: "sortKVByLength PAIRS", Since: confd,
	Doc: "A list of pairs, the shortest key first. With `reverse`: the longest, as path prefixes have to be tried.",
	Code: func(r *Run) any {
		return func(list []Pair) ([]Pair, error) {
			return rearranged(r, list, func(l []Pair) {
				slices.SortStableFunc(l, func(a, b Pair) int { return len(a.Key) - len(b.Key) })
			})
		}
	},
	Examples: []Example{{
		Keys:     map[string]string{"/r/a": "1", "/r/abc": "2", "/r/ab": "3"},
		Template: `{{range reverse (sortKVByLength (gets "/r/*"))}}{{.Key}} {{end}}`, Output: "/r/abc /r/ab /r/a ",
	}},
}, {
	Name: "map", Usage: "map KEY VALUE…", Since: confd,
	Doc:  "A map of the keys, which are strings, to the values. It hands several values to a template.",
	Code: func(r *Run) any { return r.dict },
	Examples: []Example{
		{Template: `{{$m := map "name" "es" "port" 9200}}{{$m.name}}:{{$m.port}}`, Output: "es:9200"},
		{Template: `{{map "name"}}`, Error: "invalid map call"},
	},
}, {
	Name: "dict", Usage: "dict KEY VALUE…", Since: fork,
	Doc: "The same as `map`.", Code: func(r *Run) any { return r.dict },
	Examples: []Example{{Template: `{{(dict "a" 1).a}}`, Output: "1"}},
}, {
	Name: "list", Usage: "list VALUE…", Since: fork,
	Doc:      "A list of the values.",
	Code:     func(r *Run) any { return func(values ...any) ([]any, error) { return r.list(values) } },
	Examples: []Example{{Template: `{{range list 1 "b"}}<{{.}}>{{end}}`, Output: "<1><b>"}},
}, {
	Name: "append", Usage: "append LIST VALUE", Since: fork,
	Doc:      "A list with one more value at its end. The list is one made by `list`, `append`, `values`, `pluck` or `jsonArray`.",
	Code:     func(r *Run) any { return r.grow },
	Examples: []Example{{Template: `{{$l := list 1}}{{range seq 2 4}}{{$l = append $l .}}{{end}}{{$l}}`, Output: "[1 2 3 4]"}},
}, {
	Name: "hasKey", Usage: "hasKey MAP KEY", Since: fork,
	Doc:      "Whether a map has a key.",
	Code:     always(func(m map[string]any, key string) bool { _, ok := m[key]; return ok }),
	Examples: []Example{{Template: `{{hasKey (dict "a" 1) "a"}}`, Output: "true"}},
}, {
	Name: "keys", Usage: "keys MAP", Since: fork,
	Doc: "The keys of a map, sorted.",
	Code: func(r *Run) any {
		return func(m map[string]any) ([]string, error) {
			return slices.Sorted(maps.Keys(m)), r.Budget.Make(32 * len(m))
		}
	},
	Examples: []Example{{Template: `{{keys (dict "b" 1 "a" 2)}}`, Output: "[a b]"}},
}, {
	Name: "values", Usage: "values MAP", Since: fork,
	Doc: "The values of a map in the order of their keys.",
	Code: func(r *Run) any {
		return func(m map[string]any) ([]any, error) {
			values := make([]any, 0, len(m))
			for _, k := range slices.Sorted(maps.Keys(m)) {
				values = append(values, m[k])
			}
			return r.list(values)
		}
	},
	Examples: []Example{{Template: `{{values (dict "b" 1 "a" 2)}}`, Output: "[2 1]"}},
}, {
	Name: "pluck", Usage: "pluck KEY MAP…", Since: fork,
	Doc: "The values that the maps have under a key; maps without it are left out.",
	Code: func(r *Run) any {
		return func(key string, maps ...map[string]any) ([]any, error) {
			var values []any
			for _, m := range maps {
				if v, ok := m[key]; ok {
					values = append(values, v)
				}
			}
			return r.list(values)
		}
	},
	Examples: []Example{{Template: `{{pluck "ip" (dict "ip" "10.0.0.1") (dict "ip" "10.0.0.2") (dict)}}`, Output: "[10.0.0.1 10.0.0.2]"}},
}}

// rearranged is a list in another order.
func rearranged[L ~[]T, T any](r *Run, list L, rearrange func(L)) (L, error) {
	if err := r.Budget.Make(16 * len(list)); err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	rearrange(list)
	return list, nil
}

// list accepts values, which nobody else holds.
func (r *Run) list(values []any) ([]any, error) {
	if err := r.Budget.Make(64 + 16*len(values)); err != nil {
		return nil, err
	}
	return values, r.built(values)
}

func (r *Run) dict(keysAndValues ...any) (map[string]any, error) {
	if len(keysAndValues)%2 != 0 {
		return nil, errors.New("invalid map call: a key has no value")
	}
	if err := r.Budget.Make(64 + 48*len(keysAndValues)); err != nil {
		return nil, err
	}
	m := make(map[string]any, len(keysAndValues)/2)
	for i := 0; i < len(keysAndValues); i += 2 {
		key, ok := keysAndValues[i].(string)
		if !ok {
			return nil, errors.New("invalid map call: map keys must be strings")
		}
		m[key] = keysAndValues[i+1]
	}
	return m, r.built(m)
}

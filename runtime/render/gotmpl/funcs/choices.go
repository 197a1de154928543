package funcs

import "reflect"

var choices = []Function{{
	Name: "default", Usage: "default FALLBACK VALUE", Since: fork,
	Doc: "The value, or the fallback when the value is empty.",
	Code: always(func(fallback, v any) any {
		if empty(v) {
			return fallback
		}
		return v
	}),
	Examples: []Example{{Template: `{{getv "/none" "" | default "x"}} {{default 5 0}}`, Output: "x 5"}},
}, {
	Name: "coalesce", Usage: "coalesce VALUE…", Since: fork,
	Doc: "The first value that is not empty, or nil.",
	Code: always(func(values ...any) any {
		for _, v := range values {
			if !empty(v) {
				return v
			}
		}
		return nil
	}),
	Examples: []Example{{Template: `{{coalesce "" 0 "third"}}`, Output: "third"}},
}, {
	Name: "empty", Usage: "empty VALUE", Since: fork,
	Doc: "Whether a value is empty.", Code: always(empty),
	Examples: []Example{{Template: `{{empty ""}} {{empty "0"}}`, Output: "true false"}},
}, {
	Name: "ternary", Usage: "ternary YES NO CONDITION", Since: fork,
	Doc: "The first value when the condition is true, else the second.",
	Code: always(func(yes, no any, condition bool) any {
		if condition {
			return yes
		}
		return no
	}),
	Examples: []Example{{Keys: shop, Template: `{{exists "/app/tls" | ternary "https" "http"}}`, Output: "http"}},
}}

func empty(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array:
		return r.Len() == 0
	}
	return r.IsZero()
}

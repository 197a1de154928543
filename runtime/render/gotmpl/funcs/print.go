package funcs

import (
	"fmt"
	"strings"
	"text/template"
)

var printing = []Function{{
	Name: "print", Usage: "print VALUE…", Since: golib,
	Doc:      "The values as text, with a space between two that are no strings.",
	Code:     printer(1, fmt.Sprint),
	Examples: []Example{{Template: `{{print "a" 1 2 "b"}}`, Output: "a1 2b"}},
}, {
	Name: "println", Usage: "println VALUE…", Since: golib,
	Doc:      "The values as text with spaces between them and a newline at the end.",
	Code:     printer(1, fmt.Sprintln),
	Examples: []Example{{Template: `{{println "a" 1}}`, Output: "a 1\n"}},
}, {
	Name: "printf", Usage: "printf FORMAT VALUE…", Since: golib,
	Doc: "The values as the [format](https://pkg.go.dev/fmt) says.",
	Code: func(r *Run) any {
		return func(format string, values ...any) (string, error) {
			if err := r.Budget.Room(r.formatBound(format, values)); err != nil {
				return "", err
			}
			s := fmt.Sprintf(format, values...)
			return s, r.Budget.Make(len(s))
		}
	},
	Examples: []Example{{Keys: shop, Template: `{{printf "%s:%05d" (getv "/app/name") 42}}`, Output: "shop:00042"}},
}, {
	Name: "html", Usage: "html VALUE…", Since: golib,
	Doc:      "The values as text that is safe in HTML.",
	Code:     printer(5, template.HTMLEscaper),
	Examples: []Example{{Template: `{{html "<a>"}}`, Output: "&lt;a&gt;"}},
}, {
	Name: "js", Usage: "js VALUE…", Since: golib,
	Doc:      "The values as text that is safe in a string of JavaScript.",
	Code:     printer(6, template.JSEscaper),
	Examples: []Example{{Template: `{{js "it's"}}`, Output: `it\'s`}},
}, {
	Name: "urlquery", Usage: "urlquery VALUE…", Since: golib,
	Doc:      "The values as text that is safe in the query of a URL.",
	Code:     printer(3, template.URLQueryEscaper),
	Examples: []Example{{Template: `{{urlquery "a b&c"}}`, Output: "a+b%26c"}},
}}

// printer is the code of a function that prints values, and makes of each
// byte at most factor bytes.
func printer(factor int, f func(...any) string) func(*Run) any {
	return func(r *Run) any {
		return func(values ...any) (string, error) {
			bound := len(values) + 1
			for _, v := range values {
				bound = plus(bound, r.shapes.measure(v).bytes)
			}
			if err := r.Budget.Room(times(factor, bound)); err != nil {
				return "", err
			}
			s := f(values...)
			return s, r.Budget.Make(len(s))
		}
	}
}

// formatBound is a size that printf cannot exceed. fmt builds its text whole,
// so that nothing can stop it half-way.
func (r *Run) formatBound(format string, values []any) int {
	largest, sum, width := 0, 0, 0
	for _, v := range values {
		n := r.shapes.measure(v).bytes
		largest, sum = max(largest, n), plus(sum, n)
		if i, ok := integer(v); ok {
			width = max(width, clamp(i), clamp(-i))
		}
	}
	const mishap = 64 // "%!d(string=…)", "%!(EXTRA …)"
	bound := plus(len(format), plus(sum, mishap*(len(values)+1)))
	for _, directive := range strings.Split(format, "%")[1:] {
		end := strings.IndexFunc(directive, func(c rune) bool { return !strings.ContainsRune("+-# 0123456789.[]*", c) })
		flags, factor := directive, 5 // %x of "a" may be "0x61 "
		if end >= 0 {
			flags = directive[:end]
			if strings.IndexByte("svd", directive[end]) >= 0 {
				factor = 1
			}
		}
		if strings.Contains(flags, "#") {
			factor = 24 // types are printed, too
		}
		bound = plus(bound, 512+widths(flags)+width*strings.Count(flags, "*"))
		bound = plus(bound, times(factor, largest))
	}
	return bound
}

// clamp is a width as fmt takes it: up to a million.
func clamp(width int) int { return min(max(width, 0), 1_000_000) }

// widths is the sum of all numbers in the flags of a directive.
func widths(flags string) int {
	sum, number := 0, 0
	for _, c := range []byte(flags) {
		if c < '0' || c > '9' {
			sum, number = sum+number, 0
			continue
		}
		number = clamp(10*number + int(c-'0'))
	}
	return sum + number
}

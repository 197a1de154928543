package funcs

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var text = []Function{{
	Name: "split", Usage: "split TEXT SEPARATOR", Since: confd,
	Doc: "The parts of a text between separators. Empty parts stay; an empty separator splits into letters.",
	Code: func(r *Run) any {
		return func(s, sep string) ([]string, error) {
			parts := strings.Count(s, sep) + 1
			if err := r.Budget.Make(times(16, parts)); err != nil {
				return nil, err
			}
			return strings.Split(s, sep), nil
		}
	},
	Examples: []Example{{Template: `{{range split "a:b::c" ":"}}[{{.}}]{{end}}`, Output: "[a][b][][c]"}},
}, {
	Name: "join", Usage: "join LIST SEPARATOR", Since: confd,
	Doc: "The strings of a list with a separator between them. The list must be one of strings, as `getvs`, `ls` and `split` return it.",
	Code: func(r *Run) any {
		return func(list []string, sep string) (string, error) {
			size := times(max(len(list)-1, 0), len(sep))
			for _, s := range list {
				size = plus(size, len(s))
			}
			if err := r.Budget.Make(size); err != nil {
				return "", err
			}
			return strings.Join(list, sep), nil
		}
	},
	Examples: []Example{{Keys: shop, Template: `{{join (getvs "/app/hosts/*") ","}}`, Output: "10.0.0.3,10.0.0.7"}},
}, {
	Name: "replace", Usage: "replace TEXT OLD NEW COUNT", Since: confd,
	Doc: "The text with the first COUNT occurrences of OLD replaced, with all of them when COUNT is below 0.",
	Code: func(r *Run) any {
		return func(s, old, new string, count int) (string, error) {
			found := strings.Count(s, old)
			if count >= 0 {
				found = min(found, count)
			}
			if err := r.Budget.Make(plus(len(s), times(found, max(len(new)-len(old), 0)))); err != nil {
				return "", err
			}
			return strings.Replace(s, old, new, count), nil
		}
	},
	Examples: []Example{{Template: `{{replace "a.b.c" "." "_" -1}} {{replace "a.b.c" "." "_" 1}}`, Output: "a_b_c a_b.c"}},
}, {
	Name: "toUpper", Usage: "toUpper TEXT", Since: confd,
	Doc: "The text in capital letters.", Code: mapped(2, strings.ToUpper),
	Examples: []Example{{Template: `{{"shop" | toUpper}}`, Output: "SHOP"}},
}, {
	Name: "toLower", Usage: "toLower TEXT", Since: confd,
	Doc: "The text in small letters.", Code: mapped(2, strings.ToLower),
	Examples: []Example{{Template: `{{toLower "ShOP"}}`, Output: "shop"}},
}, {
	Name: "contains", Usage: "contains TEXT PART", Since: confd,
	Doc: "Whether the part occurs in the text.", Code: func(r *Run) any {
		return func(s, part string) (bool, error) { return strings.Contains(s, part), r.Budget.Work(1 + len(s)/64) }
	},
	Examples: []Example{{Template: `{{contains "haystack" "st"}}`, Output: "true"}},
}, {
	Name: "trimSuffix", Usage: "trimSuffix TEXT SUFFIX", Since: confd,
	Doc: "The text without one suffix.", Code: always(strings.TrimSuffix),
	Examples: []Example{{Template: `{{trimSuffix "web.service" ".service"}}`, Output: "web"}},
}, {
	Name: "trimPrefix", Usage: "trimPrefix TEXT PREFIX", Since: fork,
	Doc: "The text without one prefix. Mind the order: sprig has it the other way round.", Code: always(strings.TrimPrefix),
	Examples: []Example{{Template: `{{trimPrefix "v1.2" "v"}}`, Output: "1.2"}},
}, {
	Name: "repeat", Usage: "repeat COUNT TEXT", Since: fork,
	Doc: "The text COUNT times.",
	Code: func(r *Run) any {
		return func(count int, s string) (string, error) {
			if err := r.Budget.Make(times(max(count, 0), len(s))); err != nil {
				return "", err
			}
			return strings.Repeat(s, max(count, 0)), nil
		}
	},
	Examples: []Example{{Template: `{{repeat 3 "ab"}}`, Output: "ababab"}},
}, {
	Name: "indent", Usage: "indent SPACES TEXT", Since: fork,
	Doc:      "The text with spaces before each of its lines, also before an empty last one. Empty text stays empty.",
	Code:     func(r *Run) any { return r.indent },
	Examples: []Example{{Keys: map[string]string{"/motd": "a\nb"}, Template: "{{indent 2 (getv \"/motd\")}}", Output: "  a\n  b"}},
}, {
	Name: "nindent", Usage: "nindent SPACES TEXT", Since: fork,
	Doc: "Like indent, on a new line.",
	Code: func(r *Run) any {
		return func(spaces int, s string) (string, error) {
			s, err := r.indent(spaces, s)
			return "\n" + s, err
		}
	},
	Examples: []Example{{Template: "key: |{{nindent 2 \"a\\nb\"}}", Output: "key: |\n  a\n  b"}},
}, {
	Name: "quote", Usage: "quote TEXT", Since: fork,
	Doc:      "The text in double quotes, as Go writes it: quotes, backslashes and control signs are escaped.",
	Code:     mapped(4, strconv.Quote),
	Examples: []Example{{Template: `{{quote "say \"hi\""}}`, Output: `"say \"hi\""`}},
}, {
	Name: "squote", Usage: "squote TEXT", Since: fork,
	Doc:      "The text in single quotes, as YAML and SQL write it: a single quote inside is doubled.",
	Code:     mapped(2, func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }),
	Examples: []Example{{Template: `{{squote "it's"}}`, Output: "'it''s'"}},
}, {
	Name: "nospace", Usage: "nospace TEXT", Since: fork,
	Doc: "The text without white space.", Code: mapped(2, nospace),
	Examples: []Example{{Template: `{{nospace " a b\tc "}}`, Output: "abc"}},
}, {
	Name: "snakecase", Usage: "snakecase TEXT", Since: fork,
	Doc:      "The words of a text, small and joined by `_`. Words begin at capital letters, and after spaces, `_` and `-`.",
	Code:     mapped(6, func(s string) string { return strings.ToLower(strings.Join(words(s), "_")) }),
	Examples: []Example{{Template: `{{snakecase "HTTPServer name"}}`, Output: "http_server_name"}},
}, {
	Name: "kebabcase", Usage: "kebabcase TEXT", Since: fork,
	Doc:      "The words of a text, small and joined by `-`.",
	Code:     mapped(6, func(s string) string { return strings.ToLower(strings.Join(words(s), "-")) }),
	Examples: []Example{{Template: `{{kebabcase "myServiceName"}}`, Output: "my-service-name"}},
}, {
	Name: "camelcase", Usage: "camelcase TEXT", Since: fork,
	Doc: "The words of a text joined, all but the first with a capital.", Code: mapped(6, camelcase),
	Examples: []Example{{Template: `{{camelcase "my-service_name"}}`, Output: "myServiceName"}},
}}

// mapped is the code of a function from text to text of at most factor times
// its length.
func mapped(factor int, f func(string) string) func(*Run) any {
	return func(r *Run) any {
		return func(s string) (string, error) {
			if err := r.Budget.Make(factor*len(s) + 2); err != nil {
				return "", err
			}
			return f(s), nil
		}
	}
}

func (r *Run) indent(spaces int, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	spaces = max(spaces, 0)
	lines := strings.Count(s, "\n") + 1
	if err := r.Budget.Make(plus(len(s), times(lines, spaces))); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", spaces)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

func nospace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// words splits before a capital that follows a letter which is none, and
// before the last capital of a run that a small letter follows ("HTTPServer").
func words(s string) []string {
	var words []string
	letters, start := []rune(s), 0
	end := func(i, next int) {
		if start < i {
			words = append(words, string(letters[start:i]))
		}
		start = next
	}
	for i, c := range letters {
		switch {
		case c == '_' || c == '-' || c == ' ':
			end(i, i+1)
		case i > 0 && unicode.IsUpper(c):
			beforeSmall := i+1 < len(letters) && unicode.IsLower(letters[i+1])
			if beforeSmall || !unicode.IsUpper(letters[i-1]) {
				end(i, i)
			}
		}
	}
	end(len(letters), 0)
	return words
}

func camelcase(s string) string {
	parts := words(s)
	for i, w := range parts {
		w = strings.ToLower(w)
		if i > 0 {
			first, size := utf8.DecodeRuneInString(w)
			w = string(unicode.ToUpper(first)) + w[size:]
		}
		parts[i] = w
	}
	return strings.Join(parts, "")
}

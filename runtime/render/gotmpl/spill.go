package gotmpl

import (
	"regexp"
	"sync"
)

// spilling are the messages of text/template that print a value.
var spilling = sync.OnceValue(func() []spill {
	return []spill{
		{regexp.MustCompile(`(?s)^(range can't iterate over) .*`), "$1 this value"},
		{regexp.MustCompile(`(?s)^(if/with can't use) .*`), "$1 this value"},
		{regexp.MustCompile(`(?s)^can't use .* (to )?iterate over more than one variable$`), "can't iterate over this value with more than one variable"},
		{regexp.MustCompile(`(?s)^(error calling \w+: non-comparable types?) .*`), "$1"},
		{regexp.MustCompile(`(?s)^(error calling \w+: index out of range).*`), "$1"},
		{regexp.MustCompile(`(?s)^(error calling \w+: invalid slice index).*`), "$1"},
		{regexp.MustCompile(`(?s)^(error calling call: non-function) .*`), "$1"},
		{regexp.MustCompile(`(?s)^(error calling \w+: runtime error: [a-z ]*).*`), "$1"},
	}
})

type spill struct {
	message *regexp.Regexp
	instead string
}

func withoutValues(msg string) string {
	for _, s := range spilling() {
		if s.message.MatchString(msg) {
			return s.message.ReplaceAllString(msg, s.instead)
		}
	}
	return msg
}

package script

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/wasm"
)

// host answers the functions of the prelude for one render.
type host struct {
	interpreter
	session *hostfuncs.Session
	read    map[string]struct{} // values of keys that the script got
	failed  string              // the stack at fail
	loading bool                // there are no keys yet
}

// functions is the one list of host functions, by name.
var functions = func() map[string]*hostfuncs.Function {
	m := map[string]*hostfuncs.Function{}
	for _, f := range hostfuncs.All() {
		m[f.Name] = &f
	}
	return m
}()

// answer is one call. Arguments are strings: the prelude sees to that.
func (h *host) answer(i *wasm.Interpreter, name []byte, _ uint32, args []uint32) (uint32, error) {
	h.Interpreter = i
	var texts [2]string
	for n := range min(len(args), len(texts)) {
		var err error
		if texts[n], err = h.text(cell(args[n])); err != nil {
			return 0, err
		}
	}
	c, err := h.serve(functions[string(name)], texts[0], texts[1])
	return uint32(c), err
}

func (h *host) serve(f *hostfuncs.Function, first, second string) (cell, error) {
	switch f.Name {
	case "log":
		if _, _, err := h.Ask(f, level(first), second); err != nil {
			return 0, err
		}
		return h.cell("qjs_get_undefined")
	case "fail":
		h.failed = second
	case "param", "params":
	default:
		if h.loading {
			return h.throw(f.Name + " is called while the script loads; there are keys when a template calls one of its functions")
		}
	}
	result, n, err := h.Ask(f, 0, first)
	switch {
	case err != nil:
		return 0, err
	case n == hostfuncs.NotFound || f.Name == "exists" && n == 0:
		return h.cell("qjs_get_undefined")
	case n < 0:
		return h.throw(refusal(f.Name, first, n))
	}
	return h.give(f.Name, first, result)
}

// give hands a result to the script: lists and tables as JSON.
func (h *host) give(function, argument string, result []byte) (cell, error) {
	items := itemsOf(function, result)
	for _, item := range items {
		if !utf8.ValidString(item) {
			return h.throw(strings.TrimSpace(function+" "+argument) + ": the value is not UTF-8, and a script holds text only")
		}
	}
	h.note(function, items)
	switch function {
	case "gets":
		return h.json(pairs(items))
	case "params":
		return h.json(table(items))
	case "getvs", "ls", "lsdir":
		return h.json(items)
	}
	return h.newString(items[0])
}

func itemsOf(function string, result []byte) []string {
	switch function {
	case "gets", "params":
		return hostfuncs.Items(result, 2)
	case "getvs", "ls", "lsdir":
		return hostfuncs.Items(result, 1)
	}
	return []string{string(result)}
}

// note keeps the values of keys, each once: no more than the store holds. What
// was rendered holds them, too.
func (h *host) note(function string, items []string) {
	from, step := 0, 1
	switch function {
	case "gets":
		from, step = 1, 2
	case "getv", "getvs", "input":
	default:
		return
	}
	if h.read == nil {
		h.read = map[string]struct{}{}
	}
	for n := from; n < len(items); n += step {
		h.read[items[n]] = struct{}{}
	}
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func pairs(items []string) []pair {
	list := make([]pair, 0, len(items)/2)
	for n := 0; n < len(items); n += 2 {
		list = append(list, pair{items[n], items[n+1]})
	}
	return list
}

func table(items []string) map[string]string {
	m := map[string]string{}
	for n := 0; n < len(items); n += 2 {
		m[items[n]] = items[n+1]
	}
	return m
}

func (h *host) json(data any) (cell, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return 0, fmt.Errorf("answer to a script: %w", err)
	}
	return h.newString(string(text))
}

// level is the number of a level of log; the prelude knows no others.
func level(name string) int32 {
	l := hostfuncs.LevelDebug
	for l < hostfuncs.LevelError && l.String() != name {
		l++
	}
	return int32(l)
}

// refusal words an answer below zero.
func refusal(function, argument string, n int32) string {
	switch n {
	case hostfuncs.Denied:
		return outside + argument
	case hostfuncs.TooLarge:
		return fmt.Sprintf("%s %s: the result is larger than one answer may be", function, argument)
	}
	if function == "gets" || function == "getvs" {
		return fmt.Sprintf("%s: the pattern is malformed, or longer than %d bytes", function, hostfuncs.Longest)
	}
	return fmt.Sprintf("%s: the name is no text of at most %d bytes", function, hostfuncs.Longest)
}

package script

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/wasm"
)

// host answers the functions of the prelude for one render.
type host struct {
	interpreter
	session *hostfuncs.Session
	view    *kv.View // what the session sees
	failed  string   // the stack at fail
	loading bool     // there are no keys yet
	early   bool     // they were asked for, or a parameter

	read      map[string]struct{} // values of keys that the script got
	readBytes int
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
		h.early = h.loading
	default:
		if h.early = h.loading; h.loading {
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
	switch function {
	case "gets", "getvs", "ls", "lsdir":
		return h.giveList(function, argument, result)
	case "params":
		return h.json(maps.Collect(hostfuncs.Pairs(result)))
	}
	text := string(result)
	if !utf8.ValidString(text) {
		return h.notText(function, argument)
	}
	if function == "getv" || function == "input" { // what was rendered holds values, too
		h.note(text)
	}
	return h.newString(text)
}

func (h *host) notText(function, argument string) (cell, error) {
	return h.throw(strings.TrimSpace(function+" "+argument) + ": the value is not UTF-8, and a script holds text only")
}

// itemsAtOnce is how many items of a list are made into JSON between two looks
// at the deadline.
const itemsAtOnce = 64

// giveList writes the JSON item by item: a list may have half a million.
func (h *host) giveList(function, argument string, result []byte) (cell, error) {
	var text bytes.Buffer
	out, items := json.NewEncoder(&text), hostfuncs.Items(result)
	if function == "gets" {
		items = hostfuncs.Pairs(result)
	}
	text.WriteByte('[')
	n := 0
	for item, value := range items {
		if !utf8.ValidString(item) || !utf8.ValidString(value) {
			return h.notText(function, argument)
		}
		if n++; n%itemsAtOnce == 0 {
			if err := h.Overdue(); err != nil {
				return 0, err
			}
		}
		var err error
		switch function {
		case "gets":
			h.note(value)
			err = out.Encode(pair{item, value})
		case "getvs":
			h.note(item)
			err = out.Encode(item)
		default:
			err = out.Encode(item)
		}
		if err != nil {
			return 0, fmt.Errorf("answer to a script: %w", err)
		}
		text.Truncate(text.Len() - 1) // the line feed
		text.WriteByte(',')
	}
	if n > 0 {
		text.Truncate(text.Len() - 1)
	}
	text.WriteByte(']')
	return h.newString(text.String())
}

// note keeps the value of a key, each once: no more than the store holds.
func (h *host) note(value string) {
	if _, again := h.read[value]; again {
		return
	}
	if h.read == nil {
		h.read = map[string]struct{}{}
	}
	h.read[value] = struct{}{}
	h.readBytes += len(value)
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
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

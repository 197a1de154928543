package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// Stdin is how a command finds the keys on its standard input.
type Stdin string

// The formats of a command's standard input.
const (
	Lines    Stdin = "lines"     // key TAB value LF, sorted; backslash, tab and line feed as \\ \t \n
	JSON     Stdin = "json"      // one flat object: {"/a/b": "value"}
	JSONTree Stdin = "json-tree" // nested objects: {"a": {"b": "value"}}; a directory's own value is under ""
)

func (s Stdin) check() error {
	known := []string{string(Lines), string(JSON), string(JSONTree)}
	if slices.Contains(known, string(s)) {
		return nil
	}
	return &problem.Problem{Code: problem.Config, Msg: fmt.Sprintf("stdin = %q is none of lines, json and json-tree", string(s)),
		Hint: problem.DidYouMean(string(s), known)}
}

// atOnce is about how many bytes of it are made at once.
const atOnce = 16 << 10

// source makes the text while the guest reads it: every key that the resource
// grants.
func (s Stdin) source(v *kv.View) hostfuncs.Source {
	return func(step func(int) bool, yield func([]byte) bool) {
		t := &text{yield: yield}
		switch s {
		case JSON:
			t.flat(v, step)
		case JSONTree:
			t.tree(v, step)
		default:
			t.lines(v, step)
		}
	}
}

// text is written part by part.
type text struct {
	bytes.Buffer
	yield func([]byte) bool
	json  *json.Encoder
}

// part gives away what there is when that is much. It tells whether to go on.
func (t *text) part() bool { return t.Len() < atOnce || t.give() }

func (t *text) give() bool {
	ok := t.yield(t.Bytes())
	t.Reset()
	return ok
}

var escape = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`)

func (t *text) lines(v *kv.View, step kv.Step) {
	v.All(step, func(key, value string) bool {
		_, _ = escape.WriteString(t, key) // a Buffer takes everything
		t.WriteByte('\t')
		_, _ = escape.WriteString(t, value)
		t.WriteByte('\n')
		return t.part()
	})
	t.give()
}

// quote writes a text as JSON.
func (t *text) quote(s string) {
	if t.json == nil {
		t.json = json.NewEncoder(&t.Buffer)
		t.json.SetEscapeHTML(false)
	}
	_ = t.json.Encode(s)    // a text always encodes
	t.Truncate(t.Len() - 1) // the line feed
}

func (t *text) member(name, value string) {
	t.quote(name)
	t.WriteByte(':')
	t.quote(value)
}

func (t *text) flat(v *kv.View, step kv.Step) {
	between := byte('{')
	v.All(step, func(key, value string) bool {
		t.WriteByte(between)
		t.member(key, value)
		between = ','
		return t.part()
	})
	if between == '{' {
		t.WriteByte('{')
	}
	t.WriteString("}\n")
	t.give()
}

// tree writes each key when the next is known: a directory's own value is a
// member of it.
func (t *text) tree(v *kv.View, step kv.Step) {
	o := objects{text: t}
	o.open("")
	var last kv.Pair
	v.AllByName(step, func(key, value string) bool {
		if last.Key != "" {
			o.put(last, strings.HasPrefix(key, last.Key+"/"))
		}
		last = kv.Pair{Key: key, Value: value}
		return t.part()
	})
	if last.Key != "" {
		o.put(last, false)
	}
	o.close(0)
	t.WriteByte('\n')
	t.give()
}

// objects are those that are open, each in the one before.
type objects struct {
	*text
	names []string
	more  bool // the innermost has a member
}

func (o *objects) open(name string) {
	if o.comma(); len(o.names) > 0 {
		o.quote(name)
		o.WriteByte(':')
	}
	o.WriteByte('{')
	o.names, o.more = append(o.names, name), false
}

func (o *objects) close(depth int) {
	for len(o.names) > depth {
		o.WriteByte('}')
		o.names, o.more = o.names[:len(o.names)-1], true
	}
}

func (o *objects) comma() {
	if o.more {
		o.WriteByte(',')
	}
}

// put writes a key into the objects of its directories; below tells whether it is
// one itself.
func (o *objects) put(p kv.Pair, below bool) {
	path := strings.Split(p.Key, "/") // it begins with an empty name, as names do
	dirs, name := path[:len(path)-1], path[len(path)-1]
	if below {
		dirs, name = path, ""
	}
	same := 0
	for same < min(len(dirs), len(o.names)) && dirs[same] == o.names[same] {
		same++
	}
	o.close(same)
	for _, dir := range dirs[same:] {
		o.open(dir)
	}
	o.comma()
	o.member(name, p.Value)
	o.more = true
}

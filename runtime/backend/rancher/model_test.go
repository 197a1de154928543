package rancher

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/wconf/wconf/runtime/kv"
)

// A model of flattening: the whole document in memory, read by encoding/json.

type node struct {
	open  json.Delim // 0: a leaf
	leaf  json.Token
	names []string
	nodes []*node
}

// modelled is what flatten must make of a document below /p.
func modelled(document string) ([]kv.Pair, error) {
	in := json.NewDecoder(strings.NewReader(document))
	in.UseNumber()
	root, err := readNode(in)
	if err != nil {
		return nil, err
	}
	if _, err := in.Token(); err != io.EOF {
		return nil, errors.New("it goes on")
	}
	return root.pairs("/p"), nil
}

func readNode(in *json.Decoder) (*node, error) {
	t, err := in.Token()
	n := &node{leaf: t}
	if n.open, _ = t.(json.Delim); n.open == 0 || err != nil {
		return n, err
	}
	for in.More() {
		name := strconv.Itoa(len(n.nodes))
		if n.open == '{' {
			t, err := in.Token()
			if err != nil {
				return nil, err
			}
			name = t.(string)
			if i := slices.Index(n.names, name); i >= 0 {
				n.names, n.nodes = slices.Delete(n.names, i, i+1), slices.Delete(n.nodes, i, i+1)
			}
		}
		below, err := readNode(in)
		if err != nil {
			return nil, err
		}
		if called := below.called(); n.open == '[' && called != "" {
			name = called
		}
		n.names, n.nodes = append(n.names, name), append(n.nodes, below)
	}
	_, err = in.Token()
	return n, err
}

func (n *node) called() (name string) {
	if i := slices.Index(n.names, "name"); n.open == '{' && i >= 0 {
		name, _ = n.nodes[i].leaf.(string)
	}
	return name
}

func (n *node) pairs(path string) (all []kv.Pair) {
	if n.open == 0 {
		return []kv.Pair{{Key: path, Value: n.text()}}
	}
	for i, below := range n.nodes {
		all = append(all, below.pairs(path+"/"+n.names[i])...)
	}
	return all
}

func (n *node) text() string {
	switch v := n.leaf.(type) {
	case nil:
		return "null"
	case json.Number:
		return number(v.String())
	default:
		return fmt.Sprint(v)
	}
}

// Whatever the server sends: what encoding/json reads is read as the model
// says, else there is an error.
func FuzzFlatten(f *testing.F) {
	for _, s := range []string{
		`{"a":[{"name":"x","v":[1,null]}]}`, `"x"`, `[[{"name":""}]]`, `{"a":1}{`, `[1e9,"\ud800","\ud83d\ude00","\udc00\ud800"]`, "{\"a\":\"\xff\xc3\"}", `{"\u00e9\n":"\/\b"}`,
		`{"a":{"b":1},"a":{"c":2}}`, `[{"name":"a","name":[1],"b":{"x":1},"b":2}]`, "\"\x01\"", `[01]`, `[-]`, `[1.]`, `[1.5E+3,-0.0]`, ` {"a" : [ ] } `, "\ufeff1", `[1,]`, `{"a"}`, `"\u12"`, `nul`, "\"a\x00\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, document string) {
		got, _, err := flattened(document, true)
		switch valid := json.Valid([]byte(document)); {
		case errors.Is(err, errTooDeep), errors.Is(err, errFailure):
		case err == nil != valid:
			t.Fatalf("valid: %v, but %v", valid, err)
		case valid:
			if want, err := modelled(document); err != nil || !slices.Equal(got, want) {
				t.Errorf("got %s\nwant %s, %v", words(got), words(want), err)
			}
		}
	})
}

// A document that follows another one is what it is without it, and what
// changed leads from one to the other.
func FuzzFollow(f *testing.F) {
	f.Add(`[{"name":"a","v":1},{"name":"b"}]`, `[{"name":"b"},{"name":"a","v":2},{"v":1}]`)
	f.Add(`{"l":[{"name":"a","v":1},{"name":"a","v":2}]}`, `{"l":[{"name":"a","v":2},{"name":"a","v":1}]}`)
	f.Add(`{"l":[{"name":"a/b","v":1}],"x":1}`, `{"l":[{"name":"a/b","v":1},{"name":"a","b":{"v":2}}]}`)
	f.Add(`{"l":[{"v":1},{"v":1}],"l/0":{"v":2}}`, `{"l":[{"v":1}],"l":[{"v":1},{"v":1}]}`)
	f.Fuzz(func(t *testing.T, first, second string) { follow(t, first, second) })
}

func follow(t *testing.T, documents ...string) {
	var before *document
	for i, text := range documents {
		want, bad := modelled(text)
		d, c, err := flatten(strings.NewReader(text), "/p", true, before)
		if err != nil || bad != nil {
			continue
		}
		if got := d.pairs(); !slices.Equal(got, want) {
			t.Fatalf("%d of %q:\n got %s\nwant %s", i, documents, words(got), words(want))
		}
		if before != nil {
			from, to := kv.NewSnapshot(before.pairs()), kv.NewSnapshot(want)
			next, changes := from.Apply(c.puts, c.deletes)
			if got, want := slices.Collect(all(next)), slices.Collect(all(to)); !slices.Equal(got, want) {
				t.Fatalf("%d of %q: changes lead to\n    %s\nnot %s", i, documents, words(got), words(want))
			}
			if len(changes) != len(c.puts)+len(c.deletes) || (d.content == before.content) != (len(changes) == 0) {
				t.Fatalf("%d of %q: %d changes by %d puts and %d deletes", i, documents, len(changes), len(c.puts), len(c.deletes))
			}
		}
		before = d
	}
}

// Documents of few words, in which names meet, come again and have slashes.
func TestFollow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	several := func(of []string, most int) string {
		some := make([]string, r.IntN(most+1))
		for i := range some {
			some[i] = of[r.IntN(len(of))]
		}
		return strings.Join(some, ",")
	}
	elements := []string{
		`{"name":"a","v":1}`, `{"name":"a","v":2}`, `{"name":"a","b":{"v":1}}`, `{"name":"a","b/v":4}`, `{"name":"a/b","v":2}`, `{"name":"b","v":1}`, `{"name":"a","b":[{"v":1},{"v":2}]}`,
		`{"v":1}`, `{"v":2}`, `{"name":"0","v":2}`, `{}`, `"text"`, `[{"name":"a","v":3}]`, `[{"v":3},{"v":4}]`,
	}
	loose := []string{`"l/a/v":5`, `"l":{"a":{"b":{"v":6}}}`, `"l":{"a":{"b/v":7}}`, `"l/a":{"b":{"v":8},"v":9}`, `"l":1`, `"l/0":{"v":3}`}
	for range 5000 {
		var documents []string
		for range 4 {
			var members []string
			for range r.IntN(4) {
				if r.IntN(3) == 0 {
					members = append(members, loose[r.IntN(len(loose))])
				} else {
					members = append(members, fmt.Sprintf(`"%s":[%s]`, []string{"l", "l", "l", "l/a", "l/0", "m", "l/a/b"}[r.IntN(7)], several(elements, 4)))
				}
			}
			documents = append(documents, "{"+strings.Join(members, ",")+"}")
		}
		follow(t, documents...)
	}
}

// One element stands in two places of one path, and the first one goes.
func TestFollowWhatIsUsedTwice(t *testing.T) {
	const list = `[{"name":"a","v":1}]`
	others := `"y":[{}` + strings.Repeat(`,{}`, few) + `]`
	follow(t, `{"x":{"l":`+list+`}}`, `{"x/l":`+list+`,`+others+`,"x":{"l":`+list+`},"x/l":1}`)
}

// Long lists: more comes, goes and moves than is looked for nearby.
func TestFollowLongLists(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	elements := make([]string, 100)
	for i := range elements {
		elements[i] = fmt.Sprintf(`{"name":"c%d","v":0,"labels":{"x":"%d"}}`, i, i)
	}
	elements = append(elements, `{"v":1}`, `{"v":1}`, `"text"`, `[{"name":"c1"}]`)
	documents := []string{`{"l":[` + strings.Join(elements, ",") + `],"s":1}`}
	for i := range 300 {
		switch r.IntN(4) {
		case 0:
			r.Shuffle(len(elements), func(i, j int) { elements[i], elements[j] = elements[j], elements[i] })
		case 1:
			at := r.IntN(len(elements))
			elements = slices.Delete(elements, at, min(at+r.IntN(20), len(elements)))
		case 2:
			at := r.IntN(len(elements) + 1)
			elements = slices.Insert(elements, at, fmt.Sprintf(`{"name":"n%d"}`, i), fmt.Sprintf(`{"name":"c%d","v":%d}`, r.IntN(100), i))
		default:
			elements[r.IntN(len(elements))] = fmt.Sprintf(`{"name":"c%d","v":%d}`, r.IntN(100), i)
		}
		if len(elements) < 20 {
			break
		}
		documents = append(documents, fmt.Sprintf(`{"l":[%s],"s":%d}`, strings.Join(elements, ","), i))
	}
	follow(t, documents...)
}

func TestUnchangedKeepsItsStorage(t *testing.T) {
	read := func(text string, before *document) *document {
		d, _, err := flatten(strings.NewReader(text), "/p", true, before)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := read(`{"l":[{"name":"a","v":"one"},{"name":"b","v":"other"}],"x":"text"}`, nil)
	second := read(`{"l":[{"name":"a","v":"two"},{"name":"b","v":"other"}],"x":"text"}`, first)
	if first.pieces[1] != second.pieces[1] {
		t.Error("an element that did not change was made anew")
	}
	a, b := first.pairs(), second.pairs()
	for i := range a {
		same := unsafe.StringData(a[i].Key) == unsafe.StringData(b[i].Key) && unsafe.StringData(a[i].Value) == unsafe.StringData(b[i].Value)
		if changed := a[i].Key == "/p/l/a/v"; same == changed {
			t.Errorf("%s: the same storage: %v", a[i].Key, same)
		}
	}
}

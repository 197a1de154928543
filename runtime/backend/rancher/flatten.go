package rancher

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/wconf/wconf/runtime/kv"
)

// maxDepth is how deep an answer may be nested.
const maxDepth = 64

var (
	errTooDeep  = fmt.Errorf("its answer is nested deeper than %d levels", maxDepth)
	errTrailing = errors.New("its answer goes on after the JSON value")
	errFailure  = errors.New("it answers with an error document")
)

// flatten turns one JSON document into pairs below path, as confd does:
// members by their names, elements of lists by their index or, when they are
// objects with a `name` that is a text and not empty, by that. It also returns
// the lists in which names occur twice; of equal keys the last pair stands.
//
// Integers stay as they were sent, other numbers lose their exponent. The
// document is never held: only its leaves are.
func flatten(body io.Reader, path string, nullAsText bool) (pairs []kv.Pair, merged []string, err error) {
	f := &flattener{in: json.NewDecoder(body), nullAsText: nullAsText, names: map[string]string{}}
	f.in.UseNumber()
	if path == "/" {
		path = ""
	}
	root := &level{path: path}
	if err := f.document(root); err != nil {
		return nil, nil, err
	}
	if f.failure(root) {
		return nil, nil, errFailure
	}
	pairs = make([]kv.Pair, len(f.leaves))
	for i, l := range f.leaves {
		pairs[i] = kv.Pair{Key: l.key(), Value: l.value}
	}
	for _, l := range f.merged {
		merged = append(merged, l.full())
	}
	return pairs, merged, nil
}

// flattener walks the tokens of one document.
type flattener struct {
	in         *json.Decoder
	nullAsText bool
	depth      int
	leaves     []leaf
	merged     []*level
	names      map[string]string // one copy of each member's name
}

// level is an object or a list. What it is called is known only at its end,
// when its `name` has been seen.
type level struct {
	up   *level // nil: the whole document
	name string
	path string // once it is known
}

func (l *level) full() string {
	if l.up != nil && l.path == "" {
		l.path = l.up.full() + "/" + l.name
	}
	return l.path
}

// leaf is a value that becomes a pair. A document may be a single leaf, which
// has no name.
type leaf struct {
	at    *level
	whole bool
	name  string
	value string
}

func (l leaf) key() string {
	if l.whole {
		return l.at.full()
	}
	return l.at.full() + "/" + l.name
}

func (f *flattener) document(root *level) error {
	t, err := f.token()
	if err != nil {
		return err
	}
	if d, ok := t.(json.Delim); ok {
		_, err = f.container(d, root)
	} else {
		f.put(leaf{at: root, whole: true}, t)
	}
	if err != nil {
		return err
	}
	switch _, err := f.in.Token(); err {
	case io.EOF:
		return nil
	case nil:
		return errTrailing
	default:
		return f.bad(err)
	}
}

// token is the next one; the document must not end here.
func (f *flattener) token() (json.Token, error) {
	t, err := f.in.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return t, f.bad(err)
}

// bad is an error of the decoder without the text that it quotes.
func (f *flattener) bad(err error) error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("its answer is not JSON, at byte %d", f.in.InputOffset())
	}
	return err
}

// container walks an object or a list to its end. It returns the object's
// `name`, if that is a text.
func (f *flattener) container(open json.Delim, at *level) (name string, err error) {
	if f.depth++; f.depth > maxDepth {
		return "", errTooDeep
	}
	defer func() { f.depth-- }()
	if open == '[' {
		return "", f.list(at)
	}
	return f.object(at)
}

func (f *flattener) object(at *level) (name string, err error) {
	for {
		t, err := f.token()
		if err != nil {
			return "", err
		}
		member, ok := t.(string)
		if !ok { // the closing brace
			return name, nil
		}
		member = f.shared(member)
		value, err := f.token()
		if err != nil {
			return "", err
		}
		if d, ok := value.(json.Delim); ok {
			if _, err := f.container(d, &level{up: at, name: member}); err != nil {
				return "", err
			}
			continue
		}
		if member == "name" {
			name, _ = value.(string)
		}
		f.put(leaf{at: at, name: member}, value)
	}
}

func (f *flattener) list(at *level) error {
	var taken map[string]struct{}
	for i := 0; ; i++ {
		t, err := f.token()
		if err != nil {
			return err
		}
		index := f.shared(strconv.Itoa(i))
		d, ok := t.(json.Delim)
		switch {
		case !ok:
			f.put(leaf{at: at, name: index}, t)
			continue
		case d == ']':
			return nil
		}
		element := &level{up: at, name: index}
		name, err := f.container(d, element)
		if err != nil {
			return err
		}
		if name == "" {
			continue
		}
		element.name = name
		if taken == nil {
			taken = map[string]struct{}{}
		}
		before := len(taken)
		if taken[name] = struct{}{}; len(taken) == before {
			f.merged = append(f.merged, at)
		}
	}
}

// shared is the one copy of a name that occurs in every element of a list.
func (f *flattener) shared(name string) string {
	if known, ok := f.names[name]; ok {
		return known
	}
	f.names[name] = name
	return name
}

// put adds a leaf; a null becomes one only where that is wanted.
func (f *flattener) put(l leaf, value json.Token) {
	switch v := value.(type) {
	case string:
		l.value = v
	case json.Number:
		l.value = number(v)
	case bool:
		l.value = strconv.FormatBool(v)
	case nil:
		if !f.nullAsText {
			return
		}
		l.value = "null"
	}
	f.leaves = append(f.leaves, l)
}

// number is an integer as it was sent, and any other number as the shortest
// decimal that reads back the same.
func number(n json.Number) string {
	for _, c := range n {
		if c != '-' && (c < '0' || c > '9') {
			if v, err := n.Float64(); err == nil {
				return strconv.FormatFloat(v, 'f', -1, 64)
			}
			break
		}
	}
	return n.String()
}

// failure tells whether the document is rancher-metadata's error, which some
// proxies hand on as a success.
func (f *flattener) failure(root *level) bool {
	said := map[string]string{}
	for _, l := range f.leaves {
		if l.at != root || len(said) > 3 {
			return false
		}
		said[l.name] = l.value
	}
	_, code := said["code"]
	_, message := said["message"]
	return code && message && said["type"] == "error" && len(said) == 3
}

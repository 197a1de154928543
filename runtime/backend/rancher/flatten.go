package rancher

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

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
// objects with a `name` that is a text and not empty, by that. Of equal keys
// the last pair stands, of members of one object with one name the last one,
// whole.
//
// Integers stay as they were sent, other numbers lose their exponent. Of the
// document no more is held than one element of a list; those that were in the
// document before are not taken apart again.
func flatten(body io.Reader, path string, nullAsText bool, before *document) (*document, change, error) {
	f := newFlattener(nullAsText)
	f.in.Reset(body, lenient...)
	f.known = newKnown(before)
	f.leaves = make([]leaf, 0, len(f.known.pieces)+8)
	if path == "/" {
		path = ""
	}
	root := &level{path: path}
	if err := f.document(root); err != nil {
		return nil, change{}, err
	}
	if f.failure(root) {
		return nil, change{}, errFailure
	}
	d, c := f.known.follow(f.leaves)
	return d, c, nil
}

// lenient lets pass what encoding/json does: members that come twice, and text
// that is not UTF-8.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// flattener walks the tokens of a document, or of an element of one.
type flattener struct {
	in         *jsontext.Decoder
	nullAsText bool
	depth      int
	leaves     []leaf
	members    []member // of the objects that are open
	texts      *texts
	known      *known     // nil within an element
	inner      *flattener // takes elements apart
}

func newFlattener(nullAsText bool) *flattener {
	return &flattener{in: jsontext.NewDecoder(strings.NewReader("")), nullAsText: nullAsText, texts: new(texts)}
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

// leaf is what becomes a pair. In place of one it may be a whole piece, or the
// note that equal names merged in a list.
type leaf struct {
	at     *level // nil: a later member of the same name stands in its place
	name   string
	value  string
	piece  *piece
	kept   int // one more than the piece's place in the document before
	merged bool
	whole  bool // the document is this leaf, which has no name
}

func (l leaf) key() string {
	if l.whole {
		return l.at.full()
	}
	return l.at.full() + "/" + l.name
}

func (f *flattener) document(root *level) error {
	t, err := f.in.ReadToken()
	switch {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case err != nil:
		return bad(err)
	case t.Kind() == '{' || t.Kind() == '[':
		_, err = f.container(t.Kind(), root)
	default:
		f.put(leaf{at: root, whole: true}, t)
	}
	if err != nil {
		return err
	}
	switch _, err := f.in.ReadToken(); err {
	case io.EOF:
		return nil
	case nil:
		return errTrailing
	default:
		return bad(err)
	}
}

func (f *flattener) token() (jsontext.Token, error) {
	t, err := f.in.ReadToken()
	if err != nil {
		return t, bad(err)
	}
	return t, nil
}

// bad is an error of the decoder without the text that it quotes.
func bad(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("its answer is not JSON, at byte %d", syntax.ByteOffset)
	}
	if cause := errors.Unwrap(err); cause != nil { // of reading
		return cause
	}
	return err
}

// container walks an object or a list to its end. It returns the object's
// `name`, if that is a text.
func (f *flattener) container(open jsontext.Kind, at *level) (name string, err error) {
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
	o := object{first: len(f.members)}
	defer func() { f.members = f.members[:o.first] }()
	for {
		t, err := f.token()
		if err != nil {
			return "", err
		}
		if t.Kind() == '}' {
			return name, nil
		}
		member := f.texts.one(t.String())
		f.enter(&o, member)
		value, err := f.token()
		if err != nil {
			return "", err
		}
		text := ""
		switch value.Kind() {
		case '{', '[':
			if _, err := f.container(value.Kind(), &level{up: at, name: member}); err != nil {
				return "", err
			}
		case '"':
			text = f.texts.one(value.String())
			f.leaves = append(f.leaves, leaf{at: at, name: member, value: text})
		default:
			f.put(leaf{at: at, name: member}, value)
		}
		if member == "name" {
			name = text
		}
	}
}

func (f *flattener) list(at *level) error {
	var taken map[string]struct{}
	for i := 0; ; i++ {
		if f.known != nil && f.in.PeekKind() == '{' {
			if err := f.element(at, i); err != nil {
				return err
			}
			continue
		}
		t, err := f.token()
		if err != nil {
			return err
		}
		index := f.texts.one(strconv.Itoa(i))
		switch t.Kind() {
		case ']':
			return nil
		case '{', '[':
		default:
			f.put(leaf{at: at, name: index}, t)
			continue
		}
		element := &level{up: at, name: index}
		name, err := f.container(t.Kind(), element)
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
			f.leaves = append(f.leaves, leaf{at: at, merged: true})
		}
	}
}

// element takes over an object in a list from the document before, or takes it
// apart.
func (f *flattener) element(list *level, index int) error {
	raw, err := f.in.ReadValue()
	if err != nil {
		return bad(err)
	}
	at := place{list.full(), sumOf(raw)}
	if i := f.known.find(at, index); i >= 0 {
		f.leaves = append(f.leaves, leaf{at: list, piece: f.known.pieces[i], kept: i + 1})
		return nil
	}
	if f.inner == nil {
		f.inner = newFlattener(f.nullAsText)
		f.inner.texts = f.texts
	}
	p := &piece{element: true, place: at, index: index}
	if err := f.inner.takeApart(raw, list, f.depth, p); err != nil {
		return err
	}
	f.leaves = append(f.leaves, leaf{at: list, piece: p})
	return nil
}

// takeApart fills a piece from its text.
func (f *flattener) takeApart(raw jsontext.Value, list *level, depth int, p *piece) error {
	f.in.Reset(bytes.NewBuffer(raw), lenient...)
	f.depth, f.leaves = depth, f.leaves[:0]
	at := &level{up: list, name: f.texts.one(strconv.Itoa(p.index))}
	t, err := f.token()
	if err != nil {
		return err
	}
	name, err := f.container(t.Kind(), at)
	if err != nil {
		return err
	}
	if name != "" {
		at.name, p.index = name, named
	}
	p.path = at.full()
	p.take(f.leaves)
	return nil
}

// put adds a leaf; a null becomes one only where that is wanted.
func (f *flattener) put(l leaf, t jsontext.Token) {
	switch t.Kind() {
	case '0':
		l.value = number(f.texts.one(t.String()))
	case 'n':
		if !f.nullAsText {
			return
		}
		l.value = "null"
	case 't':
		l.value = "true"
	case 'f':
		l.value = "false"
	default:
		l.value = f.texts.one(t.String())
	}
	f.leaves = append(f.leaves, l)
}

// number is an integer as it was sent, and any other number as the shortest
// decimal that reads back the same.
func number(n string) string {
	for _, c := range n {
		if c != '-' && (c < '0' || c > '9') {
			if v, err := strconv.ParseFloat(n, 64); err == nil {
				return strconv.FormatFloat(v, 'f', -1, 64)
			}
			break
		}
	}
	return n
}

// failure tells whether the document is rancher-metadata's error, which some
// proxies hand on as a success.
func (f *flattener) failure(root *level) bool {
	said := map[string]string{}
	for _, l := range f.leaves {
		switch {
		case l.at == nil:
		case l.at != root || l.piece != nil || len(said) > 3:
			return false
		default:
			said[l.name] = l.value
		}
	}
	_, code := said["code"]
	_, message := said["message"]
	return code && message && said["type"] == "error" && len(said) == 3
}

// texts hands out one copy of texts that come again and again: names of
// members, states, identities of hosts. It forgets what has not come for long.
type texts [512]string

var textSeed = maphash.MakeSeed()

func (t *texts) one(text string) string {
	known := &t[maphash.String(textSeed, text)%uint64(len(t))]
	if *known != text {
		*known = strings.Clone(text)
	}
	return *known
}

// pairsOf is what leaves become.
func pairsOf(leaves []leaf) (pairs []kv.Pair, merged []string) {
	pairs = make([]kv.Pair, 0, len(leaves))
	for _, l := range leaves {
		switch {
		case l.at == nil:
		case l.merged:
			merged = append(merged, l.at.full())
		default:
			pairs = append(pairs, kv.Pair{Key: l.key(), Value: l.value})
		}
	}
	return pairs, merged
}

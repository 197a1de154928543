package formats

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/problem"
)

// checkJSON reads the text once, and a second time to say what is wrong;
// encoding/json refuses more than 10,000 levels and keeps no tree.
func checkJSON(text string) *problem.Problem {
	if p := tooLarge(problem.FormatInvalid, "a JSON text", len(text), maxStream); p != nil {
		return p
	}
	if !utf8.ValidString(text) {
		return invalid("JSON", text, firstInvalid(text), "the text is not UTF-8")
	}
	if json.Valid([]byte(text)) {
		return nil
	}
	var raw json.RawMessage
	return jsonProblem(text, json.Unmarshal([]byte(text), &raw))
}

func jsonProblem(text string, err error) *problem.Problem {
	if err == nil {
		return nil
	}
	offset := len(text)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(int(syntax.Offset)-1, 0)
		if strings.Contains(syntax.Error(), "unexpected end") {
			offset = len(text)
		}
	}
	return invalid("JSON", text, offset, err.Error())
}

func firstInvalid(text string) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// flattenJSON walks the values of a JSON object. The text was checked: what
// encoding/json takes needs no more care than to tell strings, containers and
// the rest apart.
func (f *flattener) flattenJSON(text string) error {
	j := &jsonText{text: text}
	switch j.next() {
	case '{':
		return f.jsonObject(j, "")
	case 'n': // null, an empty document
		return nil
	}
	return errNotMapping
}

func (f *flattener) jsonObject(j *jsonText, at string) error {
	j.pos++
	for j.next() != '}' {
		key, err := j.string()
		if err != nil {
			return err
		}
		j.next() // the colon
		j.pos++
		if err := f.jsonValue(j, join(at, key)); err != nil {
			return err
		}
		if j.next() == ',' {
			j.pos++
		}
	}
	j.pos++
	return nil
}

func (f *flattener) jsonArray(j *jsonText, at string) error {
	j.pos++
	for i := 0; j.next() != ']'; i++ {
		if err := f.jsonValue(j, join(at, strconv.Itoa(i))); err != nil {
			return err
		}
		if j.next() == ',' {
			j.pos++
		}
	}
	j.pos++
	return nil
}

func (f *flattener) jsonValue(j *jsonText, at string) error {
	if err := f.enter(at); err != nil {
		return err
	}
	defer f.leave()
	switch j.next() {
	case '{':
		return f.jsonObject(j, at)
	case '[':
		return f.jsonArray(j, at)
	case '"':
		text, err := j.string()
		if err != nil {
			return err
		}
		return f.put(at, text)
	case 't', 'f':
		return f.put(at, strings.Clone(j.word()))
	case 'n':
		j.word()
		return nil // null leaves no key
	}
	text, _ := scalar(strings.Clone(j.word()))
	return f.put(at, text)
}

// jsonText is a place in a valid JSON text.
type jsonText struct {
	text string
	pos  int
}

// next is the next byte that is no blank; 0 at the end.
func (j *jsonText) next() byte {
	for ; j.pos < len(j.text); j.pos++ {
		switch c := j.text[j.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// word passes a number, true, false or null.
func (j *jsonText) word() string {
	rest := j.text[j.pos:]
	if end := strings.IndexAny(rest, " \t\r\n,]}"); end >= 0 {
		rest = rest[:end]
	}
	j.pos += len(rest)
	return rest
}

// string passes a string. One with escapes is left to encoding/json.
func (j *jsonText) string() (string, error) {
	from, plain := j.pos, true
	for j.pos++; j.text[j.pos] != '"'; j.pos++ {
		if j.text[j.pos] == '\\' {
			plain = false
			j.pos++
		}
	}
	j.pos++
	quoted := j.text[from:j.pos]
	if plain {
		return strings.Clone(quoted[1 : len(quoted)-1]), nil
	}
	var text string
	err := json.Unmarshal([]byte(quoted), &text)
	return text, err
}

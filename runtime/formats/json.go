package formats

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/problem"
)

// checkJSON reads the text once; encoding/json refuses more than 10,000 levels
// and keeps no tree.
func checkJSON(text string) *problem.Problem {
	if p := tooLarge(problem.FormatInvalid, "a JSON text", len(text), maxStream); p != nil {
		return p
	}
	if i := firstInvalid(text); i >= 0 {
		return invalid("JSON", text, i, "the text is not UTF-8")
	}
	var raw json.RawMessage
	err := json.Unmarshal([]byte(text), &raw)
	return jsonProblem(text, err)
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

// flattenJSON walks the tokens of a JSON object. The text was checked.
func (f *flattener) flattenJSON(text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok == nil { // null, an empty document
		return nil
	}
	if tok != json.Delim('{') {
		return errNotMapping
	}
	return f.jsonObject(dec, "")
}

func (f *flattener) jsonObject(dec *json.Decoder, at string) error {
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if err := f.jsonValue(dec, join(at, key.(string))); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func (f *flattener) jsonArray(dec *json.Decoder, at string) error {
	for i := 0; dec.More(); i++ {
		if err := f.jsonValue(dec, join(at, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func (f *flattener) jsonValue(dec *json.Decoder, at string) error {
	if err := f.enter(at); err != nil {
		return err
	}
	defer f.leave()
	tok, err := dec.Token()
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	switch v := tok.(type) {
	case json.Delim:
		if v == '{' {
			return f.jsonObject(dec, at)
		}
		return f.jsonArray(dec, at)
	case string:
		return f.put(at, v)
	case bool:
		return f.put(at, strconv.FormatBool(v))
	case json.Number:
		text, _ := scalar(v.String())
		return f.put(at, text)
	}
	return nil // null leaves no key
}

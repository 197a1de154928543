package funcs

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

var encodings = []Function{{
	Name: "json", Usage: "json TEXT", Since: confd,
	Doc: "The map that a JSON object spells. `null` is an empty map; anything else is an error.",
	Code: func(r *Run) any {
		return func(s string) (map[string]any, error) {
			v, err := r.decode(s)
			if err != nil || v == nil {
				return nil, err
			}
			if m, ok := v.(map[string]any); ok {
				return m, nil
			}
			return nil, fmt.Errorf("json: cannot unmarshal %s into a map", kind(v))
		}
	},
	Examples: []Example{{
		Keys:     map[string]string{"/db": `{"host": "db1", "port": 5432, "limit": 12345678}`},
		Template: `{{$db := json (getv "/db")}}{{$db.host}}:{{$db.port}} {{$db.limit}}`, Output: "db1:5432 12345678",
	}},
}, {
	Name: "jsonArray", Usage: "jsonArray TEXT", Since: confd,
	Doc: "The list that a JSON array spells. `null` is an empty list; anything else is an error.",
	Code: func(r *Run) any {
		return func(s string) ([]any, error) {
			v, err := r.decode(s)
			if err != nil || v == nil {
				return nil, err
			}
			if l, ok := v.([]any); ok {
				return l, nil
			}
			return nil, fmt.Errorf("json: cannot unmarshal %s into a list", kind(v))
		}
	},
	Examples: []Example{{
		Keys:     map[string]string{"/hosts": `["a", "b"]`},
		Template: `{{range jsonArray (getv "/hosts")}}{{.}};{{end}}`, Output: "a;b;",
	}},
}, {
	Name: "fromJson", Usage: "fromJson TEXT", Since: fork,
	Doc: "The value that any JSON document spells.", Code: func(r *Run) any { return r.decode },
	Examples: []Example{{Template: `{{(index (fromJson "[{\"a\": 1.5}]") 0).a}}`, Output: "1.5"}},
}, {
	Name: "toJson", Usage: "toJson VALUE", Since: fork,
	Doc:      "The value as JSON on one line. `<`, `>` and `&` are escaped, as Go does.",
	Code:     func(r *Run) any { return func(v any) (string, error) { return r.encode(v, "") } },
	Examples: []Example{{Template: `{{toJson (dict "b" (list 1 "x") "a" 12345678)}}`, Output: `{"a":12345678,"b":[1,"x"]}`}},
}, {
	Name: "toPrettyJson", Usage: "toPrettyJson VALUE", Since: fork,
	Doc:      "The value as JSON on several lines, indented by two spaces.",
	Code:     func(r *Run) any { return func(v any) (string, error) { return r.encode(v, "  ") } },
	Examples: []Example{{Template: `{{toPrettyJson (dict "a" 1)}}`, Output: "{\n  \"a\": 1\n}"}},
}, {
	Name: "base64Encode", Usage: "base64Encode TEXT", Since: confd,
	Doc: "The text in base64: the standard alphabet, with padding.",
	Code: func(r *Run) any {
		return func(s string) (string, error) {
			if err := r.Budget.Make(4 * (len(s)/3 + 1)); err != nil {
				return "", err
			}
			return base64.StdEncoding.EncodeToString([]byte(s)), nil
		}
	},
	Examples: []Example{{Template: `{{base64Encode "hello"}}`, Output: "aGVsbG8="}},
}, {
	Name: "base64Decode", Usage: "base64Decode TEXT", Since: confd,
	Doc: "The text that base64 spells. Newlines inside are skipped; a missing padding or the alphabet for URLs is an error.",
	Code: func(r *Run) any {
		return func(s string) (string, error) {
			if err := r.Budget.Make(len(s)); err != nil {
				return "", err
			}
			b, err := base64.StdEncoding.DecodeString(s)
			return string(b), err
		}
	},
	Examples: []Example{
		{Template: `{{base64Decode "aGVsbG8="}}`, Output: "hello"},
		{Template: `{{base64Decode "aGVsbG8"}}`, Error: "illegal base64 data"},
	},
}, {
	Name: "sha256sum", Usage: "sha256sum TEXT", Since: fork,
	Doc: "The SHA-256 of a text in hexadecimal digits.",
	Code: func(r *Run) any {
		return func(s string) (string, error) {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:]), r.Budget.Work(1 + len(s)/64)
		}
	},
	Examples: []Example{{Template: `{{sha256sum "abc"}}`, Output: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}},
}}

// decode reads one JSON document.
func (r *Run) decode(s string) (any, error) {
	const perElement = 32
	elements := strings.Count(s, ",") + strings.Count(s, "[") + strings.Count(s, "{")
	if err := r.Budget.Make(plus(len(s), times(perElement, elements))); err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			return nil, fmt.Errorf("invalid JSON at byte %d: more follows the end of the document", d.InputOffset())
		}
		return withNumbers(v)
	}
	var bad *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("unexpected end of JSON input")
	case errors.As(err, &bad): // its text holds a letter of the document
		return nil, fmt.Errorf("invalid JSON at byte %d: invalid character", bad.Offset)
	}
	return nil, errors.New("invalid JSON")
}

// withNumbers puts numbers that templates can use in the place of json.Number.
func withNumbers(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		return number(v)
	case []any:
		for i := range v {
			if v[i], err = withNumbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = withNumbers(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "bool"
	}
	return "number"
}

func (r *Run) encode(v any, indent string) (string, error) {
	sh := r.shapes.measure(v)
	bound := times(6, sh.bytes)
	if indent != "" {
		bound = plus(bound, times(sh.bytes, times(len(indent), sh.depth)))
	}
	if err := r.Budget.Room(bound); err != nil {
		return "", err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("a value of type %T has no JSON form", v)
	}
	s := strings.TrimSuffix(b.String(), "\n")
	return s, r.Budget.Make(len(s))
}

package metadata

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// answer writes a value in the form that the client accepts.
func answer(w http.ResponseWriter, r *http.Request, value any) {
	body, err := marshal(negotiate(r.Header["Accept"]), value)
	if err != nil { // a float that JSON does not have: NaN, infinity
		refuse(w, r, http.StatusInternalServerError, "Error serializing to JSON: "+err.Error())
		return
	}
	if len(body) > 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write(body)
	}
}

// refuse writes an error in the form that the client accepts.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	body := []byte(message)
	if f := negotiate(r.Header["Accept"]); f != formText {
		body, _ = marshal(f, map[string]any{"code": int64(status), "message": message, "type": "error"})
	}
	http.Error(w, string(body), status)
}

func marshal(f form, value any) ([]byte, error) {
	switch f {
	case formJSON:
		return json.Marshal(value)
	case formYAML:
		return marshalYAML(value), nil
	}
	return appendText(nil, value), nil
}

// appendText writes a scalar as it is, and the children of a map or list one
// per line, with a slash where there are more below.
func appendText(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return append(b, v...)
	case float64:
		return append(b, textFloat(v)...)
	case map[string]any:
		return appendKeys(b, v)
	case []any:
		return appendElements(b, v)
	case nil:
		return b
	}
	return fmt.Append(b, value)
}

func appendKeys(b []byte, m map[string]any) []byte {
	lines := make([]string, 0, len(m))
	for key, child := range m {
		line := url.QueryEscape(key)
		if isTree(child) {
			line += "/"
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	for _, line := range lines {
		b = append(b, line...)
	}
	return b
}

func appendElements(b []byte, list []any) []byte {
	for i, e := range list {
		b = strconv.AppendInt(b, int64(i), 10)
		if name, ok := elementName(e); ok {
			b = append(append(b, '='), url.QueryEscape(name)...)
		} else if isTree(e) {
			b = append(b, '/')
		}
		b = append(b, '\n')
	}
	return b
}

// elementName is the name of a list's element, or else its uuid.
func elementName(element any) (string, bool) {
	m, _ := element.(map[string]any)
	for _, key := range []string{"name", "uuid"} {
		if name, ok := m[key].(string); ok {
			return name, true
		}
	}
	return "", false
}

// isTree is true also for a list or map that is nil, which JSON shows as null.
func isTree(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// textFloat has at most six decimals: 2.5, 3, and 0 for 0.0000001.
func textFloat(f float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', 6, 64), "0"), ".")
}

func versionPath(version string) string {
	return (&url.URL{Path: "/" + version}).String()
}

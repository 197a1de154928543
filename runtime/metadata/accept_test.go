package metadata

import "testing"

// The cases were put to github.com/golang/gddo/httputil, which the old servers
// use.
func TestNegotiate(t *testing.T) {
	for accept, want := range map[string]form{
		"": formText, "garbage": formText, "*/*": formText, "text/*": formText, "text/html": formText,
		"application/json": formJSON, "application/*": formJSON, "APPLICATION/JSON": formText,
		"application/json; charset=utf-8": formText, "application/json, text/plain": formText,
		"application/yaml": formYAML, "application/x-yaml": formYAML, "text/yaml": formYAML, "text/x-yaml": formYAML,
		"text/plain;q=0.5, application/json": formJSON, "application/json;q=0.5, text/plain": formText,
		"application/json;q=0": formText, "application/json;q=0.30, text/plain;q=0.3": formText,
		"text/html, application/json;q=0.9, */*;q=0.8": formJSON, "*/*;q=0.1, application/json;q=0.1": formJSON,
		"application/yaml;q=0.5, application/*;q=0.5": formYAML, "text/*;q=0.5, application/json;q=0.5": formJSON,
		"application/json ;q=0.5 ,\ttext/yaml; q=0.50": formJSON, "application/json;level=1, text/yaml": formText,
		"application/json,": formJSON, "application/json;q=2, text/yaml": formText, "text/yaml, application/json;q=x": formYAML,
		";q=1": formText, "application/json;q=1.5, text/plain": formJSON,
	} {
		if got := negotiate([]string{accept}); got != want {
			t.Errorf("%q: %d, want %d", accept, got, want)
		}
	}
	if got := negotiate([]string{"text/html", "application/json"}); got != formJSON {
		t.Errorf("two headers: %d", got)
	}
}

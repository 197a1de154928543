package metadata

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

// Whatever the answers file says, the server says no or serves all of it in
// all forms.
func FuzzAnswers(f *testing.F) {
	for _, name := range []string{"testdata/galera.yml", "testdata/galera.objects.jsonl"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
		f.Add(packed(string(text)))
	}
	f.Add("latest: &a {default: {self: [{name: ~}, {name: 5, uuid: u}, {}], x: *a}}")
	f.Add(packed(`{"metadata_kind":"defaultData","self":{"host":{"uuid":[]}}} {"metadata_kind":"environment","self":1}`))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 || strings.Count(text, "*") > 20 {
			return // aliases multiply
		}
		for _, file := range []string{text, packed(text)} {
			a, err := parseAnswers("", []byte(file))
			if err != nil {
				continue
			}
			for _, clients := range a {
				for _, tree := range clients {
					for _, form := range []form{formText, formJSON, formYAML} {
						if _, err := marshal(form, tree); err != nil && !strings.Contains(err.Error(), "unsupported value") {
							t.Fatal(err)
						}
					}
				}
			}
		}
	})
}

// Whatever a client asks, it gets an answer, and never another version's.
func FuzzRequest(f *testing.F) {
	text, err := os.ReadFile("testdata/galera.yml")
	if err != nil {
		f.Fatal(err)
	}
	a, err := parseAnswers("", text)
	if err != nil {
		f.Fatal(err)
	}
	s := New(Options{XFF: true})
	s.world.Store(newWorld(a))
	f.Add("/latest/self/service", "", "application/json", "10.42.0.11")
	f.Add("/latest//x/../version", "a=b", "text/yaml;q=0.5, */*;q=0.1", "")
	f.Add("/latest/services/nginx/metadata/upstreams/%2B1", "wait=true&value=x&maxWait=-1", ";q=", "default")
	f.Add("/2015-07-25%2Fversion", "wait=true", "a/b;q=1.x", "::1")
	f.Fuzz(func(t *testing.T, path, query, accept, client string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		u.RawQuery = query + "&maxWait=-1"
		if values := u.Query(); values.Get("maxWait") != "-1" {
			return // would wait
		}
		r := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"Accept": {accept}, "X-Forwarded-For": {client}}}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK, http.StatusMovedPermanently, http.StatusNotFound:
		default:
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	})
}

package metadata

import (
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/formats"
)

// tree is the default tree of the version latest.
func tree(t *testing.T, text string) any {
	t.Helper()
	a, err := parseAnswers("answers.yml", []byte("latest: {default: "+text+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return a["latest"]["default"]
}

func TestScalars(t *testing.T) {
	for text, want := range map[string]any{
		"yes": true, "y": true, "On": true, "off": false, "N": false, "nO": "nO",
		"'yes'": "yes", `"y"`: "y", "!!str yes": "yes", "!!bool yes": true,
		"~": nil, "null": nil, "''": "", "nil": "nil",
		"010": int64(8), "0x1F": int64(31), "0b11": int64(3), "1_000": int64(1000), "-7": int64(-7), "+5": int64(5),
		"08": 8.0, "18446744073709551615": uint64(math.MaxUint64), "18446744073709551616": 18446744073709551616.0,
		"1e3": 1000.0, ".5": 0.5, "3.0": 3.0, ".inf": math.Inf(1), "-.INF": math.Inf(-1),
		"2016-07-29": "2016-07-29", "1:30": "1:30", "1.5.2": "1.5.2", "<<": "<<", "!!binary aGk=": "hi",
		"!!int '5'": int64(5), "!own 5": "5",
	} {
		if got := tree(t, "{v: "+text+"}").(map[string]any)["v"]; got != want {
			t.Errorf("%s: %T %v, want %T %v", text, got, got, want, want)
		}
	}
}

func TestMappings(t *testing.T) {
	for text, want := range map[string]string{
		"{yes: 1, 5: 2, ~: 3, 1.5: 4}":                `{"1.5":4,"5":2,"yes":1,"~":3}`,
		"{a: 1, a: 2}":                                `{"a":2}`,
		"{x: &x {a: 1, b: 2}, y: {b: 3, <<: *x}}":     `{"x":{"a":1,"b":2},"y":{"a":1,"b":3}}`,
		"{x: &x {a: 1}, y: {<<: [{a: 0, c: 4}, *x]}}": `{"x":{"a":1},"y":{"a":0,"c":4}}`,
		"[&x [1], *x]":                                `[[1],[1]]`,
		"{&k a: 1, b: *k}":                            `{"a":1,"b":"a"}`,
	} {
		if got, _ := json.Marshal(tree(t, text)); string(got) != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// JSON and YAML readers agree about JSON.
func TestJSONIsReadAsYAML(t *testing.T) {
	const text = `{"latest": {"default": {"i": 42, "u": 18446744073709551615, "f": 3.0, "e": 1e21, "s": "a\u00e9", "n": null, "l": [true, "yes", {}]}}}`
	fast, err := parseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	slow, err := formats.Tree("", []byte(text), plainValue)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fast, slow) {
		t.Errorf("JSON %v, YAML %v", fast, slow)
	}
}

func TestBadAnswers(t *testing.T) {
	for text, want := range map[string]string{
		"- a":                                 "answers.yml: the file must be a mapping of versions",
		"latest: secret":                      `answers.yml: version "latest" must be a mapping of clients`,
		"latest:\n  default: {}\n  x: [}":     "did not find expected node content",
		"{\"latest\": {}}}":                   "did not find expected <document start>",
		"latest: *gone":                       "unknown anchor 'gone'",
		"latest: &x\n  a: *x":                 `answers.yml:1:9: anchor "x" contains itself`,
		"latest: {[a]: b}":                    "answers.yml:1:10: a key must be a scalar",
		"latest:\n  <<: secret":               "answers.yml:2:7: only maps can be merged",
		"latest: {a: !!int secret}":           "answers.yml:1:13: the value does not fit its tag !!int",
		"latest: {a: !!binary s!}":            "a binary value must be the base64 of UTF-8 text",
		"latest: {a: !!binary /w==}":          "a binary value must be the base64 of UTF-8 text",
		`{"Version": "1", "Data": "secret!"}`: "Data is not base64",
		`{"version": "1", "data": ""}`:        "Data cannot be used: object 1: unexpected EOF",
		packed(`{"metadata_kind": "host"}`):   "object 1: a host without uuid",
		packed(`{} {"metadata_kind": "service", "uuid": "secret"}`):                 "object 2: a service without name",
		packed(`{"metadata_kind": "container", "uuid": 5}`):                         "object 1: a container without uuid",
		packed(`{"metadata_kind": "serviceLink", "service_uuid": "a", "key": "b"}`): "object 1: a serviceLink without value",
		packed(`{"metadata_kind": "stack"`):                                         "object 1: unexpected EOF",
		packed(`[]`):                                                                "object 1: json: cannot unmarshal array",
	} {
		_, err := parseAnswers("answers.yml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows a value: %v", err)
		}
	}
}

func packed(objects string) string {
	var b strings.Builder
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	w.Write([]byte(objects))
	w.Close()
	return `{"Version": "1", "Data": "` + base64.StdEncoding.EncodeToString([]byte(b.String())) + `"}`
}

func TestEmptyAnswers(t *testing.T) {
	for _, text := range []string{"", "# nothing", "{}", "latest:", "latest: {}", "latest: {default: }"} {
		if _, err := parseAnswers("answers.yml", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnreadableAnswers(t *testing.T) {
	if _, err := readAnswers(t.TempDir()); err == nil || !strings.Contains(err.Error(), "read answers: ") {
		t.Errorf("a directory: %v", err)
	}
	if a, err := readAnswers(filepath.Join(t.TempDir(), "gone")); a != nil || err != nil {
		t.Errorf("no file: %v %v", a, err)
	}
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err := readAnswers(path); a == nil || err != nil {
		t.Errorf("an empty file: %v %v", a, err)
	}
}

// What a delta file leaves out or says in an odd way must not end the server,
// as it did the old one.
func TestDeltaWithHoles(t *testing.T) {
	a, err := parseAnswers("answers.json", []byte(packed(`
		{"metadata_kind":"defaultData","self":{"host":{"uuid":"gone"}}}
		{"metadata_kind":"service","uuid":"s","name":"S","stack_uuid":"gone","sidekicks":[1,"A"]}
		{"metadata_kind":"container","uuid":"c","primary_ip":"10.0.0.1","host_uuid":"gone","ports":null}
		{"metadata_kind":"container","uuid":"d","primary_ip":"10.0.0.2","stack_uuid":"gone","ports":["80:80/tcp",5]}
		{"metadata_kind":"serviceContainerLink","service_uuid":"s","service_name":"s","container_uuid":"c"}
		{"metadata_kind":"serviceContainerLink","service_uuid":"s","service_name":"S","container_uuid":"gone"}
		{"metadata_kind":5}`)))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(a)
	for path, want := range map[string]string{
		"2015-07-25/10.0.0.1/self/service/containers": `[null]`,
		"2015-12-19/10.0.0.1/self/stack":              `null`,
		"2015-12-19/10.0.0.1/self/host":               `null`,
		"2015-12-19/10.0.0.2/self/service":            `{}`,
		"2015-12-19/10.0.0.2/self/container/ports":    `["0.0.0.0:80:80/tcp",5]`,
		"latest/10.0.0.1/self/container/ports":        `null`,
		"latest/10.0.0.1/self/service/sidekicks":      `[1,"a"]`,
		"latest/other/self/host":                      `null`,
		"latest/other/stacks":                         `null`,
	} {
		segments := strings.Split(path, "/")
		value, found := w.lookup(segments[0], segments[1], segments[2:])
		if got, _ := json.Marshal(value); !found || string(got) != want {
			t.Errorf("%s: %v %s, want %s", path, found, got, want)
		}
	}
}

// Each container sees the token of its own service; a list shows a token only
// where no container could be its self.
func TestToken(t *testing.T) {
	a, err := parseAnswers("answers.json", []byte(packed(`
		{"metadata_kind":"service","uuid":"s","name":"S","stack_uuid":"t","token":"own"}
		{"metadata_kind":"service","uuid":"e","name":"E","stack_uuid":"t","token":"all"}
		{"metadata_kind":"container","uuid":"c","primary_ip":"10.0.0.1"}
		{"metadata_kind":"container","uuid":"d","primary_ip":"10.0.0.2"}
		{"metadata_kind":"serviceContainerLink","service_uuid":"s","service_name":"S","container_uuid":"c"}
		{"metadata_kind":"serviceContainerLink","service_uuid":"s","service_name":"S","container_uuid":"d"}`)))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(a)
	for path, want := range map[string]any{
		"10.0.0.1/self/service/token": "own", "10.0.0.2/self/service/token": "own",
		"10.0.0.1/services/s/token": nil, "other/services/s/token": nil, "other/services/e/token": "all",
	} {
		client, path, _ := strings.Cut(path, "/")
		for version := range a {
			if got, found := w.lookup(version, client, strings.Split(path, "/")); !found || got != want {
				t.Errorf("%s %s %s: %v, want %v", version, client, path, got, want)
			}
		}
	}
}

func TestVersionOfADeltaIsNewEachTime(t *testing.T) {
	seen := map[any]bool{}
	for range 3 {
		a, err := parseAnswers("answers.json", []byte(packed("")))
		if err != nil {
			t.Fatal(err)
		}
		id, _ := newWorld(a).lookup("latest", "x", []string{"version"})
		if len(id.(string)) != 36 || seen[id] {
			t.Errorf("version %v", id)
		}
		seen[id] = true
	}
}

func TestLatestIsTheHighestVersion(t *testing.T) {
	a, err := parseAnswers("", []byte("2015-12-19: {default: {v: b}}\n2016-07-29: {default: {v: c}}\n2015-07-25: {default: {v: a}}"))
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := newWorld(a).lookup("latest", "x", []string{"v"}); v != "c" {
		t.Errorf("latest is %v", v)
	}
}

package command_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/command"
)

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{
		"nginx -t -c {{.src}}":              "nginx -t -c /d/.f1",
		"cp {{ .src }} {{\t.dest\n}}":       "cp /d/.f1 /d/f",
		"a  {{- .src -}}  b":                "a/d/.f1b",
		"a {{- .src }} b":                   "a/d/.f1 b",
		"a {{ .src -}} b":                   "a /d/.f1b",
		"{{.src}}{{.src}}":                  "/d/.f1/d/.f1",
		"{{{.src}}}":                        "{/d/.f1}",
		"":                                  "",
		"docker inspect -f '{{.State}}' x":  "docker inspect -f '{{.State}}' x",
		"echo {{.srcs}} {{.src.x}} {{src}}": "echo {{.srcs}} {{.src.x}} {{src}}",
		"{{-.src}} {{.src-}} {{.src":        "{{-.src}} {{.src-}} {{.src",
		"{{ printf .src }} {{. src}}":       "{{ printf .src }} {{. src}}",
		"${x} {a,b} }} {{":                  "${x} {a,b} }} {{",
	} {
		if got := command.Expand(text, "/d/.f1", "/d/f"); got != want {
			t.Errorf("Expand(%q) = %q, want %q", text, got, want)
		}
	}
}

// However odd the path is and wherever the action stands, the shell reads it
// as it is.
func TestExpandForTheShell(t *testing.T) {
	for _, path := range []string{"/a b/it's", `/"$(touch x)"`, "/`id`\\n", "/line\nbreak", "/*?[]~#;&|<>(){}!", "/ü/\xff", "-"} {
		for _, text := range []string{"printf %s {{.src}}", "printf %s '{{.src}}'", `printf %s "{{ .src }}"`, `printf %s ""'' {{.src}} \'\"`} {
			dir := t.TempDir()
			c := exec.Command("/bin/sh", "-c", "PATH=; "+command.Expand(text, path, ""))
			c.Dir = dir
			out, err := c.Output()
			got, _ := strings.CutSuffix(string(out), `'"`)
			if err != nil || got != path {
				t.Errorf("%s with %q: the shell read %q, %v", text, path, got, err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%s with %q made %s", text, path, filepath.Join(dir, left[0].Name()))
			}
		}
	}
}

func TestHasSrc(t *testing.T) {
	for text, want := range map[string]bool{"a {{.src}}": true, "{{- .src }}": true, "{{.dest}}": false, "{{.source}}": false, "": false} {
		if got := command.HasSrc(text); got != want {
			t.Errorf("HasSrc(%q) = %v", text, got)
		}
	}
	if !(command.Command{Argv: []string{"a", "x={{.src}}"}}).HasSrc() {
		t.Error("not seen in a list")
	}
}

var slow = regexp.MustCompile(`(?s)[ \t\r\n]*\{\{-[ \t\r\n]+\.src[ \t\r\n]+-\}\}[ \t\r\n]*|[ \t\r\n]*\{\{-[ \t\r\n]+\.src[ \t\r\n]*\}\}|\{\{[ \t\r\n]*\.src[ \t\r\n]+-\}\}[ \t\r\n]*|\{\{[ \t\r\n]*\.src[ \t\r\n]*\}\}`)

// A regular expression says the same in another way.
func FuzzExpand(f *testing.F) {
	for _, text := range []string{"a {{.src}} b", "{{- .src -}}", "{{{{.src}}}}", "{{ - .src }}", "{{-\n.src }} {{.dest}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, ".dest") {
			command.Expand(text, "/s", "/d")
			return
		}
		want := slow.ReplaceAllString(text, "/s")
		if got := command.Expand(text, "/s", "/d"); got != want {
			t.Errorf("Expand(%q) = %q, want %q", text, got, want)
		}
		if command.HasSrc(text) != slow.MatchString(text) {
			t.Errorf("HasSrc(%q) = %v", text, command.HasSrc(text))
		}
	})
}

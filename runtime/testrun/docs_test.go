package testrun_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/testrun"
)

// Every example of docs/testing.md is run: blocks with a file name make the
// world, the others are cases in it.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var head, output string
	ran := 0
	blocks := regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	for _, b := range blocks {
		info, code := b[1], b[2]
		_, name, isFile := strings.Cut(info, "file=")
		switch {
		case isFile && name == "tests/web_test.toml":
			head, _, _ = strings.Cut(code, "[[case]]")
			fallthrough
		case isFile:
			write(t, name, code)
		case info == "toml cases", info == "toml fails":
			write(t, "tests/web_test.toml", head+code)
		case info == "text output":
			if output != code {
				t.Errorf("the page says\n%s\nand it is\n%s", code, output)
			}
			continue
		default:
			continue
		}
		if head == "" {
			continue
		}
		r, out := run(t, testrun.Options{})
		_, failed, _, broken := r.Counts()
		if ran++; broken > 0 || (failed > 0) != (info == "toml fails") {
			t.Errorf("%s\n%s", code, out)
		}
		output = steady(t, r)
	}
	if ran < 7 {
		t.Errorf("only %d examples ran", ran)
	}
}

// steady is a report whose times are always the same.
func steady(t *testing.T, r *testrun.Report) string {
	var out bytes.Buffer
	if err := (testrun.Pretty{}).Write(&out, r); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)[\d.]+[mµ]?s$`).ReplaceAllString(out.String(), "1ms")
}

// The tables of the page name everything that a file can say.
func TestDocsAreComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range testrun.Names() {
		if !regexp.MustCompile(`(?m)[\x60"\s{]` + regexp.QuoteMeta(name) + `[\x60"\s=,}]`).Match(text) {
			t.Errorf("docs/testing.md does not name %s", name)
		}
	}
}

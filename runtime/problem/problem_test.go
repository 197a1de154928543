package problem_test

import (
	"testing"

	"github.com/wconf/wconf/runtime/problem"
)

func TestDetail(t *testing.T) {
	text := "[template]\nsrc = \"a\"\n\treload_comand = \"x\"\n"
	p := (&problem.Problem{Code: problem.UnknownKey, Msg: `unknown key "reload_comand"`, Len: 13, Hint: `did you mean "reload_cmd"?`}).At("conf.d/a.toml", text, 22)
	want := "conf.d/a.toml:3:2: unknown key \"reload_comand\"\n" +
		"  3 | \treload_comand = \"x\"\n" +
		"    | \t^^^^^^^^^^^^^ did you mean \"reload_cmd\"?"
	if got := p.Detail(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := p.Error(), `conf.d/a.toml:3:2: unknown key "reload_comand" (did you mean "reload_cmd"?)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// No text, place or length makes Detail panic.
func FuzzDetail(f *testing.F) {
	f.Add("a\nb", 1, 2)
	f.Add("\xff\xfe", 1, 900)
	f.Fuzz(func(t *testing.T, text string, offset, length int) {
		p := (&problem.Problem{Msg: "m", Len: length}).At("f", text, offset)
		_ = p.Detail()
	})
}

func TestNearest(t *testing.T) {
	names := []string{"get", "test", "check_cmd", "reload_cmd", "dest", "src", "uid", "gid"}
	for word, want := range map[string]string{
		"reload_comand": "reload_cmd", "tset": "test", "check": "check_cmd", "dst": "dest", "zebra": "", "": "", "UID": "uid",
	} {
		if got := problem.Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

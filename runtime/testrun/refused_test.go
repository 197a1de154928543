package testrun_test

import (
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/testrun"
)

// A file that cannot be meant is refused, at the place of the mistake, and is
// never half run.
func TestRefused(t *testing.T) {
	world(t, "nginx.txtar")
	const one = head + "[[case]]\nname = \"x\"\n"
	for name, c := range map[string]struct{ test, want string }{
		"not TOML":          {"format = \n", "x_test.toml:1:"},
		"no format":         {"name = \"x\"\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "begins with format = 1"},
		"no resource":       {"format = 1\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "nothing is tested"},
		"two resources":     {"format = 1\nresource = \"a\"\ntemplate = { src = \"a\" }\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "two resources"},
		"missing resource":  {"format = 1\nresource = \"../conf.d/ngnix.toml\"\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "there is no conf.d/ngnix.toml"},
		"no case":           {head, "no [[case]]"},
		"unknown key":       {one + "expcet = { empty = true }\n", `did you mean "expect"?`},
		"unknown expect":    {one + "expect = { contians = [\"x\"] }\n", `did you mean "contains"?`},
		"not supported":     {one + "limits = { time = \"1s\" }\nexpect = { empty = true }\n", `unknown key "limits"`},
		"wrong type":        {one + "expect = { contains = \"x\" }\n", `"contains" must be a list, not a string`},
		"expects nothing":   {one, "the case expects nothing"},
		"empty expect":      {one + "expect = {}\n", "expects nothing"},
		"empty list":        {one + "expect = { contains = [] }\n", `"contains" is empty and expects nothing`},
		"empty text":        {one + "expect = { contains = [\"\"] }\n", "is in every text"},
		"empty guest":       {one + "expect = { guest = {} }\n", "expects nothing"},
		"any error":         {one + "expect = { error = { at = \"x:1\" } }\n", "any error would do"},
		"error code":        {one + "expect = { error = { code = \"key-mising\" } }\n", `did you mean "key-missing"?`},
		"reload":            {one + "expect = { reload = \"nwo\" }\n", `did you mean "now"?`},
		"do":                {one + "step = [{ do = \"guest-update\", expect = { written = true } }]\n", `"guest-update" is not supported here`},
		"text":              {one + "step = [{ do = \"edit-dest\", expect = { written = true } }]\n", "text is the new content"},
		"two starts":        {one + "step = [{ do = \"start\" }, { do = \"start\", expect = { written = true } }]\n", "has started"},
		"tick before start": {one + "step = [{ do = \"tick\" }, { do = \"start\", expect = { written = true } }]\n", "nothing runs before start"},
		"backwards":         {one + "step = [{ after = \"-1s\", expect = { written = true } }]\n", "time does not run backwards"},
		"regex":             {one + "expect = { regex = [\"(\"] }\n", "missing closing )"},
		"line":              {one + "expect = { line = { 0 = \"x\" } }\n", "no number of a line"},
		"mode":              {one + "expect = { mode = \"rw\" }\n", "a mode is octal"},
		"key":               {one + "set = { \"a//b\" = \"x\" }\nexpect = { empty = true }\n", "is not a clean key"},
		"matrix":            {one + "matrix = { a = [\"1\", \"2\"] }\nexpect = { empty = true }\n", "nothing in the case says {a}"},
		"stub":              {one + "stub = { chek_cmd = { exit = 1 } }\nexpect = { empty = true }\n", `did you mean "check_cmd"?`},
		"run reload":        {one + "run = [\"reload_cmd\"]\nexpect = { empty = true }\n", "never runs the real reload_cmd"},
		"unchecked":         {"unchecked = [\"no-vlaue\"]\n" + one + "expect = { empty = true }\n", `did you mean "no-value"?`},
		"same name":         {one + "expect = { empty = true }\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "has this name, too"},
		"no name":           {head + "[[case]]\nexpect = { empty = true }\n", "a case needs a name"},
		"fixture":           {strings.Replace(one, "[fixture]", "[fixture]\nyaml = [\"none.yaml\"]", 1) + "expect = { empty = true }\n", "none.yaml: no such file"},
		"host":              {strings.Replace(one, "[fixture]", "[fixture]\nhost = \"a\"", 1) + "expect = { empty = true }\n", "there is no rancher"},
		"in place":          {"format = 1\n[template]\nsrc = \"nginx.conf.tmpl\"\ndest = \"/x\"\nkesy = [\"/\"]\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "x_test.toml:5:1: unknown key \"kesy\""},
		"in place, no dest": {"format = 1\n[template]\nsrc = \"nginx.conf.tmpl\"\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "x_test.toml:2:"},
		"no such command":   {"format = 1\n[template]\nsrc = \"nginx.conf.tmpl\"\ndest = \"/x\"\n[[case]]\nname = \"x\"\nstub = { check_cmd = { exit = 1 } }\nexpect = { empty = true }\n", "the resource has no check_cmd"},
		"template":          {"format = 1\n[template]\nsrc = \"none.tmpl\"\ndest = \"/x\"\n[[case]]\nname = \"x\"\nexpect = { empty = true }\n", "missing template"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "tests/x_test.toml", c.test)
			r, out := run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
			counts(t, r, out, 0, 0, 0, 1)
			says(t, out, c.want)
			if r.Exit() != 3 {
				t.Errorf("exit %d", r.Exit())
			}
		})
	}
}

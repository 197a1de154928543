package engine_test

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// written is a template or a script, and the same by hand.
type written struct {
	text string
	twin func(n *naive) string
}

// twins are templates that use every store function, and read what depends on
// keys.
var twins = []written{
	{`{{getv "/a/x" "none"}}`, func(n *naive) string { return n.or("/a/x", "none") }},
	{`{{getv "/a/z"}}`, func(n *naive) string { return n.must("/a/z") }},
	{`{{if exists "/a/y"}}{{getv "/a/y"}}{{else}}no{{end}}`, func(n *naive) string {
		if n.exists("/a/y") {
			return n.must("/a/y")
		}
		return "no"
	}},
	{`{{exists "/b"}} {{exists "/b/2"}}`, func(n *naive) string { return fmt.Sprint(n.exists("/b"), " ", n.exists("/b/2")) }},
	{`{{range gets "/a/*"}}{{.Key}}={{.Value}} {{end}}`, func(n *naive) string { return listed(n.gets("/a/*")) }},
	{`{{getvs "/b/*/n"}}`, func(n *naive) string { return fmt.Sprint(values(n.gets("/b/*/n"))) }},
	{`{{range ls "/b"}}{{.}}:{{ls (printf "/b/%s" .)}} {{end}}`, func(n *naive) string { return nested(n.ls, n.ls) }},
	{`{{range lsdir "/b"}}{{.}}:{{lsdir (printf "/b/%s" .)}} {{end}}`, func(n *naive) string { return nested(n.lsdir, n.lsdir) }},
	{`{{lsdir "/"}}`, func(n *naive) string { return fmt.Sprint(n.lsdir("/")) }},
	{`{{ls "/"}} {{ls "/b/2/"}}`, func(n *naive) string { return fmt.Sprint(n.ls("/"), n.ls("/b/2/")) }},
	{`{{with get "/switch"}}{{getv (printf "/a/%s" .Value) "?"}}{{end}}`, func(n *naive) string { return n.or("/a/"+n.must("/switch"), "?") }},
	{`{{getv (getv "/pointer" "/a/x") "dangling"}}`, func(n *naive) string { return n.or(n.or("/pointer", "/a/x"), "dangling") }},
	{`{{getvs "/?/[xyz]"}} {{ls "/a/x"}}`, func(n *naive) string { return fmt.Sprint(values(n.gets("/?/[xyz]")), n.ls("/a/x")) }},
	{`{{if exists "/switch"}}{{getvs "/a/?"}}{{else}}{{lsdir "/d"}}{{end}}`, func(n *naive) string {
		if n.exists("/switch") {
			return fmt.Sprint(values(n.gets("/a/?")))
		}
		return fmt.Sprint(n.lsdir("/d"))
	}},
	{`{{cgetv "/sealed/a"}}`, func(n *naive) string { return open(n.must("/sealed/a")) }},
	{`{{with cget "/sealed/b"}}{{.Key}}={{.Value}}{{end}}`, func(n *naive) string { return "/sealed/b=" + open(n.must("/sealed/b")) }},
	{`{{range cgets "/sealed/*"}}{{.Key}}={{.Value}} {{end}}`, func(n *naive) string { return listed(opened(n.gets("/sealed/*"))) }},
	{`{{cgetvs "/sealed/?"}}`, func(n *naive) string { return fmt.Sprint(values(opened(n.gets("/sealed/?")))) }},
}

// scripts do the same.
var scripts = []written{
	{`[getv("/a/x", "none"), exists("/b/2"), ls("/b"), lsdir("/b"), getvs("/b/*/n")].join("|")`, func(n *naive) string {
		return strings.Join([]string{
			n.or("/a/x", "none"), fmt.Sprint(n.exists("/b/2")), strings.Join(n.ls("/b"), ","), strings.Join(n.lsdir("/b"), ","), strings.Join(values(n.gets("/b/*/n")), ","),
		}, "|")
	}},
	{`gets("/a/*").map(p => p.key + "=" + p.value + " ").join("") + (exists("/switch") ? getv("/pointer", "-") : lsdir("/").join())`, func(n *naive) string {
		out := listed(n.gets("/a/*"))
		if n.exists("/switch") {
			return out + n.or("/pointer", "-")
		}
		return out + strings.Join(n.lsdir("/"), ",")
	}},
}

func listed(pairs []kv.Pair) (out string) {
	for _, p := range pairs {
		out += p.Key + "=" + p.Value + " "
	}
	return out
}

func nested(outer, inner func(string) []string) (out string) {
	for _, name := range outer("/b") {
		out += fmt.Sprint(name, ":", inner("/b/"+name), " ")
	}
	return out
}

// scopes are prefix and keys of resources, and what these grant, in full.
var scopes = []struct {
	prefix string
	keys   []string
	grants []string
	// twice tells that a listing finds several grants under one name. Each of
	// them may wake it, though the name stays.
	twice bool
}{
	{"", []string{"/"}, []string{""}, false},
	{"/p", []string{"/"}, []string{"/p"}, false},
	{"", []string{"/a", "/b/2", "/pointer"}, []string{"/a", "/b/2", "/pointer"}, false}, // listings lie above what is granted
	{"/p", []string{"/b/2/n", "/b/3", "/switch", "/d/e/f", "/sealed"}, []string{"/p/b/2/n", "/p/b/3", "/p/switch", "/p/d/e/f", "/p/sealed"}, true},
	{"/p/a", []string{"/"}, []string{"/p/a"}, false},
}

// vault is sealed values, and what they hold.
var vault = map[string]string{}

// ring has the keys of vault.
var ring = sync.OnceValues(func() (*funcs.Keyring, error) {
	for f := range funcs.All() {
		if f.Name == "cgetv" {
			vault[f.Examples[0].Keys["/db/password/a"]], vault[f.Examples[0].Keys["/db/password/b"]] = "s3cret", "hunter2"
		}
	}
	file, err := os.Open("../render/gotmpl/testdata/secring.asc")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return funcs.ReadKeyring(file)
})

package guests

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// starters hold the first files of new guests: those of any language, of those
// that are compiled, and of each. @NAME@ stands for the guest's name, also in the names of files; an
// ending .txt hides a file from the tools of its language.
//
//go:embed new sdk/c/wconf.h sdk/rust/wconf.rs sdk/js/wconf.d.ts
var starters embed.FS

// language is what new guests in one language differ in.
type language struct {
	roots  []string // folders of starters
	sdk    string   // the file that goes beside the source; Go's is a package, see new/go
	source string   // ends the name of the resource's source
	guest  string   // what the tests expect of it
}

var languages = map[string]language{
	"c":    {[]string{"any", "compiled", "c"}, "sdk/c/wconf.h", ".wasm", "{ fuel_max = 20000, denied = [] }"},
	"go":   {[]string{"any", "compiled", "go"}, "", ".wasm", "{ fuel_max = 20000000, denied = [] }"},
	"js":   {[]string{"any", "js"}, "sdk/js/wconf.d.ts", ".js", "{ denied = [] }"},
	"rust": {[]string{"any", "compiled", "rust"}, "sdk/rust/wconf.rs", ".wasm", "{ fuel_max = 200000, denied = [] }"},
}

// Compiled tells whether guests in a language have to be built.
func Compiled(name string) bool { return languages[name].source == ".wasm" }

// Languages are the languages that New knows.
func Languages() []string {
	var names []string
	for name := range languages {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// New is the files of a new guest by their paths below its folder, which is a
// configuration directory of its own: source, SDK, manifest, resource, keys and
// a test. The name must serve as that of a file, a key and a Go module.
func New(name, lang string) (map[string][]byte, error) {
	l, ok := languages[lang]
	if !ok {
		return nil, fmt.Errorf("no starter in %q", lang)
	}
	fill := strings.NewReplacer("@NAME@", name, "@SOURCE@", name+l.source, "@GUEST@", l.guest)
	files := map[string][]byte{}
	for _, root := range l.roots {
		root = "new/" + root
		err := fs.WalkDir(starters, root, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := starters.ReadFile(file)
			place := strings.TrimSuffix(strings.TrimPrefix(file, root+"/"), ".txt")
			files[fill.Replace(place)] = []byte(fill.Replace(string(text)))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if l.sdk != "" {
		text, err := starters.ReadFile(l.sdk)
		if err != nil {
			return nil, err
		}
		beside := "src/"
		if !Compiled(lang) {
			beside = "templates/"
		}
		files[beside+path.Base(l.sdk)] = text
	}
	return files, nil
}

package guests

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// starters hold the first files of new guests: those of any language, and those
// of each. @NAME@ stands for the guest's name, also in the names of files; an
// ending .txt hides a file from the tools of its language.
//
//go:embed new sdk/c/wconf.h sdk/rust/wconf.rs
var starters embed.FS

// languages are those that a new guest can be written in: which SDK file goes
// beside its source, and how much fuel its tests grant.
var languages = map[string]struct{ sdk, fuel string }{
	"c":    {"sdk/c/wconf.h", "20000"},
	"go":   {"", "20000000"}, // its SDK is a package, see new/go/src/wconf
	"rust": {"sdk/rust/wconf.rs", "200000"},
}

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
func New(name, language string) (map[string][]byte, error) {
	l, ok := languages[language]
	if !ok {
		return nil, fmt.Errorf("no starter in %q", language)
	}
	fill := strings.NewReplacer("@NAME@", name, "@FUEL@", l.fuel)
	files := map[string][]byte{}
	for _, root := range []string{"new/any", "new/" + language} {
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
		files["src/"+path.Base(l.sdk)] = text
	}
	return files, nil
}

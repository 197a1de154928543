package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/wconf/wconf/runtime/problem"
)

// yamlWord is a value of YAML that confd's reader takes for true or false, and
// that stands without quotes: behind a colon, or as an element of a list.
var yamlWord = regexp.MustCompile(`(?m)(?:\[[ \t]*|(?:[:,]|^[ \t]*-|-[ \t]+-)[ \t]+)(y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)[ \t\r]*(?:[,\]}]|[ \t]#|$)`)

// maxWords is the largest file of keys that is looked at.
const maxWords = 16 << 20

// yamlWords finds the first such value of each file of keys.
func yamlWords(m *moved) (met []*problem.Problem) {
	for _, path := range m.filesOfKeys() {
		filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				met = append(met, yamlWordsOf(path)...)
			}
			return nil // what cannot be read is not for migrate to say
		})
	}
	return met
}

// filesOfKeys is the files and directories that the file stores read.
func (m *moved) filesOfKeys() (all []string) {
	seen := map[string]bool{}
	add := func(paths []string) {
		for _, path := range paths {
			if !seen[path] {
				seen[path] = true
				all = append(all, path)
			}
		}
	}
	if m.settings.Store.Backend == "file" {
		add(m.settings.Store.Files)
	}
	for _, r := range m.set.Resources {
		if s := m.store(r); s.Backend == "file" {
			add(s.Files)
		}
	}
	return all
}

func yamlWordsOf(path string) []*problem.Problem {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxWords {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	at := yamlWord.FindSubmatchIndex(text)
	if at == nil {
		return nil
	}
	from, to := at[2], at[3]
	msg := fmt.Sprintf("%s stays %[1]s, and so do others like it", text[from:to])
	return []*problem.Problem{(&problem.Problem{Code: problem.Config, Msg: msg, Len: to - from}).At(path, string(text), from)}
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/guests"
	"github.com/wconf/wconf/runtime/problem"
)

func (p *program) guestNewCommand() *cli.Command {
	return &cli.Command{
		Name: "new", Usage: "make a folder with a guest that works: source, SDK, resource, keys and tests", ArgsUsage: "NAME",
		Description: "The folder is a configuration directory of its own. Nothing that is there is overwritten.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "lang", Usage: "the `LANGUAGE` of the source: " + strings.Join(guests.Languages(), ", ")},
			&cli.StringFlag{Name: "dir", Usage: "make this `DIR` instead of one of the guest's name"},
		},
		Action: p.guestNew,
	}
}

// guestName is a name that serves as that of a file, a key and a Go module.
var guestName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_-]*$`) })

func (p *program) guestNew(c *cli.Context) error {
	if err := arity(c, 1, 1); err != nil {
		return err
	}
	name, lang := c.Args().First(), c.String("lang")
	if !guestName().MatchString(name) {
		return &usageError{fmt.Sprintf("%q cannot be the name of a guest", name), "a small letter, then small letters, digits, - and _"}
	}
	if !slices.Contains(guests.Languages(), lang) {
		return unknownLanguage(lang)
	}
	dir := c.String("dir")
	if dir == "" {
		dir = name
	}
	files, err := guests.New(name, lang)
	if err == nil {
		err = lay(dir, files)
	}
	if err != nil {
		return fmt.Errorf("guest new: %w", err)
	}
	p.nextSteps(name, dir, guests.Compiled(lang))
	return nil
}

func (p *program) nextSteps(name, dir string, compiled bool) {
	build, flag := "", ""
	if compiled {
		build, flag = "  wconf guest build\n", " --build ."
	}
	fmt.Fprintf(p.out, "%s is made. Now:\n\n  cd %s\n%s  wconf test\n  wconf render %s --confdir .\n  wconf dev %s --confdir .%s\n",
		dir, dir, build, name, name, flag)
}

func unknownLanguage(lang string) error {
	all := "one of " + strings.Join(guests.Languages(), ", ")
	if lang == "" {
		return &usageError{"guest new needs --lang LANGUAGE", all}
	}
	return &usageError{fmt.Sprintf("--lang %q is no language of new guests", lang), cmp.Or(problem.DidYouMean(lang, guests.Languages()), all)}
}

// lay writes files below a directory that is not there yet, or empty.
func lay(dir string, files map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: nothing was written", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o777); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o666); err != nil {
			return err
		}
	}
	return nil
}

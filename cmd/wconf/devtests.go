package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/testrun"
)

// test plays the tests of the resource.
func (d *workbench) test(ctx context.Context) error {
	var err error
	if d.tests, err = d.testsOf(); err != nil {
		return err
	}
	if len(d.tests) == 0 {
		fmt.Fprintf(d.out, "%-8s none\n", "tests")
		return nil
	}
	report, err := testrun.Run(ctx, testrun.Options{Paths: d.tests, Guests: d.guests})
	if report == nil {
		return err
	}
	if err := (testrun.Pretty{Colour: colour(d.out, d.settings.Color)}).Write(d.out, report); err != nil {
		return err
	}
	if code := report.Exit(); code != exitOK && err == nil {
		return &exit{code: code}
	}
	return err
}

// testsOf are the test files that name the resource, or have its source.
func (d *workbench) testsOf() (paths []string, err error) {
	found, err := testrun.Find(d.testPaths)
	var nothing *testrun.NothingError
	if errors.As(err, &nothing) && len(d.testPaths) == 1 && d.testPaths[0] == d.settings.Confdir {
		return nil, nil
	}
	for _, f := range found {
		if d.tested(f.Path) {
			paths = append(paths, f.Path)
		}
	}
	return slices.Compact(paths), err
}

func (d *workbench) tested(path string) bool {
	file, err := testrun.Load(path)
	if err != nil { // half saved, perhaps
		return filepath.Base(path) == d.name+"_test.toml" || slices.Contains(d.tests, path)
	}
	if file.Resource != "" {
		named := file.Resource
		if !filepath.IsAbs(named) {
			named = filepath.Join(filepath.Dir(path), named)
		}
		return d.isFile(named)
	}
	src, _ := file.Template["src"].(string)
	return src != "" && slices.ContainsFunc(d.files, func(f string) bool { return strings.HasSuffix(f, "/"+src) })
}

// isFile tells whether a path is that of the resource's own file.
func (d *workbench) isFile(path string) bool {
	own := filepath.Join(d.settings.Confdir, "conf.d", strings.TrimSuffix(d.name, ".toml")+".toml")
	if len(d.files) > 0 {
		own = d.files[len(d.files)-1]
	}
	return same(path, own)
}

// Package config reads confd.toml, wconf.toml and conf.d/*.toml into plain
// structs, as confd does and with the place of every mistake.
//
// It promises that one bad file never hides the good ones, that a file which
// was good and is half saved keeps its last good version, and that what confd
// accepts is accepted: unknown keys are warnings here. Options and resource
// fields stand in one table each (Options, Fields); flags, environment, files
// and the reference are made from these.
//
// It opens no store, compiles no condition or template, and looks up no user.
package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// read parses a configuration file. Only regular files are opened: a FIFO
// would wait for ever.
func read(path string) (*formats.Doc, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fileProblem(path, fmt.Errorf("not a regular file"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20)) // formats refuses less than that
	if err != nil {
		return nil, fileProblem(path, err)
	}
	doc, err := formats.Parse(path, text)
	if err != nil {
		return nil, discreet(err)
	}
	return doc, nil
}

func fileProblem(path string, err error) *problem.Problem {
	msg := err
	if pe, ok := err.(*os.PathError); ok {
		msg = pe.Err
	}
	return &problem.Problem{Code: problem.Config, File: path, Msg: msg.Error(), Err: err}
}

// DaemonFile is the daemon's configuration file: the given one, else
// wconf.toml in confdir, else confd.toml there, whether it exists or not.
func DaemonFile(given, confdir string) string {
	if given != "" {
		return given
	}
	own := filepath.Join(confdir, "wconf.toml")
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return filepath.Join(confdir, "confd.toml")
}

// IsResource tells whether -config-file names a resource rather than the
// daemon's configuration: it has a [template] table and is no test. A file
// that cannot be read is neither.
func IsResource(path string) bool {
	doc, err := read(path)
	return err == nil && key(doc, "template") != "" && !isTest(doc)
}

// TemplateDir is where the templates of a resource given by -config-file are:
// in confdir, or, where none is given and the file lies in a conf.d, beside
// that.
func TemplateDir(file, confdir string, given bool) string {
	if dir := filepath.Dir(file); !given && filepath.Base(dir) == "conf.d" {
		return filepath.Join(filepath.Dir(dir), "templates")
	}
	return filepath.Join(confdir, "templates")
}

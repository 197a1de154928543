//go:build unix

package config

import (
	"strings"
	"syscall"
	"testing"
)

func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "conf.d/a.toml", resource("a"))
	link(t, "nowhere", dir+"/conf.d/b.toml")
	if err := syscall.Mkfifo(dir+"/conf.d/c.toml", 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "conf.d/d.toml", strings.Repeat("#\n", 200<<10))
	write(t, dir, "conf.d/e.toml", "\xff\xfe[\x00")
	s := loadSet(t, dir, nil)
	want := "conf.d/b.toml: no such file or directory\nconf.d/c.toml: not a regular file\n" +
		"conf.d/d.toml: a configuration file of 409600 bytes is too large, the limit is 262144\n" +
		"conf.d/e.toml:1:"
	if got := details(dir, s.Problems); names(s) != "a" || !strings.HasPrefix(got, want) {
		t.Errorf("%q\n%s", names(s), got)
	}
}

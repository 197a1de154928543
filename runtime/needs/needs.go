// Package needs says which tests need more than Go. `make test` runs without
// them and counts what it left out; `make check` installs the real parts, sets
// WCONF_CHECK=1, and a part that is still missing is a failure there.
//
// Only tests may import it.
package needs

import (
	"os"
	"os/exec"
	"testing"
)

// Root leaves the test out unless it runs as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		leaveOut(t, "root")
	}
}

// Tool is the path of a program that `make check` installs. The test is left
// out when it is not there.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} { // an ordinary user's PATH lacks them
		if err == nil {
			break
		}
		path, err = exec.LookPath(dir + name)
	}
	if err != nil {
		leaveOut(t, name)
	}
	return path
}

// Check leaves the test out unless `make check` runs it: for tests that are
// too slow, or touch too much of the machine, for `make test`.
func Check(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("WCONF_CHECK") == "" {
		leaveOut(t, why)
	}
}

func leaveOut(t testing.TB, part string) {
	t.Helper()
	if os.Getenv("WCONF_CHECK") != "" {
		t.Fatalf("make check needs %s", part)
	}
	t.Skipf("left out: needs %s", part)
}

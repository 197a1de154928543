// Package machinetest gives a test a machine of its own, so that examples and
// guides run exactly as they are written: as root, with /etc/confd, nginx on
// port 80 and etcd on port 2379, and nothing of it is left behind.
//
// The machine is the real one with private namespaces: /etc, /run, /srv, /var and
// /usr/local are overlays that nobody else sees, the network is a loopback
// interface alone, and every process ends with the test. It needs root.
//
// Only tests may import it.
package machinetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Build builds wconf from this tree, links it as confd, and returns the
// directory of both.
func Build(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	wconf := filepath.Join(dir, "wconf")
	if out, err := exec.Command("go", "build", "-o", wconf, "github.com/wconf/wconf/cmd/wconf").CombinedOutput(); err != nil {
		t.Fatalf("build wconf: %v\n%s", err, out)
	}
	if err := os.Symlink("wconf", filepath.Join(dir, "confd")); err != nil {
		t.Fatal(err)
	}
	return dir
}

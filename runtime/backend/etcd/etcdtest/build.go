package etcdtest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Binary is the path of etcd 3.6, built from source the first time: that takes
// a minute; afterwards it lies in the user's cache directory. The test fails
// when it cannot be built.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatalf("build etcd for the tests: %v", err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	source := filepath.Join(filepath.Dir(here), "..", "etcdserver")
	version, err := digest(source)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "wconf-test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, "etcd.lock")).Lock() // test binaries run side by side
	if err != nil {
		return "", err
	}
	defer unlock()
	path := filepath.Join(dir, "etcd-"+version)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, compile(source, path)
})

func compile(source, path string) error {
	c := exec.Command("go", "build", "-buildvcs=false", "-o", path+".new", ".")
	c.Dir = source
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// digest names one version of the server's source.
func digest(source string) (string, error) {
	h := sha256.New()
	h.Write([]byte(runtime.Version()))
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		b, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

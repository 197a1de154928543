//go:build linux

package machinetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/needs"
)

// inside is set in the process that runs on the machine; it holds the
// directory of the programs under test.
const inside = "WCONF_OWN_MACHINE"

// changes names an empty directory of the test outside, in which the machine
// keeps what is written on it.
const changes = "WCONF_OWN_MACHINE_CHANGES"

// private are the directories that the machine has for itself.
var private = []string{"/etc", "/run", "/srv", "/var", "/usr/local"}

// Machine is the machine of one test.
type Machine struct {
	t   *testing.T
	Dir string // an empty directory
}

// Run plays a test on a machine of its own, which has wconf, built from this
// tree, in its PATH, and confd as another name of it. It is the whole of a
// top-level test: what stands before it runs twice, here and there.
func Run(t *testing.T, play func(m *Machine)) {
	t.Helper()
	needs.Root(t)
	if os.Getenv(inside) == "" {
		outside(t)
		return
	}
	if err := furnish(); err != nil {
		t.Fatalf("prepare the machine: %v", err)
	}
	play(&Machine{t: t, Dir: t.TempDir()})
}

// outside runs the test again, in namespaces of its own.
func outside(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	c.Env = append(os.Environ(), inside+"="+Build(t), changes+"="+t.TempDir(), "LC_ALL=C.UTF-8")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	out, err := c.CombinedOutput()
	text := strings.ReplaceAll(string(out), "--- ", "    ") // its verdict is not ours
	if err != nil {
		t.Fatalf("on a machine of its own: %v\n%s", err, text)
	}
	if testing.Verbose() {
		t.Log(text)
	}
}

// furnish makes the mounts and the network of the machine. Nothing is undone:
// all ends with this process.
func furnish() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("part the mounts: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	room := os.Getenv(changes)
	if err := syscall.Mount("tmpfs", room, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount a place for changes: %w", err)
	}
	for _, dir := range private {
		if err := lay(room, dir); err != nil {
			return fmt.Errorf("overlay %s: %w", dir, err)
		}
	}
	os.Setenv("PATH", os.Getenv(inside)+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") //nolint:errcheck // no NUL
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link set lo up: %w: %s", err, out)
	}
	return os.WriteFile("/etc/hosts", []byte("127.0.0.1 localhost\n"), 0o644)
}

// lay puts an overlay over a directory, whose changes go to the room.
func lay(room, dir string) error {
	name := strings.ReplaceAll(dir, "/", "-")
	upper, work := filepath.Join(room, "upper"+name), filepath.Join(room, "work"+name)
	for _, d := range []string{upper, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	return syscall.Mount("overlay", dir, "overlay", 0, "lowerdir="+dir+",upperdir="+upper+",workdir="+work)
}

// T is the test that runs on the machine.
func (m *Machine) T() *testing.T { return m.t }

// Install copies a directory, as cp -r does.
func (m *Machine) Install(from, to string) {
	m.t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		m.t.Fatalf("install %s: %v", from, err)
	}
}

// Sh runs a script of bash, which must succeed, and returns what it wrote to
// its standard output. What it leaves running goes on.
func (m *Machine) Sh(script string) string {
	m.t.Helper()
	out, errs := m.output(), m.output() // no pipes, which a daemon would keep open
	defer out.Close()
	defer errs.Close()
	c := m.bash(script)
	c.Stdout, c.Stderr = out, errs
	if err := c.Run(); err != nil {
		m.t.Fatalf("%s\n%v\n%s\n%s", script, err, m.Read(out.Name()), m.Read(errs.Name()))
	}
	return m.Read(out.Name())
}

// output is a new file for what a script writes.
func (m *Machine) output() *os.File {
	m.t.Helper()
	f, err := os.CreateTemp(m.t.TempDir(), "output")
	if err != nil {
		m.t.Fatal(err)
	}
	return f
}

// Start runs a script in the background until the machine ends. What it writes
// goes to a file, whose name is returned.
func (m *Machine) Start(script string) (log string) {
	m.t.Helper()
	f := m.output()
	defer f.Close()
	c := m.bash("exec " + script)
	c.Stdout, c.Stderr = f, f
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		if m.t.Failed() {
			m.t.Logf("%s wrote:\n%s", script, m.Read(f.Name()))
		}
	})
	return f.Name()
}

func (m *Machine) bash(script string) *exec.Cmd {
	c := exec.Command("/bin/bash", "-euo", "pipefail", "-c", script)
	c.Dir = m.Dir
	return c
}

// Read is the content of a file, empty where there is none.
func (m *Machine) Read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// Await waits until something has come true.
func (m *Machine) Await(what string, come func() bool) {
	m.t.Helper()
	if !needs.Await(30*time.Second, come) {
		m.t.Fatalf("waited in vain for %s", what)
	}
}

package command_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/needs"
)

// asUser is set in the run of these tests that TestOverlaysAsUser starts.
const asUser = "COMMAND_TEST_AS_USER"

func needsNamespace(t testing.TB) {
	t.Helper()
	if os.Getenv(asUser) == "" {
		needs.Root(t)
	}
}

func write(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// service is a directory with a main file that names two others, and a check
// that reads only the main one: like nginx -t. The two must agree.
func service(t testing.TB) (dir, check string) {
	t.Helper()
	dir = t.TempDir()
	a, b := write(t, filepath.Join(dir, "a.conf"), "port 1\n"), write(t, filepath.Join(dir, "b.conf"), "port 1\n")
	write(t, filepath.Join(dir, "main.conf"), a+"\n"+b+"\n")
	check = fmt.Sprintf(`set -e; set -- $(cat %s/main.conf); grep -q '^port [0-9]*$' $1; cmp $1 $2`, dir)
	return dir, check
}

func TestOverlays(t *testing.T) {
	needsNamespace(t)
	dir, check := service(t)
	made := 0
	over := func(pairs ...string) (all []command.Overlay) {
		for i := 0; i < len(pairs); i += 2 {
			made++
			file := write(t, filepath.Join(dir, fmt.Sprintf(".%s%020d", pairs[i], made)), pairs[i+1])
			all = append(all, command.Overlay{File: file, Over: filepath.Join(dir, pairs[i])})
		}
		return all
	}
	before := tree(t, dir)
	for name, test := range map[string]struct {
		overlays []command.Overlay
		good     bool
	}{
		"nothing new":  {nil, true},
		"bad":          {over("a.conf", "prot 2\n", "b.conf", "prot 2\n"), false},
		"half a pair":  {over("a.conf", "port 2\n"), false},
		"whole a pair": {over("a.conf", "port 2\n", "b.conf", "port 2\n"), true},
	} {
		r, failed := run(t, command.Command{Shell: check, Overlays: test.overlays})
		if (failed == nil) != test.good {
			t.Errorf("%s: %v, %s", name, failed, r.Output)
		}
	}
	for name, content := range tree(t, dir) {
		if was, there := before[name]; there && was != content {
			t.Errorf("%s is now %q", name, content)
		}
	}
}

func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		files[e.Name()] = string(b)
	}
	return files
}

// Nothing stands at the destination yet: the directory shows all that it has,
// and the new file.
func TestOverlayOfAMissingFile(t *testing.T) {
	needsNamespace(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "old"), "old")
	os.Symlink("old", filepath.Join(dir, "link"))
	os.MkdirAll(filepath.Join(dir, "sub", "deep"), 0o755)
	write(t, filepath.Join(dir, "sub", "deep", "f"), "deep")
	os.Chmod(filepath.Join(dir, "old"), 0o604)
	os.Chmod(dir, 0o751)
	staged := write(t, filepath.Join(dir, ".new01234567890123456789"), "new")
	os.Symlink("made", filepath.Join(dir, "dangling"))
	c := command.Command{
		Shell: `cd {{.dest}} && cat new old link sub/deep/f dangling && stat -c %a . old && ls -A && echo hello > written`,
		Dest:  dir,
		Overlays: []command.Overlay{
			{File: staged, Over: filepath.Join(dir, "new")}, {File: staged, Over: filepath.Join(dir, "dangling")},
			{File: staged, Over: filepath.Join(dir, "sub", "new too")}, {File: staged, Over: filepath.Join(dir, "old")},
		},
	}
	r, failed := run(t, c)
	want := "newnewnewdeepnew" + "751\n644\n" + ".new01234567890123456789\ndangling\nlink\nmade\nnew\nold\nsub\n"
	if failed != nil || string(r.Output) != want {
		t.Errorf("%v\n%s\nwant\n%s", failed, r.Output, want)
	}
	if got := tree(t, dir); len(got) != 6 || got["written"] != "hello\n" {
		t.Errorf("outside: %v", got)
	}
	// a relative command sees the covered directory, too
	t.Chdir(dir)
	r, failed = run(t, command.Command{Shell: "cat new", Overlays: []command.Overlay{{File: staged, Over: "new"}}})
	if failed != nil || string(r.Output) != "new" {
		t.Errorf("from inside: %v, %s", failed, r.Output)
	}
}

// What a command makes beside a file that is not there yet stays, as it would
// without an overlay, however the command ends.
func TestOverlayKeepsWhatIsMade(t *testing.T) {
	needsNamespace(t)
	dir := t.TempDir()
	staged := write(t, filepath.Join(dir, ".new01234567890123456789"), "new")
	write(t, filepath.Join(dir, "old"), "old")
	theirs := filepath.Join(dir, "theirs")
	r, err := command.Exec{}.Run(t.Context(), command.Command{
		Shell: `set -e; cd {{.dest}}; umask 027; echo a > made; chmod 4751 made; echo b >> old; mkdir -p deep/er; echo c > deep/er/f
			chmod 711 deep; ln -s /nowhere link; mkfifo fifo; rm .new01234567890123456789 2> /dev/null || true
			echo mine > theirs; touch -d @1000000000 made; exit 3`,
		Dest: dir, Overlays: []command.Overlay{{File: staged, Over: filepath.Join(dir, "new")}},
	})
	if f := new(command.Failed); !errors.As(err, &f) || f.Exit != 3 {
		t.Fatalf("%v: %s", err, r.Output)
	}
	got := tree(t, dir)
	if got["made"] != "a\n" || got["old"] != "oldb\n" || got["theirs"] != "mine\n" || len(got) != 6 {
		t.Errorf("%v", got)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "deep", "er", "f")); string(b) != "c\n" {
		t.Error(err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "link")); to != "/nowhere" {
		t.Error(err)
	}
	for name, want := range map[string]os.FileMode{"made": 0o751 | os.ModeSetuid, "deep": 0o711 | os.ModeDir, "deep/er": 0o750 | os.ModeDir, "deep/er/f": 0o640} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
}

// What others make meanwhile under the same name stays theirs.
func TestOverlayLeavesOthersAlone(t *testing.T) {
	needsNamespace(t)
	dir, flag := t.TempDir(), filepath.Join(t.TempDir(), "flag")
	staged := write(t, filepath.Join(dir, ".new01234567890123456789"), "new")
	done := make(chan error)
	go func() {
		_, err := command.Exec{}.Run(t.Context(), command.Command{
			Shell: `echo mine > {{.dest}}/made; echo ready > {{.src}}.part; mv {{.src}}.part {{.src}}; while test -s {{.src}}; do sleep 0.01; done`,
			Src:   flag, Dest: dir, Timeout: time.Minute, Overlays: []command.Overlay{{File: staged, Over: filepath.Join(dir, "new")}},
		})
		done <- err
	}()
	eventually(t, flag)
	write(t, filepath.Join(dir, "made"), "theirs")
	write(t, flag, "")
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := tree(t, dir); got["made"] != "theirs" || len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// A relative overlay of a file that is not there yet is found although making
// room for it moves about.
func TestOverlayOfARelativePath(t *testing.T) {
	needsNamespace(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("candidate", []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := command.Command{Shell: `test "$(cat dest)" = new`, Overlays: []command.Overlay{{File: "candidate", Over: "dest"}}}
	if _, err := (command.Exec{}).Run(t.Context(), c); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("dest"); err == nil {
		t.Error("it stands outside, too")
	}
}

// While the command runs, nobody else sees its files or mounts, wconf included.
func TestOverlaysArePrivate(t *testing.T) {
	needsNamespace(t)
	dir := t.TempDir()
	dest, staged := write(t, filepath.Join(dir, "f"), "old"), write(t, filepath.Join(dir, ".f"), "new")
	ready := filepath.Join(dir, "ready")
	os.Mkdir(filepath.Join(dir, "sub"), 0o755)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := command.Exec{}.Run(ctx, command.Command{
			Shell: "cat {{.dest}} > {{.src}}.part; mv {{.src}}.part {{.src}}; exec sleep 100", Src: ready, Dest: dest,
			Overlays: []command.Overlay{{File: staged, Over: dest}, {File: staged, Over: filepath.Join(dir, "sub", "new")}},
		})
		done <- err
	}()
	if b := eventually(t, ready); string(b) != "new" {
		t.Errorf("the command saw %q", b)
	}
	if b, _ := os.ReadFile(dest); string(b) != "old" {
		t.Errorf("outside it is %q", b)
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/mountinfo")
	for _, path := range append(tasks, "/proc/1/mountinfo") {
		if mounts, _ := os.ReadFile(path); strings.Contains(string(mounts), dir) {
			t.Errorf("%s knows of %s", path, dir)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A command has no more rights in its namespace than wconf's user has.
func TestOverlaysGiveNoRights(t *testing.T) {
	needsNamespace(t)
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "f"), "x")
	r, failed := run(t, command.Command{Shell: "id -u; grep Cap[PE] /proc/self/status", Overlays: []command.Overlay{{File: file, Over: file}}})
	own, _ := run(t, sh("id -u; grep Cap[PE] /proc/self/status"))
	if failed != nil || string(r.Output) != string(own.Output) {
		t.Errorf("%v: %s, without overlays %s", failed, r.Output, own.Output)
	}
}

func TestOverlayErrors(t *testing.T) {
	needsNamespace(t)
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "f"), "x")
	for name, o := range map[string]command.Overlay{
		"no file": {File: filepath.Join(dir, "none"), Over: file}, "no directory": {File: file, Over: filepath.Join(dir, "none", "f")},
	} {
		_, err := command.Exec{}.Run(context.Background(), command.Command{Shell: "exit 0", Overlays: []command.Overlay{o}})
		if err == nil || errors.Is(err, command.ErrNoNamespace) || !strings.Contains(err.Error(), "none") && !strings.Contains(err.Error(), "no such") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same for an ordinary user, by a user namespace.
func TestOverlaysAsUser(t *testing.T) {
	needs.Root(t)
	const nobody = 65534
	dir, err := os.MkdirTemp("", "command-as-user")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chown(dir, nobody, nobody)
	exe := filepath.Join(dir, "test")
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(exe, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	to.Close()
	c := exec.Command(exe, "-test.run", "TestOverlay|TestSudo", "-test.skip", "AsUser", "-test.v")
	c.Dir = "/"
	c.Env = append(os.Environ(), asUser+"=1", "TMPDIR="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := c.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") < 4 || strings.Contains(string(out), "SKIP") {
		t.Errorf("%v\n%s", err, out)
	}
}

// sudo has no effect in a user namespace: such a check is not run there.
func TestSudo(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "f"), "x")
	_, err := command.Exec{}.Run(context.Background(), command.Command{
		Shell: "true || sudo -n nginx -t", Overlays: []command.Overlay{{File: file, Over: file}},
	})
	if os.Geteuid() != 0 && !errors.Is(err, command.ErrNoNamespace) {
		t.Errorf("got %v", err)
	}
}

// A root without CAP_SYS_ADMIN, as in most containers.
func TestRootWithoutRights(t *testing.T) {
	needs.Root(t)
	c := exec.Command(needs.Tool(t, "setpriv"), "--bounding-set", "-sys_admin", "/proc/self/exe", "-test.run", "TestOverlays$", "-test.v")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.Args[3] = exe
	out, _ := c.CombinedOutput()
	if !strings.Contains(string(out), command.ErrNoNamespace.Error()) {
		t.Errorf("%s", out)
	}
}

func TestNginx(t *testing.T) {
	needs.Root(t)
	nginx := needs.Tool(t, "nginx")
	dir := t.TempDir()
	fragment := write(t, filepath.Join(dir, "upstream.conf"), "upstream app { server 127.0.0.1:80; }\n")
	main := write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(
		"pid %[1]s/pid; error_log %[1]s/log; events {} http { access_log off; include %[1]s/*.conf.d; include %[2]s; }\n", dir, fragment))
	for content, good := range map[string]bool{
		"upstream app { server 127.0.0.1:81; }\n": true,
		"upstream app { sevrer 127.0.0.1:81; }\n": false,
	} {
		staged := write(t, filepath.Join(dir, ".staged"), content)
		for _, over := range []string{fragment, filepath.Join(dir, "new.conf.d")} {
			if over != fragment {
				staged = write(t, filepath.Join(dir, ".staged"), strings.Replace(content, "app", "other", 1))
			}
			r, failed := run(t, command.Command{
				Argv: []string{nginx, "-t", "-q", "-c", main}, Timeout: 10 * time.Second,
				Overlays: []command.Overlay{{File: staged, Over: over}},
			})
			if (failed == nil) != good {
				t.Errorf("%q over %s: %v, %s", content, over, failed, r.Output)
			}
		}
	}
}

func BenchmarkOverlay(b *testing.B) {
	needsNamespace(b)
	dir := b.TempDir()
	file := write(b, filepath.Join(dir, "f"), "x")
	for name, over := range map[string]string{"standing": file, "missing": filepath.Join(dir, "new")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run(b, command.Command{Argv: []string{"/bin/true"}, Overlays: []command.Overlay{{File: file, Over: over}}})
			}
		})
	}
}

package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/examples/machinetest"
	"github.com/wconf/wconf/runtime/metadata"
	"github.com/wconf/wconf/runtime/needs"
)

// sidekick is a wconf that follows a metadata server, and writes what belongs
// below one directory of its example into a temporary one.
type sidekick struct {
	t       *testing.T
	server  *metadata.Server
	answers string
	out     string
	log     string
}

// newSidekick starts the resources of an example whose files live in dir. edits
// are made in its answers first, each an old and a new text.
func newSidekick(t *testing.T, example, dir string, edits ...string) *sidekick {
	t.Helper()
	tmp := t.TempDir()
	s := &sidekick{t: t, answers: filepath.Join(tmp, "answers.yml"), out: filepath.Join(tmp, "out"), log: filepath.Join(tmp, "log")}
	if err := os.CopyFS(tmp, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.out, 0o755); err != nil {
		t.Fatal(err)
	}
	s.resettle(tmp, dir)
	s.edit(s.answers, edits...)
	s.server = serveMetadata(t, s.answers)
	s.start(tmp)
	return s
}

// resettle puts the files of the resources into the temporary directory. A
// resource that writes elsewhere is removed.
func (s *sidekick) resettle(confdir, dir string) {
	s.t.Helper()
	for _, file := range glob(s.t, confdir+"/conf.d/*.toml") {
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), dir) {
			os.Remove(file) //nolint:errcheck // then wconf says so
			continue
		}
		s.edit(file, dir, s.out)
	}
}

func (s *sidekick) start(confdir string) {
	s.t.Helper()
	log, err := os.Create(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	c := exec.Command(filepath.Join(machinetest.Build(s.t), "confd"), "-watch", "-backend", "rancher", "-prefix", "/2015-12-19",
		"-node", s.server.Addr().String(), "-confdir", confdir, "-state-dir", filepath.Join(confdir, "state"))
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		c.Process.Kill() //nolint:errcheck // it may have ended by itself
		c.Wait()         //nolint:errcheck // killed
	})
}

// edit replaces texts in a file; each must be there.
func (s *sidekick) edit(file string, edits ...string) {
	s.t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			s.t.Fatalf("%s has no %q", filepath.Base(file), edits[i])
		}
		text = strings.ReplaceAll(text, edits[i], edits[i+1])
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// change edits the answers and lets the server read them.
func (s *sidekick) change(edits ...string) {
	s.t.Helper()
	s.edit(s.answers, edits...)
	if err := s.server.Reload(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sidekick) file(name string) (text string, there bool) {
	b, err := os.ReadFile(filepath.Join(s.out, name))
	return string(b), err == nil
}

// await waits until a file holds a text.
func (s *sidekick) await(name, part string) {
	s.t.Helper()
	s.awaitIn(filepath.Join(s.out, name), part)
}

func (s *sidekick) awaitIn(path, part string) {
	s.t.Helper()
	var text []byte
	come := func() bool {
		var err error
		text, err = os.ReadFile(path)
		return err == nil && strings.Contains(string(text), part)
	}
	if !needs.Await(30*time.Second, come) {
		log, _ := os.ReadFile(s.log)
		s.t.Fatalf("%s holds %q, not %q\n%s", filepath.Base(path), text, part, log)
	}
}

const otherNodes = "          - &galera-2 {name: db-galera-2, primary_ip: 10.42.0.12, create_index: 2, state: running}\n" +
	"          - &galera-3 {name: db-galera-3, primary_ip: 10.42.0.13, create_index: 3, state: running}\n"

// A fourth node joins: the file of the first names it, until it leaves.
func TestGaleraFollowsItsContainers(t *testing.T) {
	s := newSidekick(t, "galera-rancher", "/etc/mysql/conf.d", "  10.42.0.11:", "  127.0.0.1:")
	s.await("galera.cnf", `gcomm://10.42.0.11,10.42.0.12,10.42.0.13"`)
	fourth := "          - {name: db-galera-4, primary_ip: 10.42.0.14, create_index: 4, state: starting}\n"
	s.change(otherNodes, otherNodes+fourth, `version: "1"`, `version: "2"`)
	s.await("galera.cnf", `gcomm://10.42.0.11,10.42.0.12,10.42.0.13,10.42.0.14"`)
	s.change(otherNodes+fourth, otherNodes, `version: "2"`, `version: "3"`)
	s.await("galera.cnf", `gcomm://10.42.0.11,10.42.0.12,10.42.0.13"`)
}

// The first node makes the cluster while it is alone; with company it joins.
func TestGaleraBeginsAlone(t *testing.T) {
	s := newSidekick(t, "galera-rancher", "/etc/mysql/conf.d", "  10.42.0.11:", "  127.0.0.1:",
		otherNodes, "", "*galera-2", "*galera-1", "*galera-3", "*galera-1")
	s.await("galera.cnf", `gcomm://"`)
}

// The list is written at once, and the sign given when all are there.
func TestMongoGivesTheSignWhenAllAreThere(t *testing.T) {
	third := "          - {name: db-mongo-3, primary_ip: 10.42.0.23, create_index: 3}\n"
	s := newSidekick(t, "mongo-rancher", "/opt/rancher", third, "")
	s.awaitIn(s.log, "written, reload skipped")
	s.await("replset.json", "10.42.0.22")
	if _, there := s.file("replset.ready"); there {
		t.Error("the sign was given for two of three")
	}
	second := "create_index: 2}\n"
	s.change(second, second+third, `version: "1"`, `version: "2"`)
	s.await("replset.json", "10.42.0.23")
	s.await("replset.ready", "")
}

// Metadata that the user did not give is no list of errors.
func TestElasticsearchWithoutPlugins(t *testing.T) {
	s := newSidekick(t, "elasticsearch-rancher", "/opt/rancher", "          plugins: [analysis-icu, repository-s3]\n", "")
	s.await("plugins.txt", "")
	if text, _ := s.file("plugins.txt"); text != "" {
		t.Errorf("plugins.txt holds %q", text)
	}
}

// The master is the oldest by number, not by text, also when it is replaced.
func TestSentinelFindsTheOldest(t *testing.T) {
	s := newSidekick(t, "redis-sentinel-rancher", "/etc/redis")
	s.await("sentinel.seed.conf", "monitor main 10.42.0.42 6379 2")
	s.change("create_index: 2}", "create_index: 11}", `version: "1"`, `version: "2"`)
	s.await("sentinel.seed.conf", "monitor main 10.42.0.43 6379 2")
}

// Package examples_test executes the examples. Each is a whole configuration
// directory, with a store's content beside it: keys.yaml for etcd, answers.yml
// for rancher-metadata.
//
// With Go alone every resource is rendered, by the program, from a real etcd or
// a metadata server. `make check` lets real programs use what was rendered.
package examples_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/examples/machinetest"
	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/metadata"
	"github.com/wconf/wconf/runtime/needs"
)

var update = flag.Bool("update", false, "write the expected files anew")

// identities are the clients of a metadata server whose files differ.
var identities = map[string][]string{
	"galera-rancher": {"10.42.0.11", "10.42.0.12", "10.42.0.13"},
	"wasm-galera":    {"10.42.0.11", "10.42.0.12", "10.42.0.13"},
}

func TestRender(t *testing.T) {
	wconf := filepath.Join(machinetest.Build(t), "wconf")
	etcd := etcdtest.Start(t)
	for _, example := range glob(t, "*/conf.d") {
		example = filepath.Dir(example)
		t.Run(example, func(t *testing.T) {
			for _, s := range stores(t, example, etcd) {
				for _, file := range glob(t, example+"/conf.d/*.toml") {
					name := strings.TrimSuffix(filepath.Base(file), ".toml")
					got := run(t, wconf, append(s.flags, "render", "--confdir", example, name)...)
					compare(t, filepath.Join(example, "tests/golden", name+s.suffix), got)
				}
				run(t, wconf, append(s.flags, "lint", "--confdir", example)...)
			}
		})
	}
}

// Each resource has cases of its own, which wconf test plays.
func TestCases(t *testing.T) {
	out := run(t, filepath.Join(machinetest.Build(t), "wconf"), "test", ".")
	files, cases := glob(t, "*/conf.d/*.toml"), glob(t, "*/tests/*_test.toml")
	if want := fmt.Sprintf("%d files", len(files)); len(cases) != len(files) || !strings.Contains(out, want) {
		t.Errorf("there are %d resources and %d files of cases, and wconf test said\n%s", len(files), len(cases), out)
	}
}

// store is how to call wconf for the keys of an example.
type store struct {
	flags  []string
	suffix string // of the expected file
}

func stores(t *testing.T, example string, etcd *etcdtest.Server) (all []store) {
	if _, err := os.Stat(example + "/keys.yaml"); err == nil {
		fill(t, etcd, example+"/keys.yaml")
		return []store{{flags: []string{"--backend", "etcd", "--node", etcd.Endpoint}}}
	}
	address := serveMetadata(t, example+"/answers.yml").Addr().String()
	flags := []string{"--backend", "rancher", "--node", address, "--prefix", "/2015-12-19"}
	for _, id := range identities[example] {
		all = append(all, store{append([]string{"--identity", id}, flags...), "-" + id})
	}
	if len(all) == 0 {
		all = []store{{flags: flags}}
	}
	return all
}

// fill makes a file of keys the whole content of etcd.
func fill(t *testing.T, etcd *etcdtest.Server, file string) {
	t.Helper()
	etcd.Wipe()
	s, err := runtime.ReadKeys(t.Context(), config.Store{Backend: "file", Files: []string{file}}, slog.New(slog.DiscardHandler), "/")
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range s.Under("/") {
		etcd.Put(key, value)
	}
}

// serveMetadata serves an answers file until the test ends.
func serveMetadata(t *testing.T, answers string) *metadata.Server {
	t.Helper()
	s := metadata.New(metadata.Options{Answers: answers, Listen: "127.0.0.1:0", XFF: true})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-s.Ready():
	case <-needs.Patience(10 * time.Second):
		t.Fatal("the metadata server does not start")
	}
	return s
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil || len(all) == 0 {
		t.Fatalf("nothing is like %s", pattern)
	}
	return all
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	c := exec.Command(program, args...)
	var errs strings.Builder
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		t.Errorf("wconf %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s", golden, got)
	}
}

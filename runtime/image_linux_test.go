package runtime_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/wconf/wconf/runtime/needs"
)

// TestImage packs the program of this tree as `make dist` does, twice, walks
// the image layout by its digests, and, as root, runs what is in it where
// there is nothing else: no shell, no library, no Go.
func TestImage(t *testing.T) {
	program := staticProgram(t)
	first, again := pack(t, program), pack(t, program)
	if a, b := sumsOf(t, first), sumsOf(t, again); a != b || !strings.Contains(a, "image/index.json") {
		t.Fatalf("the same program gave\n%s\nthen\n%s", a, b)
	}
	files := walkImage(t, filepath.Join(first, "image"))
	t.Run("root", func(t *testing.T) {
		needs.Root(t)
		runImage(t, files)
	})
}

// staticProgram builds the program as `make dist` does.
func staticProgram(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "wconf")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs", "-ldflags", "-s -w", "-o", path, "../cmd/wconf")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

func pack(t *testing.T, program string) (dir string) {
	dir = t.TempDir()
	ca := filepath.Join(t.TempDir(), "ca.pem") // the machine may have none
	if err := os.WriteFile(ca, []byte("authorities\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("go", "run", "../.ci/pack.go", "-version", "v1.2.3", "-commit", "abc", "-created", "1700000000", "-ca", ca,
		"-out", filepath.Join(dir, "image"), "-sums", filepath.Join(dir, "SHA256SUMS"), runtime.GOARCH+"="+program)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("pack: %v\n%s", err, out)
	}
	return dir
}

func sumsOf(t *testing.T, dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blobRef is what descriptors, manifests and indexes of the OCI image
// specification have in common.
type blobRef struct {
	MediaType, Digest string
	Size              int64
	Platform          struct{ Architecture, OS string }
	Config            *blobRef
	Manifests, Layers []blobRef
}

// blob reads what a descriptor points at, and checks that it is that.
func blob(t *testing.T, dir string, d blobRef) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "blobs", strings.Replace(d.Digest, ":", "/", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != d.Size || fmt.Sprintf("sha256:%x", sha256.Sum256(b)) != d.Digest {
		t.Fatalf("%s is not what its descriptor says (%d bytes)", d.Digest, len(b))
	}
	return b
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// walkImage goes from index.json to the layer's files.
func walkImage(t *testing.T, dir string) []byte {
	var layout struct{ ImageLayoutVersion string }
	var top, index, manifest blobRef
	decode(t, mustRead(t, filepath.Join(dir, "oci-layout")), &layout)
	decode(t, mustRead(t, filepath.Join(dir, "index.json")), &top)
	if layout.ImageLayoutVersion != "1.0.0" || len(top.Manifests) != 1 {
		t.Fatalf("%+v, %+v", layout, top)
	}
	decode(t, blob(t, dir, top.Manifests[0]), &index)
	if len(index.Manifests) != 1 || index.Manifests[0].Platform.Architecture != runtime.GOARCH || index.Manifests[0].Platform.OS != "linux" {
		t.Fatalf("the index is %+v", index)
	}
	decode(t, blob(t, dir, index.Manifests[0]), &manifest)
	if manifest.Config == nil || len(manifest.Layers) != 1 {
		t.Fatalf("the manifest is %+v", manifest)
	}
	layer, err := gzip.NewReader(bytes.NewReader(blob(t, dir, manifest.Layers[0])))
	if err != nil {
		t.Fatal(err)
	}
	files, err := io.ReadAll(layer)
	if err != nil {
		t.Fatal(err)
	}
	configured(t, blob(t, dir, *manifest.Config), files)
	return files
}

// configured checks the image's configuration against its one layer.
func configured(t *testing.T, text, files []byte) {
	var image struct {
		Architecture, OS, Created string
		Config                    struct {
			Entrypoint []string
			Labels     map[string]string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	decode(t, text, &image)
	switch {
	case image.Architecture != runtime.GOARCH, image.OS != "linux", image.Created != "2023-11-14T22:13:20Z",
		len(image.Config.Entrypoint) != 1, image.Config.Entrypoint[0] != "/wconf",
		image.Config.Labels["org.opencontainers.image.version"] != "v1.2.3",
		len(image.RootFS.DiffIDs) != 1, image.RootFS.DiffIDs[0] != fmt.Sprintf("sha256:%x", sha256.Sum256(files)):
		t.Fatalf("the configuration is %s", text)
	}
}

// runImage unpacks the files and works in them.
func runImage(t *testing.T, files []byte) {
	root := t.TempDir()
	unpack(t, root, files)
	for name, text := range map[string]string{
		"dev/null":                      "", // every container has one
		"etc/wconf/keys.yaml":           "site:\n  name: example.org\n",
		"etc/wconf/conf.d/motd.toml":    "[template]\nsrc = \"motd.tmpl\"\ndest = \"/etc/motd\"\nkeys = [\"/site\"]\ncheck_cmd = [\"/confd\", \"-version\", \"-confdir={{.src}}\"]\n",
		"etc/wconf/templates/motd.tmpl": "welcome to {{getv \"/site/name\"}}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	store := []string{"--backend", "file", "--file", "/etc/wconf/keys.yaml"}
	inside(t, root, "/wconf", append([]string{"once"}, store...)...)
	if got := string(mustRead(t, filepath.Join(root, "etc/motd"))); got != "welcome to example.org\n" {
		t.Fatalf("/etc/motd is %q", got)
	}
	if out := inside(t, root, "/confd", "-version"); !strings.HasPrefix(out, "confd ") {
		t.Fatalf("/confd -version says %q", out)
	}
	inside(t, root, "/confd", append([]string{"-onetime", "-confdir", "/etc/wconf"}, store...)...)
}

// inside runs a program with root as its whole world.
func inside(t *testing.T, root, program string, args ...string) string {
	t.Helper()
	c := exec.Command(program, args...)
	c.Dir, c.Env = "/", []string{"PATH=/"}
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

func unpack(t *testing.T, root string, files []byte) {
	for r := tar.NewReader(bytes.NewReader(files)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err == nil {
			err = unpackOne(filepath.Join(root, h.Name), root, h, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unpackOne(path, root string, h *tar.Header, r io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return os.Mkdir(path, os.FileMode(h.Mode).Perm())
	case tar.TypeLink:
		return os.Link(filepath.Join(root, h.Linkname), path)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, os.FileMode(h.Mode).Perm())
}

//go:build ignore

// Pack makes of programs that are already built what is published: an OCI
// image layout (index.json, one image for each architecture) and SHA256SUMS.
//
//	go run .ci/pack.go -version v1.2.3 -commit abc123 -created 1700000000 -out dist/image \
//		-sums dist/SHA256SUMS amd64=dist/wconf-linux-amd64 arm64=dist/wconf-linux-arm64
//
// The same programs give the same bytes, on every machine with the same Go:
// times are the commit's, owners are 0, nothing else of the machine goes in
// but the bundle of authorities that -ca names. The format is the OCI image
// specification 1.1.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	version = flag.String("version", "devel", "version, for the labels")
	commit  = flag.String("commit", "unknown", "commit, for the labels")
	created = flag.Int64("created", 0, "time of everything, in seconds since 1970")
	out     = flag.String("out", "", "directory of the image layout; it is replaced")
	sums    = flag.String("sums", "", "file of the sums of all files beside and below it")
	ca      = flag.String("ca", "", "file with certificates of authorities, PEM; left out where it does not exist")
)

func main() {
	flag.Parse()
	if err := pack(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(programs []string) error {
	if *out != "" {
		if err := image(*out, programs); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	if *sums != "" {
		return sum(*sums)
	}
	return nil
}

const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// descriptor points at a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// layout is an image layout on disk.
type layout struct{ dir string }

// image writes a layout with one image for each program, "arch=path".
func image(dir string, programs []string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	l := layout{dir}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644); err != nil {
		return err
	}
	var manifests []descriptor
	for _, p := range programs {
		arch, path, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("%q is not ARCH=PATH", p)
		}
		m, err := l.manifest(arch, path)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		manifests = append(manifests, m)
	}
	index, err := l.json(typeIndex, map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": manifests, "annotations": labels()})
	if err != nil {
		return err
	}
	index.Annotations = map[string]string{"org.opencontainers.image.ref.name": *version}
	text, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []descriptor{index}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "index.json"), text, 0o644)
}

func labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "wconf",
		"org.opencontainers.image.description": "renders configuration files from keys, checks them, swaps them and reloads their services",
		"org.opencontainers.image.source":      "https://github.com/wconf/wconf",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     *version,
		"org.opencontainers.image.revision":    *commit,
		"org.opencontainers.image.created":     moment().Format(time.RFC3339),
	}
}

func moment() time.Time { return time.Unix(*created, 0).UTC() }

// manifest is the image of one architecture: one layer and its configuration.
func (l layout) manifest(arch, program string) (descriptor, error) {
	var files bytes.Buffer
	if err := root(&files, program); err != nil {
		return descriptor{}, err
	}
	layer, err := l.blob(typeLayer, squeezed(files.Bytes()))
	if err != nil {
		return descriptor{}, err
	}
	config, err := l.json(typeConfig, map[string]any{
		"architecture": arch, "os": "linux", "created": moment().Format(time.RFC3339),
		"config": map[string]any{
			"Entrypoint": []string{"/wconf"}, "WorkingDir": "/", "Labels": labels(),
			"Env": []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/"},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{digest(files.Bytes())}},
		"history": []any{map[string]any{"created": moment().Format(time.RFC3339), "created_by": "wconf make dist"}},
	})
	if err != nil {
		return descriptor{}, err
	}
	m, err := l.json(typeManifest, map[string]any{"schemaVersion": 2, "mediaType": typeManifest, "config": config, "layers": []descriptor{layer}})
	m.Platform = &platform{Architecture: arch, OS: "linux"}
	return m, err
}

// root writes the file system of the image. /confd is the same file as /wconf:
// a hard link, so that the layer holds it once.
func root(w io.Writer, program string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	authorities, err := os.ReadFile(*ca)
	if err != nil && *ca != "" && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	t := tar.NewWriter(w)
	entries := []tar.Header{
		{Name: "etc/", Mode: 0o755},
		{Name: "etc/wconf/", Mode: 0o755},
		{Name: "tmp/", Mode: 0o1777},
		{Name: "var/", Mode: 0o755},
		{Name: "var/lib/", Mode: 0o755},
		{Name: "var/lib/wconf/", Mode: 0o700},
		{Name: "wconf", Mode: 0o755, Size: int64(len(text))},
		{Name: "confd", Mode: 0o755, Typeflag: tar.TypeLink, Linkname: "wconf"},
	}
	contents := map[string][]byte{"wconf": text}
	if len(authorities) > 0 { // where Go's crypto/x509 looks first
		entries = append(entries, tar.Header{Name: "etc/ssl/", Mode: 0o755}, tar.Header{Name: "etc/ssl/certs/", Mode: 0o755},
			tar.Header{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Size: int64(len(authorities))})
		contents["etc/ssl/certs/ca-certificates.crt"] = authorities
	}
	for _, h := range entries {
		if strings.HasSuffix(h.Name, "/") {
			h.Typeflag = tar.TypeDir
		}
		h.ModTime, h.Format = moment(), tar.FormatUSTAR
		if err := t.WriteHeader(&h); err != nil {
			return err
		}
		if _, err := t.Write(contents[h.Name]); err != nil {
			return err
		}
	}
	return t.Close()
}

func squeezed(b []byte) []byte {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression) // a level that exists
	w.Write(b)                                            //nolint:errcheck // a buffer takes everything
	w.Close()                                             //nolint:errcheck // likewise
	return z.Bytes()
}

func (l layout) json(mediaType string, v any) (descriptor, error) {
	text, err := json.Marshal(v) // maps are written in the order of their keys
	if err != nil {
		return descriptor{}, err
	}
	return l.blob(mediaType, text)
}

func (l layout) blob(mediaType string, b []byte) (descriptor, error) {
	d := digest(b)
	path := filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(d, "sha256:"))
	return descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}, os.WriteFile(path, b, 0o644)
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// sum writes the sums of every file beside and below path, as sha256sum -c
// reads them.
func sum(path string) error {
	var text strings.Builder
	top := filepath.Dir(path)
	err := filepath.WalkDir(top, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || file == path {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, file)
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(b), filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}

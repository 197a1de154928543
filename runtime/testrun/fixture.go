package testrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/rancher"
	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/metadata"
	"github.com/wconf/wconf/runtime/problem"
)

// store is the keys that a fixture gives, by full name, and which of them the
// file names itself: somebody should read these.
type store struct {
	keys  map[string]string
	named []string
}

// load reads a fixture for a resource that sees the keys of scope. Later
// sources win: rancher, etcd, yaml, json, keys.
func (f *File) load(ctx context.Context, scope kv.Scope) (store, error) {
	s := store{keys: map[string]string{}}
	fx := f.Fixture
	if fx.Rancher != "" {
		pairs, err := readRancher(ctx, f.beside(fx.Rancher), fx.Host, scope.Roots())
		if err != nil {
			return s, f.fixtureProblem(err, "fixture", "rancher")
		}
		s.put(pairs)
	} else if fx.Host != "" {
		return s, f.doc.Problem(problem.Config, "host says who asks rancher, and there is no rancher", "", "fixture", "host")
	}
	if fx.Etcd != "" {
		pairs, err := readEtcd(f.beside(fx.Etcd))
		if err != nil {
			return s, f.fixtureProblem(err, "fixture", "etcd")
		}
		s.put(pairs)
	}
	for _, list := range []struct {
		name, format string
		files        []string
	}{{"yaml", formats.YAML, fx.YAML}, {"json", formats.JSON, fx.JSON}} {
		for i, name := range list.files {
			pairs, err := readFlat(f.beside(name), list.format)
			if err != nil {
				return s, f.fixtureProblem(err, "fixture", list.name, strconv.Itoa(i))
			}
			s.put(pairs)
			s.name(pairs)
		}
	}
	for k, v := range fx.Keys {
		p := []kv.Pair{{Key: scope.Prefix() + k, Value: v}}
		s.put(p)
		s.name(p)
	}
	return s, nil
}

func (s *store) put(pairs []kv.Pair) {
	for _, p := range pairs {
		s.keys[p.Key] = p.Value
	}
}

func (s *store) name(pairs []kv.Pair) {
	for _, p := range pairs {
		s.named = append(s.named, p.Key)
	}
}

// fixtureProblem says which line of the test file names data that is no good.
func (f *File) fixtureProblem(err error, path ...string) error {
	var p *problem.Problem
	if errors.As(err, &p) && p.File != "" {
		return p
	}
	return f.doc.ValueProblem(problem.Config, err.Error(), "", path...)
}

func readFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	var pe *os.PathError
	if errors.As(err, &pe) {
		return nil, fmt.Errorf("%s: %w", path, pe.Err)
	}
	return text, err
}

// readFlat reads keys as the file backend does.
func readFlat(path, format string) ([]kv.Pair, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	flat, err := formats.Flatten(format, text)
	if err != nil {
		var p *problem.Problem
		if errors.As(err, &p) {
			p.File = path
		}
		return nil, err
	}
	pairs := make([]kv.Pair, len(flat))
	for i, p := range flat {
		pairs[i] = kv.Pair{Key: p.Key, Value: p.Value}
	}
	return pairs, nil
}

// readEtcd reads what `etcdctl get --prefix / -w json` printed: keys and values
// in base64, as encoding/json reads bytes.
func readEtcd(path string) ([]kv.Pair, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var dump struct {
		KVs *[]struct{ Key, Value []byte } `json:"kvs"`
	}
	if err := json.Unmarshal(text, &dump); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if dump.KVs == nil {
		return nil, fmt.Errorf("%s holds no kvs: it must be what etcdctl get --prefix / -w json prints", path)
	}
	pairs := make([]kv.Pair, 0, len(*dump.KVs))
	for _, p := range *dump.KVs {
		pairs = append(pairs, kv.Pair{Key: string(p.Key), Value: string(p.Value)})
	}
	return pairs, nil
}

// readRancher asks wconf's own metadata server by wconf's own rancher backend,
// so that keys are named as in production.
func readRancher(ctx context.Context, path, host string, roots []string) ([]kv.Pair, error) {
	if _, err := readFile(path); err != nil {
		return nil, err
	}
	answers := metadata.New(metadata.Options{Answers: path, XFF: true})
	if err := answers.Reload(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve %s: %w", path, err)
	}
	server := &http.Server{Handler: answers.Handler()}
	go server.Serve(l)   //nolint:errcheck // it ends with Close
	defer server.Close() //nolint:errcheck
	b, err := rancher.Factory.Open(backend.Config{
		Nodes: []string{"http://" + l.Addr().String()}, Identity: host, NullAsText: true, MissingFail: true, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	defer b.Close() //nolint:errcheck
	listing, err := b.List(ctx, roots)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.ReplaceAll(err.Error(), l.Addr().String(), path))
	}
	return listing.Pairs, nil
}

// seed reads the files that stand before a case begins.
func (f *File) seed() (map[string][]byte, error) {
	files := map[string][]byte{}
	for at, from := range maps.All(f.Fixture.Files) {
		content, err := readFile(f.beside(from))
		if err != nil {
			return nil, f.fixtureProblem(err, "fixture", "files", at)
		}
		files[at] = content
	}
	return files, nil
}

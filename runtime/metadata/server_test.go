package metadata_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/wconf/wconf/runtime/metadata"
	"github.com/wconf/wconf/runtime/problem"
)

// answersFile is an answers file of a test.
type answersFile struct {
	t    testing.TB
	path string
}

func newAnswers(t testing.TB, text string) answersFile {
	t.Helper()
	f := answersFile{t, filepath.Join(t.TempDir(), "answers.yml")}
	f.write(text)
	return f
}

func (f answersFile) write(text string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func versioned(version string) string {
	return fmt.Sprintf("latest: {default: {version: '%s'}}", version)
}

// handler serves a file of answers.
func (f answersFile) handler() (*metadata.Server, http.Handler) {
	f.t.Helper()
	s := metadata.New(metadata.Options{Answers: f.path})
	if err := s.Reload(); err != nil {
		f.t.Fatal(err)
	}
	return s, s.Handler()
}

// ask is the status and body of a GET.
func ask(h http.Handler, target string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Code, w.Body.String()
}

func expect(t *testing.T, h http.Handler, target string, status int, body string) {
	t.Helper()
	if gotStatus, got := ask(h, target); gotStatus != status || got != body {
		t.Errorf("GET %s: %d %q, want %d %q", target, gotStatus, got, status, body)
	}
}

func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	file := newAnswers(t, versioned("1"))
	s := metadata.New(metadata.Options{Answers: file.path, Listen: "127.0.0.1:0", ListenReload: "127.0.0.1:0"})
	if s.Addr() != nil || s.ReloadAddr() != nil {
		t.Fatal("an address before Run")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	<-s.Ready()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	base, reload := "http://"+s.Addr().String(), "http://"+s.ReloadAddr().String()+"/v1/reload"

	if body := fetch(t, client, base+"/latest/version"); body != "200 1" {
		t.Errorf("version %s", body)
	}
	polled := make(chan string)
	go func() { polled <- fetch(t, client, base+"/latest/version?wait=true&value=1") }()
	file.write(versioned("2"))
	if body := post(t, client, reload); body != "200 OK" {
		t.Errorf("reload said %s", body)
	}
	if body := <-polled; body != "200 2" {
		t.Errorf("the long poll said %s", body)
	}
	if body := fetch(t, client, reload); body != "404 404 page not found\n" {
		t.Errorf("GET of the reload address: %s", body)
	}

	go func() { polled <- fetch(t, client, base+"/latest/version?wait=true&value=2") }()
	cancel()
	if body := <-polled; body != "200 2" && body != "" {
		t.Errorf("at the end the long poll said %s", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// fetch is status and body, or nothing when the server is gone.
func fetch(t *testing.T, c *http.Client, url string) string {
	r, err := c.Get(url)
	return said(t, r, err)
}

func post(t *testing.T, c *http.Client, url string) string {
	r, err := c.Post(url, "", nil)
	return said(t, r, err)
}

func said(t *testing.T, r *http.Response, err error) string {
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("%d %s", r.StatusCode, body)
}

func TestRunRefusesWhatItCannotServe(t *testing.T) {
	broken := newAnswers(t, "latest:\n  x: {}\n  default: [}")
	var p *problem.Problem
	if err := metadata.New(metadata.Options{Answers: broken.path}).Run(t.Context()); !errors.As(err, &p) || p.Line == 0 {
		t.Errorf("a broken file: %v", err)
	}
	good := newAnswers(t, versioned("1"))
	for _, opts := range []metadata.Options{
		{Answers: good.path, Listen: "256.0.0.1:1"},
		{Answers: good.path, Listen: "127.0.0.1:0", ListenReload: "256.0.0.1:1"},
	} {
		if err := metadata.New(opts).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for") {
			t.Errorf("a wrong address: %v", err)
		}
	}
}

func TestReloadKeepsTheOldAnswersOfABrokenFile(t *testing.T) {
	file := newAnswers(t, versioned("1"))
	s, h := file.handler()
	file.write("latest:\n  x: {}\n  default: [}")
	if err := s.Reload(); err == nil {
		t.Error("a broken file was loaded")
	}
	w := httptest.NewRecorder()
	s.ReloadHandler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/reload", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "answers.yml:") {
		t.Errorf("reload of a broken file: %d %s", w.Code, w.Body)
	}
	expect(t, h, "/latest/version", 200, "1")
}

func TestMissingFileServesNothing(t *testing.T) {
	file := newAnswers(t, versioned("1"))
	s, h := file.handler()
	if err := os.Remove(file.path); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	expect(t, h, "/", 200, "latest\n")
	expect(t, h, "/latest/version", 404, "Not found\n")
	expect(t, h, "/2015-12-19/version", 404, "Invalid version\n")
	file.write(versioned("2"))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	expect(t, h, "/latest/version", 200, "2")
}

func TestNothingBeforeTheFirstReload(t *testing.T) {
	h := metadata.New(metadata.Options{}).Handler()
	expect(t, h, "/latest", 404, "Not found\n")
}

// A request sees one set of answers, whole, while reloads go on.
func TestReloadIsAtomic(t *testing.T) {
	set := func(n int) string { return fmt.Sprintf("latest: {default: {a: {n: %d}, b: {n: %d}}}", n, n) }
	file := newAnswers(t, set(0))
	s, h := file.handler()
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r := httptest.NewRequest(http.MethodGet, "/latest", nil)
				r.Header.Set("Accept", "application/json")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				var got struct{ A, B struct{ N *int } }
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.A.N == nil || got.B.N == nil || *got.A.N != *got.B.N {
					t.Errorf("half an answer: %s", w.Body)
					return
				}
			}
		})
	}
	for n := range 200 {
		next := file.path + ".next"
		if err := os.WriteFile(next, []byte(set(n)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, file.path); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	readers.Wait()
}

func TestSelf(t *testing.T) {
	file := newAnswers(t, `latest: {default: {self: nobody, x: {from: default, deep: 1}}, 192.0.2.1: {self: me}, '::1': {self: six}, a.b: {self: header}}`)
	for _, c := range []struct {
		xff             bool
		address, header string
		want            string
	}{
		{false, "192.0.2.1:1234", "", "me"},
		{false, "192.0.2.9:1234", "", "nobody"},
		{false, "[::1]:1234", "", "six"},
		{false, "192.0.2.1:1234", "a.b", "me"},
		{true, "192.0.2.1:1234", "a.b", "header"},
		{true, "192.0.2.1:1234", "", "me"},
		{true, "192.0.2.1:1234", "192.0.2.1, 10.0.0.1", "nobody"},
		{true, "192.0.2.1:1234", "default", "nobody"},
	} {
		s := metadata.New(metadata.Options{Answers: file.path, XFF: c.xff})
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/latest/self", nil)
		r.RemoteAddr = c.address
		if c.header != "" {
			r.Header.Set("X-Forwarded-For", c.header)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Body.String() != c.want {
			t.Errorf("%+v: %s", c, w.Body)
		}
	}
}

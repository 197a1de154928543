package runtime_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// badInput is something that cannot be used. The program must say what and
// where, exit, leave the destination as it was and nothing beside it, with
// ten seconds of a processor and 512 MiB.
type badInput struct {
	name     string
	settings string // lines of the resource; none: keys = ["/app"]
	template string // none: {{getv "/app/name"}}
	make     func(s *site)
	flags    []string // none: the file store with keys.yaml
	says     []string
	code     int // 0: 1
	keeps    func(s *site) bool
}

var badInputs = []badInput{
	{name: "a resource of brackets", make: func(s *site) { s.file("conf.d/app.toml", "[template]\nx = "+strings.Repeat("[", 256<<10-20)) }, says: []string{"conf.d/app.toml:2:"}},
	{name: "a resource of dots", make: func(s *site) { s.file("conf.d/app.toml", "a"+strings.Repeat(".a", 128<<10-20)+" = 1\n") }, says: []string{"conf.d/app.toml:1"}},
	{name: "a resource that is too large", make: func(s *site) { s.file("conf.d/app.toml", strings.Repeat("# x\n", 100_000)) }, says: []string{"conf.d/app.toml"}},
	{name: "a resource that is a FIFO", make: func(s *site) { s.fifo("conf.d/app.toml") }, says: []string{"conf.d/app.toml: not a regular file"}},
	{name: "a resource without a template", settings: "src = \"none.tmpl\"", make: func(s *site) { s.file("conf.d/app.toml", "[template]\nsrc = \"none.tmpl\"\ndest = \"out\"\n") }, says: []string{"conf.d/app.toml:2:7", "missing template"}},

	{name: "a dest that is a directory", make: func(s *site) { s.dest("dir"); s.file("dir/x", "x") }, says: []string{"dir", "directory"}},
	{name: "a dest that is a FIFO", make: func(s *site) { s.dest("fifo"); s.fifo("fifo") }, says: []string{"fifo"},
		keeps: func(s *site) bool {
			info, err := os.Lstat(s.path("fifo"))
			return err == nil && info.Mode()&os.ModeNamedPipe != 0
		}},
	{name: "a dest in no directory", make: func(s *site) { s.dest("none/out") }, says: []string{"none"}},

	{name: "a template without an end", template: "{{range 1000000000000}}{{end}}", says: []string{"templates/app.tmpl:1:"}},
	{name: "a template that calls itself", template: `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, says: []string{"templates/app.tmpl:1:"}},
	{name: "a template that includes itself", template: `{{include "app.tmpl"}}`, says: []string{"templates/app.tmpl:1:"}},
	{name: "a template of long lists", template: "{{range seq 1 2000000000}}{{end}}", says: []string{"templates/app.tmpl:1:"}},
	{name: "a template of much output", template: `{{range seq 1 1000000}}{{repeat 1000 "x"}}{{end}}`, says: []string{"templates/app.tmpl:1:"}},
	{name: "a template that doubles", template: `{{$x := "xxxxxxxx"}}{{range seq 1 60}}{{$x = printf "%s%s" $x $x}}{{end}}`, says: []string{"templates/app.tmpl:1:"}},
	{name: "a template of many levels", template: strings.Repeat("{{if 1}}", 100_000) + strings.Repeat("{{end}}", 100_000), says: []string{"templates/app.tmpl:1:"}},
	{name: "a template that is too large", template: strings.Repeat("x", 2<<20), says: []string{"templates/app.tmpl:1"}},
	{name: "a template that is a FIFO", make: func(s *site) { s.must(os.Remove(s.path("templates/app.tmpl"))); s.fifo("templates/app.tmpl") }, says: []string{"templates/app.tmpl"}},
	{name: "a template that is a directory", make: func(s *site) {
		s.must(os.Remove(s.path("templates/app.tmpl")))
		s.file("templates/app.tmpl/x", "")
	}, says: []string{"templates/app.tmpl"}},
	{name: "a guest that is no Wasm", make: func(s *site) {
		s.file("conf.d/app.toml", "[template]\nsrc = \"app.wasm\"\ndest = \"out\"\nkeys = [\"/app\"]\n")
		s.file("templates/app.wasm", "#!/bin/sh\necho hello\n")
	}, says: []string{"app.wasm"}},

	{name: "keys that grow", make: func(s *site) {
		text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
		for i := range 12 {
			n, m := string(rune('a'+i)), "a0"
			if i > 0 {
				m = string(rune('a' + i - 1))
			}
			text += n + ": &" + n + " [" + strings.TrimSuffix(strings.Repeat("*"+m+", ", 10), ", ") + "]\n"
		}
		s.file("keys.yaml", text)
	}, says: []string{"keys.yaml"}},
	{name: "keys of brackets", make: func(s *site) { s.file("keys.yaml", strings.Repeat("[", 1<<20)) }, says: []string{"keys.yaml"}},
	{name: "keys that are a page", make: func(s *site) { s.file("keys.yaml", "<html><body>Please log in</body></html>\n") }, says: []string{"keys.yaml"}},
	{name: "keys that are cut off", make: func(s *site) { s.file("keys.json", `{"app": {"name": "sh`) }, flags: []string{"-backend", "file", "-file", "keys.json"}, says: []string{"keys.json"}},
	{name: "a command without an end", flags: []string{"-backend", "command", "-command", "yes", "-backend-timeout", "3s"}, says: []string{"backend command"}},
}

func (s *site) dest(path string) {
	s.file("conf.d/app.toml", "[template]\nsrc = \"app.tmpl\"\ndest = \""+path+"\"\nkeys = [\"/app\"]\n"+noteReload)
}

func (s *site) fifo(name string) {
	s.t.Helper()
	os.Remove(s.path(name))
	s.must(syscall.Mkfifo(s.path(name), 0o644))
}

func TestBadInput(t *testing.T) {
	wconf := buildWconf(t)
	for _, bad := range badInputs {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			bad.try(t, wconf)
		})
	}
}

func (bad badInput) try(t *testing.T, wconf string) {
	if bad.settings == "" {
		bad.settings = "keys = [\"/app\"]\n" + noteReload
	}
	if bad.template == "" {
		bad.template = "{{getv \"/app/name\"}}\n"
	}
	if bad.flags == nil {
		bad.flags = []string{"-backend", "file", "-file", "keys.yaml"}
	}
	s := newSite(t, wconf, bad.settings, bad.template, bad.flags...)
	s.file("out", "old\n")
	s.file("keys.yaml", "app: {name: shop}\n")
	if bad.make != nil {
		bad.make(s)
	}
	o := s.runFor(30*time.Second, "-onetime")
	if o.code != max(bad.code, 1) {
		t.Errorf("exit %d", o.code)
	}
	for _, want := range bad.says {
		if !strings.Contains(o.output, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(o.output, "goroutine ") {
		t.Error("it panics")
	}
	if s.text("out") != "old\n" || s.text("reloads") != "" || bad.keeps != nil && !bad.keeps(s) {
		t.Errorf("the destination is touched: %q, %q", s.text("out"), s.text("reloads"))
	}
	if left, _ := filepath.Glob(s.path(".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if o.busy > 10*time.Second || o.memory > 512<<20 { // the machine may be busy with others
		t.Errorf("it took %v (%v) and %d MiB", o.busy, o.took, o.memory>>20)
	}
	if t.Failed() {
		t.Logf("%.3000s", o.output)
	}
}

// One bad resource never keeps the others from being rendered.
func TestBadInputBesideGood(t *testing.T) {
	s := newSite(t, buildWconf(t), "keys = [\"/app\"]\nowner = \"nobody-has-this-name\"", "{{getv \"/app/name\"}}\n", "-backend", "file", "-file", "keys.yaml")
	s.file("keys.yaml", "app: {name: shop}\n")
	s.file("conf.d/half.toml", "[template]\nsrc = \"app.tm")
	o := s.run("-onetime")
	if o.code != 1 || s.text("out") != "shop\n" || !strings.Contains(o.output, "conf.d/half.toml:2:") {
		t.Errorf("exit %d, %q\n%s", o.code, s.text("out"), o.output)
	}
	if !strings.Contains(o.output, `unknown owner "nobody-has-this-name"`) || !strings.Contains(o.output, "conf.d/app.toml:5:9") {
		t.Errorf("the owner is not named:\n%s", o.output)
	}
	if o := s.run("lint"); o.code != 3 {
		t.Errorf("lint: exit %d\n%s", o.code, o.output)
	}
}

// What answers in place of an etcd gets no file written.
func TestBadEtcd(t *testing.T) {
	wconf := buildWconf(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<html><body>Please log in</body></html>")
	}))
	t.Cleanup(page.Close)
	for name, node := range map[string]string{
		"a page": strings.TrimPrefix(page.URL, "http://"),
		"noise": serveTCP(t, func(c net.Conn) {
			c.Write([]byte(strings.Repeat("\x00\xff garbage \x7f", 1000))) //nolint:errcheck // the client may be gone
			c.Close()
		}),
		"silence": serveTCP(t, func(c net.Conn) { io.Copy(io.Discard, c) }), //nolint:errcheck // until the client is gone
		"a flood": serveTCP(t, func(c net.Conn) {
			for block := make([]byte, 1<<20); ; {
				if _, err := c.Write(block); err != nil {
					return
				}
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			badInput{flags: []string{"-backend", "etcd", "-node", node, "-backend-timeout", "2s"}, says: []string{"backend etcd: "}}.try(t, wconf)
		})
	}
}

// serveTCP is the address of a server that serves each connection with f.
func serveTCP(t *testing.T, f func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f(c)
		}
	}()
	return l.Addr().String()
}

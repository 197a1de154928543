package guests_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// tckView is the keys that the conformance guest knows, and others that it
// must not see.
func tckView() *kv.View {
	return kv.NewView(kv.NewSnapshot([]kv.Pair{
		{Key: "/tck/a", Value: "1"}, {Key: "/tck/b", Value: "0"}, {Key: "/tck/empty", Value: ""}, {Key: "/tck/dir/x", Value: "x"},
		{Key: "/tck/huge", Value: strings.Repeat("h", 6000)}, {Key: "/tckle", Value: "no"}, {Key: "/secret/pw", Value: "no"},
	}), kv.NewScope("", []string{"/tck"}))
}

func TestConformanceOfRoles(t *testing.T) {
	r := newRuntime(t)
	filter := load(t, r, "tck/tck.wasm", guest.Options{Role: guest.Filter})
	big := strings.Repeat("0123456789", 5000) // longer than the SDK's first buffer
	for _, in := range []string{"", "ab", big} {
		if got, err := filter.Filter(t.Context(), tckView(), []byte(in)); err != nil || string(got) != in+in {
			t.Errorf("filter of %d bytes: %d bytes, %v", len(in), len(got), err)
		}
	}
	check := load(t, r, "tck/tck.wasm", guest.Options{Role: guest.Checker})
	if err := check.Check(t.Context(), tckView(), []byte("x")); err != nil {
		t.Error(err)
	}
	err := check.Check(t.Context(), tckView(), nil)
	if p, ok := err.(*problem.Problem); !ok || p.Code != problem.CheckFailed || !strings.Contains(p.Msg, "nothing to check") {
		t.Errorf("check of nothing: %v", err)
	}
	call, err := load(t, r, "tck/tck.wasm", guest.Options{Role: guest.Functions}).Open(t.Context(), tckView())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := call.Call(t.Context(), "join", []string{"a", "ü"}); err != nil || got != "a+ü" {
			t.Errorf("join: %q, %v", got, err)
		}
	}
	if err := call.Close(); err != nil {
		t.Error(err)
	}
}

// A command without any SDK.
func TestLines(t *testing.T) {
	var stats wasm.Stats
	g := load(t, newRuntime(t), "lines-c/lines.wasm", guest.Options{Stats: func(s wasm.Stats) { stats = s }})
	got, err := g.Render(t.Context(), view(t, "testdata/nginx.json", "/services"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(got), "\n")
	if len(lines) != 53 || lines[0] != "upstream web {" || lines[1] != "    server 10.0.0.1;" || lines[51] != "}" {
		t.Errorf("got\n%s", got)
	}
	if stats.Fuel == 0 || len(stats.Calls) != 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestCidr(t *testing.T) {
	g := load(t, newRuntime(t), "cidr-rust/cidr.wasm", guest.Options{Role: guest.Functions})
	if n := g.Names(); len(n) != 3 || n["cidrhost"] != 2 || n["cidrnetmask"] != 1 {
		t.Errorf("names %v", n)
	}
	for _, c := range []struct{ name, args, want, fails string }{
		{"cidrhost", "10.0.0.0/8 5", "10.0.0.5", ""},
		{"cidrhost", "10.20.30.40/24 255", "10.20.30.255", ""},
		{"cidrhost", "10.20.30.40/24 256", "", "10.20.30.40/24 has no host 256"},
		{"cidrhost", "0.0.0.0/0 4294967295", "255.255.255.255", ""},
		{"cidrhost", "10.0.0.0/33 1", "", `"10.0.0.0/33" is no IPv4 network`},
		{"cidrhost", "10.0.0.0/8 x", "", `"x" is no number of a host`},
		{"cidrnetmask", "10.0.0.0/12", "255.240.0.0", ""},
		{"cidrnetmask", "10.0.0.0/0", "0.0.0.0", ""},
		{"cidrcontains", "10.0.0.0/8 10.255.0.1", "true", ""},
		{"cidrcontains", "10.0.0.0/8 11.0.0.0", "false", ""},
		{"cidrhost", "10.0.0.0/8", "", `no function "cidrhost" with 1 arguments`},
	} {
		calls, err := g.Open(t.Context(), tckView())
		if err != nil {
			t.Fatal(err)
		}
		got, err := calls.Call(t.Context(), c.name, strings.Fields(c.args))
		if got != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s %s = %q, %v; want %q, %q", c.name, c.args, got, err, c.want, c.fails)
		}
		if err := calls.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What a Rust guest allocates for one call of a function is there again for the
// next, also when calls differ in what they need.
func TestCallsDoNotPileUp(t *testing.T) {
	var stats wasm.Stats
	g := load(t, newRuntime(t), "cidr-rust/cidr.wasm", guest.Options{Role: guest.Functions, Stats: func(s wasm.Stats) { stats = s }})
	calls, err := g.Open(t.Context(), tckView())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20_000 {
		got, err := calls.Call(t.Context(), "cidrhost", []string{"10.0.0.0/8", strconv.Itoa(n)})
		if err != nil || got != fmt.Sprintf("10.0.%d.%d", n>>8, n&255) {
			t.Fatalf("%d: %q, %v", n, got, err)
		}
	}
	if err := calls.Close(); err != nil || stats.Memory > 3*65536 {
		t.Errorf("%d bytes of memory, %v", stats.Memory, err)
	}
}

// The SDKs of Rust and Go give what the one of C gives, and the same as each
// other.
func TestTour(t *testing.T) {
	const want = `getv 1
empty true
none false
denied false
or 1 x
exists true false
long 40000
gets /tck/a=1;/tck/b=0;
no pairs 0
getvs 0,1
ls a,b,dir,empty,huge
no names 0
lsdir dir
param blue false
params colour=blue;wconf.dest=/tmp/tck;wconf.name=tck;
`
	r := newRuntime(t)
	for name, file := range map[string]string{"rust": "tck/tour.wasm", "go": buildGo(t, "tck/tour-go")} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o := guest.Options{Name: "tck", Dest: "/tmp/tck", Params: map[string]string{"colour": "blue"}, Log: slog.New(slog.NewTextHandler(&log, nil))}
			got, err := load(t, r, file, o).Render(t.Context(), tourView())
			if err != nil || string(got) != want {
				t.Errorf("got\n%s%v", got, err)
			}
			if !strings.Contains(log.String(), `level=WARN msg="guest says" resource=tck`) {
				t.Errorf("log %s", log.String())
			}
			o.Role = guest.Filter
			if got, err := load(t, r, file, o).Filter(t.Context(), tourView(), []byte("listen 80;")); err != nil || string(got) != "LISTEN 80;" {
				t.Errorf("filter: %q, %v", got, err)
			}
			o.Role = guest.Checker
			c := load(t, r, file, o)
			if err := c.Check(t.Context(), tourView(), []byte("x")); err != nil {
				t.Error(err)
			}
			if err := c.Check(t.Context(), tourView(), nil); err == nil || !strings.Contains(err.Error(), "refused the new content: nothing to check") {
				t.Errorf("check of nothing: %v", err)
			}
		})
	}
}

// Go cannot write custom sections: its manifest is packed into the module.
func TestPackedFunctions(t *testing.T) {
	packed, err := wasm.Pack(read(t, buildGo(t, "tck/tour-go")), []byte(`{"functions":{"join":{"args":2}}}`))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "packed.wasm")
	if err := os.WriteFile(file, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	calls, err := load(t, newRuntime(t), file, guest.Options{Role: guest.Functions}).Open(t.Context(), tckView())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := calls.Call(t.Context(), "join", []string{"a", "ü"}); err != nil || got != "a+ü" {
			t.Errorf("join: %q, %v", got, err)
		}
	}
	if err := calls.Close(); err != nil {
		t.Error(err)
	}
}

// tourView has a value that is longer than any SDK's first buffer.
func tourView() *kv.View {
	all, _ := kv.NewSnapshot([]kv.Pair{
		{Key: "/tck/a", Value: "1"}, {Key: "/tck/b", Value: "0"}, {Key: "/tck/empty"}, {Key: "/tck/dir/x", Value: "x"}, {Key: "/secret/pw", Value: "no"},
	}).Apply([]kv.Pair{{Key: "/tck/huge", Value: strings.Repeat("h", 40_000)}}, nil)
	return kv.NewView(all, kv.NewScope("", []string{"/tck"}))
}

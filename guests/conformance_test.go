package guests_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// asked is one call of a host function and what the ABI promises for it.
type asked struct {
	function, text string // ~ stands for a byte that is no UTF-8
	room           int    // of the buffer; the level of log
	n              int32  // the answer; for one that is filled in, 0 is its length
	filled         string
}

func list(items ...string) string { return string(hostfuncs.List(items...)) }

func kvs(items ...string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(items)/2))
	for pair := range slices.Chunk(items, 2) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pair[0])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pair[1])))
		b = append(append(b, pair[0]...), pair[1]...)
	}
	return string(b)
}

// ofCase is the parameters of a case of params.
func ofCase(room string) string {
	return kvs("function", "params", "room", room, "text", "", "wconf.dest", "", "wconf.name", "tck", "wild", "")
}

var cases = []asked{
	{"getv", "/tck/a", 8, 0, "1"},
	{"getv", "/tck/a", 1, 0, "1"}, // just enough room
	{"getv", "/tck/a", 0, 1, ""},  // too little: the length, and nothing is written
	{"getv", "/tck/empty", 8, 0, ""},
	{"getv", "/tck/none", 8, hostfuncs.NotFound, ""},
	{"getv", "/tck/", 8, hostfuncs.NotFound, ""}, // nothing is cleaned
	{"getv", "/tckle", 8, hostfuncs.Denied, ""},  // a neighbour by prefix
	{"getv", "/secret/pw", 8, hostfuncs.Denied, ""},
	{"getv", "/tck/~", 8, hostfuncs.Invalid, ""},
	{"getv", "/" + strings.Repeat("k", hostfuncs.Longest), 8, hostfuncs.Invalid, ""},
	{"getv", "/tck/huge", 8, hostfuncs.TooLarge, ""},
	{"exists", "/tck/a", 0, 1, ""},
	{"exists", "/tck/empty", 0, 1, ""},
	{"exists", "/tck/dir", 0, 0, ""},
	{"exists", "/tck/none", 0, 0, ""},
	{"exists", "/secret/pw", 0, hostfuncs.Denied, ""},
	{"exists", "~", 0, hostfuncs.Invalid, ""},
	{"gets", "/tck/?", 99, 0, kvs("/tck/a", "1", "/tck/b", "0")},
	{"gets", "/secret/*", 99, 0, kvs()},
	{"gets", "/tck/?", 8, int32(len(kvs("/tck/a", "1", "/tck/b", "0"))), ""},
	{"gets", "[", 99, hostfuncs.Invalid, ""},
	{"gets", "/tck/*", 99, hostfuncs.TooLarge, ""},
	{"getvs", "/tck/?", 99, 0, list("0", "1")}, // in the order of values
	{"getvs", "/secret/*", 99, 0, list()},
	{"getvs", "/tck/?", 8, int32(len(list("0", "1"))), ""},
	{"getvs", "[", 99, hostfuncs.Invalid, ""},
	{"ls", "/tck", 99, 0, list("a", "b", "dir", "empty", "huge")},
	{"ls", "/tck/a", 99, 0, list("a")},
	{"ls", "/none", 99, 0, list()},
	{"ls", "/secret", 99, 0, list()},
	{"ls", "/tck", 8, int32(len(list("a", "b", "dir", "empty", "huge"))), ""},
	{"ls", "~", 99, hostfuncs.Invalid, ""},
	{"lsdir", "/tck", 99, 0, list("dir")},
	{"lsdir", "/tck/dir", 99, 0, list()},
	{"lsdir", "~", 99, hostfuncs.Invalid, ""},
	{"param", "wconf.name", 8, 0, "tck"},
	{"param", "wconf.revision", 8, 0, "1"},
	{"param", "room", 8, 0, "8"},
	{"param", "none", 8, hostfuncs.NotFound, ""},
	{"param", "~", 8, hostfuncs.Invalid, ""},
	{"params", "", 199, 0, ofCase("199")},
	{"params", "", 0, int32(len(ofCase("0"))), ""},
	{"input", "", 8, hostfuncs.NotFound, ""},
	{"write", "a\x00ü", 0, 0, ""},
	{"log", "err\x1bor", 3, 0, ""},
}

// conforming is the conformance guest in each language that calls the host itself.
func conforming(t *testing.T) map[string]string {
	return map[string]string{"c": "tck/tck.wasm", "rust": "tck/tck-rust.wasm", "zig": "tck/tck-zig.wasm", "assemblyscript": "tck/tck-assemblyscript.wasm",
		"go": buildGo(t, "tck/tck-go")}
}

// Each function says to each language what the ABI promises, good and bad.
func TestConformance(t *testing.T) {
	r := newRuntime(t)
	for language, file := range conforming(t) {
		t.Run(language, func(t *testing.T) {
			module, err := r.Load(t.Context(), "tck", read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			defer module.Close()
			called := map[string]int{}
			for _, c := range cases {
				got, calls, log, err := play(t, module, c, "")
				if err != nil || calls[c.function] == 0 {
					t.Errorf("%s %q: %v, calls %v", c.function, c.text, err, calls)
					continue
				}
				called[c.function]++
				if c.function == "log" && !strings.Contains(log, `level=ERROR msg="guest says" resource=tck guest=tck text=err\x1bor`) {
					t.Errorf("log %s", log)
				}
				if want := c.answer(); got != want {
					t.Errorf("%s %.20q: got %q, want %q", c.function, c.text, got, want)
				}
			}
			for _, f := range hostfuncs.All() {
				if called[f.Name] == 0 && f.Name != "fail" {
					t.Errorf("no case calls %s", f.Name)
				}
				if !slices.Contains(module.Inspect().Imports, hostfuncs.Module+"."+f.Name) {
					t.Errorf("the guest does not import %s", f.Name)
				}
				wild(t, module, f)
			}
			_, _, _, err = play(t, module, asked{function: "fail", text: "that\x1bis it"}, "")
			if p, ok := err.(*problem.Problem); !ok || !strings.Contains(p.Msg, `that\x1bis it`) {
				t.Errorf("fail: %v", err)
			}
		})
	}
}

// wild hands pointers to a function that lie behind the guest's memory: the
// invocation ends, and its error names the function.
func wild(t *testing.T, m *wasm.Module, f hostfuncs.Function) {
	t.Helper()
	for _, a := range f.Args {
		what := map[hostfuncs.Kind]string{hostfuncs.Text: "text", hostfuncs.Buffer: "buffer"}[a.Kind]
		if what == "" {
			continue
		}
		_, _, _, err := play(t, m, asked{function: f.Name, text: "/a long name of a key", room: 99}, what)
		if p, ok := err.(*problem.Problem); !ok || !strings.Contains(p.Msg, f.Name+" got ") || !strings.Contains(p.Msg, "memory ends at") {
			t.Errorf("%s with a wild %s: %v", f.Name, what, err)
		}
	}
}

// answer is what the guest writes when the function keeps its promise.
func (c asked) answer() string {
	n, room := c.n, []byte(strings.Repeat(".", c.room+4))
	if c.n == 0 {
		n = int32(len(c.filled))
	}
	copy(room, c.filled)
	before := ""
	if c.function == "write" {
		before = c.text
	}
	return fmt.Sprintf("%s%d %s", before, n, room)
}

// play renders one case in an instance of its own.
func play(t *testing.T, m *wasm.Module, c asked, wild string) (got string, calls map[string]uint64, logged string, err error) {
	t.Helper()
	var log bytes.Buffer
	g, err := guest.New(m, guest.Options{
		Name: "tck", Limits: wasm.Limits{Result: 5000}, Stats: func(s wasm.Stats) { calls = s.Calls },
		Params: map[string]string{"function": c.function, "text": c.text, "room": strconv.Itoa(c.room), "wild": wild},
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.Render(t.Context(), tckView())
	return string(b), calls, log.String(), err
}

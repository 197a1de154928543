package hostfuncs_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/hostfuncs"
)

// store is Keys over a map; it grants what does not lie below /secret.
type store map[string]string

func (s store) Grants(key string) bool { return !strings.HasPrefix(key, "/secret") }

func (s store) Get(key string) (string, bool) { v, ok := s[key]; return v, ok && s.Grants(key) }

func (s store) Exists(key string) bool { _, ok := s.Get(key); return ok }

func (s store) Glob(pattern string, step func(int) bool, found func(key, value string) bool) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(s)) {
		ok, _ := path.Match(pattern, k)
		if !step(1) || ok && s.Grants(k) && !found(k, s[k]) {
			break
		}
	}
	return nil
}

func (s store) List(dir string, step func(int) bool, found func(name string, leaf bool) bool) {
	for k := range s {
		below, ok := strings.CutPrefix(k, strings.TrimSuffix(dir, "/")+"/")
		if !step(1) {
			return
		}
		if ok && s.Grants(k) {
			if name, _, deeper := strings.Cut(below, "/"); !found(name, !deeper) {
				return
			}
		}
	}
}

func (s store) ListDirs(dir string, step func(int) bool, found func(name string, leaf bool) bool) {
	s.List(dir, step, func(name string, leaf bool) bool { return leaf || found(name, leaf) })
}

var keys = store{"/app/a": "1", "/app/b": "0", "/app/dir/c": "x", "/app/long": strings.Repeat("v", 100), "/secret/pw": "hunter2"}

func session() *hostfuncs.Session {
	return &hostfuncs.Session{
		Keys: keys, Params: map[string]string{"port": "80", "wconf.name": "web"},
		Limits: hostfuncs.Limits{Calls: 1000, Output: 64, Result: 90, Reads: 16 << 20, LogBytes: 100, LogLines: 4},
	}
}

func function(t testing.TB, name string) *hostfuncs.Function {
	t.Helper()
	for _, f := range hostfuncs.All() {
		if f.Name == name {
			return &f
		}
	}
	t.Fatalf("no function %s", name)
	return nil
}

// ask calls a function as a guest would: its text at 0, a buffer of room bytes
// behind it.
func ask(t testing.TB, s *hostfuncs.Session, name, text string, room int) (n int32, buffer string, err error) {
	t.Helper()
	f, memory := function(t, name), make([]byte, len(text)+room)
	copy(memory, text)
	const rubbish = 0xdead << 32 // what wazero leaves above bit 31
	stack := []uint64{0}
	stack = stack[:0]
	for _, a := range f.Args {
		switch a.Kind {
		case hostfuncs.Text:
			stack = append(stack, rubbish, rubbish|uint64(len(text)))
		case hostfuncs.Buffer:
			stack = append(stack, rubbish|uint64(len(text)), rubbish|uint64(room))
		case hostfuncs.Number:
			stack = append(stack, rubbish|1)
		}
	}
	_, err = f.Call(s, memory, stack)
	n = int32(uint32(stack[0]))
	if f.Args[len(f.Args)-1].Kind == hostfuncs.Buffer && n > 0 && int(n) <= room {
		buffer = string(memory[len(text):][:n])
	}
	return n, buffer, err
}

func list(items ...string) string { return string(hostfuncs.List(items...)) }

func kvs(pairs ...string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(pairs)/2))
	for i := 0; i < len(pairs); i += 2 {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i+1])))
		b = append(append(b, pairs[i]...), pairs[i+1]...)
	}
	return string(b)
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		function, text string
		want           string
		n              int32 // when it is not len(want)
	}{
		{"getv", "/app/a", "1", 0},
		{"getv", "/app/none", "", hostfuncs.NotFound},
		{"getv", "/app", "", hostfuncs.NotFound},
		{"getv", "//app/a", "", hostfuncs.NotFound},
		{"getv", "/secret/pw", "", hostfuncs.Denied},
		{"getv", "/secret/none", "", hostfuncs.Denied},
		{"getv", "\xff", "", hostfuncs.Invalid},
		{"getv", strings.Repeat("/k", 2049), "", hostfuncs.Invalid},
		{"getv", "/app/long", "", hostfuncs.TooLarge},
		{"exists", "/app/a", "", 1},
		{"exists", "/app/none", "", 0},
		{"exists", "/secret/pw", "", hostfuncs.Denied},
		{"exists", "\xff", "", hostfuncs.Invalid},
		{"gets", "/app/?", kvs("/app/a", "1", "/app/b", "0"), 0},
		{"gets", "/none/*", kvs(), 0},
		{"gets", "/secret/*", kvs(), 0},
		{"gets", "[", "", hostfuncs.Invalid},
		{"gets", "/*/*", "", hostfuncs.TooLarge},
		{"getvs", "/app/?", list("0", "1"), 0},
		{"getvs", "/secret/*", list(), 0},
		{"getvs", "[", "", hostfuncs.Invalid},
		{"ls", "/app", list("a", "b", "dir", "long"), 0},
		{"ls", "/secret", list(), 0},
		{"ls", "\xff", "", hostfuncs.Invalid},
		{"lsdir", "/app", list("dir"), 0},
		{"param", "port", "80", 0},
		{"param", "none", "", hostfuncs.NotFound},
		{"params", "", kvs("port", "80", "wconf.name", "web"), 0},
		{"input", "", "", hostfuncs.NotFound},
	} {
		n, got, err := ask(t, session(), c.function, c.text, 200)
		if c.n == 0 {
			c.n = int32(len(c.want))
		}
		if err != nil || n != c.n || got != c.want {
			t.Errorf("%s %.20q = %d %q, %v; want %d %q", c.function, c.text, n, got, err, c.n, c.want)
		}
	}
}

// Whatever is asked, no function gives away a key that is not granted, nor
// that it is there.
func TestNoFunctionTellsUngrantedKeys(t *testing.T) {
	without := maps.Clone(keys)
	delete(without, "/secret/pw")
	for _, f := range hostfuncs.All() {
		for _, text := range []string{"/secret/pw", "/secret/*", "/secret", "/secret/", "/*/*", "/", ""} {
			with, less := session(), session()
			less.Keys = without
			with.Limits.Result, less.Limits.Result = 1000, 1000
			n1, b1, err1 := ask(t, with, f.Name, text, 1000)
			n2, b2, err2 := ask(t, less, f.Name, text, 1000)
			if n1 != n2 || b1 != b2 || (err1 == nil) != (err2 == nil) || strings.Contains(b1, "hunter2") {
				t.Errorf("%s(%q): %d %q %v, and without the key %d %q %v", f.Name, text, n1, b1, err1, n2, b2, err2)
			}
		}
	}
}

func TestBuffers(t *testing.T) {
	s := session()
	if n, b, _ := ask(t, s, "getv", "/app/dir/c", 0); n != 1 || b != "" {
		t.Errorf("no room: %d %q", n, b)
	}
	want := list("a", "b", "dir", "long")
	for _, room := range []int{0, len(want) - 1, len(want)} {
		n, b, _ := ask(t, s, "ls", "/app", room)
		if fits := room >= len(want); int(n) != len(want) || (b == want) != fits {
			t.Errorf("room %d: %d %q", room, n, b)
		}
	}
}

func TestOutputAndEnd(t *testing.T) {
	s := session()
	s.Input = []byte{}
	if n, _, err := ask(t, s, "input", "", 10); n != 0 || err != nil {
		t.Errorf("empty input: %d, %v", n, err)
	}
	for range 2 {
		if _, _, err := ask(t, s, "write", strings.Repeat("o", 32), 0); err != nil {
			t.Fatal(err)
		}
	}
	var limit *hostfuncs.LimitError
	if _, _, err := ask(t, s, "write", "o", 0); !errors.As(err, &limit) || limit.Max != 64 {
		t.Errorf("output over its limit: %v", err)
	}
	if got := string(s.Output()); got != strings.Repeat("o", 64) {
		t.Errorf("output %q", got)
	}
	var failure *hostfuncs.Failure
	if _, _, err := ask(t, s, "fail", "no \x1b[31m key", 0); !errors.As(err, &failure) || failure.Message != `no \x1b[31m key` {
		t.Errorf("fail: %v", err)
	}
	s.Limits.Calls = 5
	if _, _, err := ask(t, s, "exists", "/app/a", 0); !errors.As(err, &limit) || limit.What != "host calls" {
		t.Errorf("calls over the limit: %v", err)
	}
	if c := s.Calls(); c["write"] != 3 || c["fail"] != 1 || c["exists"] != 0 {
		t.Errorf("calls %v", c)
	}
}

func TestMissedAndDenied(t *testing.T) {
	s := session()
	for _, step := range []struct{ function, key, missed string }{
		{"getv", "/app/none", "/app/none"}, {"getv", "/app/a", ""}, {"exists", "/secret/pw", "/secret/pw"}, {"getv", "/secret/x", "/secret/x"},
	} {
		if _, _, err := ask(t, s, step.function, step.key, 10); err != nil || s.Missed() != step.missed {
			t.Errorf("%s %s: missed %q, %v", step.function, step.key, s.Missed(), err)
		}
	}
	if d := s.Denied(); !slices.Equal(d, []string{"/secret/pw", "/secret/x"}) {
		t.Errorf("denied %q", d)
	}
}

func TestLog(t *testing.T) {
	s := session()
	if _, _, err := ask(t, s, "log", "one\ntwo\r\n", 0); err != nil {
		t.Fatal(err)
	}
	s.Stderr([]byte("pan"))
	s.Stderr([]byte("ic\nhalf"))
	var got []string
	for _, l := range s.Lines() {
		got = append(got, l.Level.String()+" "+l.Text)
	}
	want := []string{"info one", `info two\x0d`, "info panic", "info half"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Log(hostfuncs.LevelError, "one too many")
	s.Log(hostfuncs.LevelError, "and more")
	if lines := s.Lines(); len(lines) != 5 || !strings.Contains(lines[4].Text, "dropped") {
		t.Errorf("lines %v", lines)
	}
}

// A flood of a log without line feeds stays within the limit.
func TestLogFlood(t *testing.T) {
	s := session()
	for range 1000 {
		s.Stderr([]byte(strings.Repeat("x", 60)))
	}
	n := 0
	for _, l := range s.Lines() {
		n += len(l.Text)
	}
	if n > 200 {
		t.Errorf("%d bytes are kept", n)
	}
}

// Asking again for a key costs no allocation, whatever the answer is.
func TestAskingAgainAllocatesNothing(t *testing.T) {
	const length = 10
	texts := []string{"/app/dir/c", "/app/none/", "/secret/pw", "/secret/no"}
	for _, name := range []string{"getv", "exists"} {
		s := session()
		s.Limits.Calls = 1e6
		f, memory := function(t, name), []byte(strings.Join(texts, "")+"        ")
		stack := make([]uint64, 4)
		if n := testing.AllocsPerRun(100, func() {
			for i := range texts {
				copy(stack, []uint64{uint64(i * length), length, uint64(len(texts) * length), 8})
				if _, err := f.Call(s, memory, stack); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if got := s.Missed(); got != "/secret/no" {
			t.Errorf("%s: missed %q", name, got)
		}
	}
}

// No pointers and lengths reach beyond the memory, and nothing but the buffer
// is written.
func FuzzCall(f *testing.F) {
	f.Add(uint8(0), uint64(0), uint64(6), uint64(10), uint64(4))
	f.Add(uint8(2), uint64(0), uint64(6), uint64(60), uint64(5))
	f.Add(uint8(9), uint64(1)<<32|60, uint64(0xffffffff), uint64(0), uint64(0))
	all := hostfuncs.All()
	f.Fuzz(func(t *testing.T, which uint8, a, b, c, d uint64) {
		fn := all[int(which)%len(all)]
		memory := append(make([]byte, 0, 128), "/app/a/secret/pw/app/*[\xff0123456789012345678901234567890123456789"...)
		before, stack := string(memory), []uint64{a, b, c, d}
		_, err := fn.Call(session(), memory, stack)
		var bounds *hostfuncs.BoundsError
		if err != nil && fn.Name != "fail" && !errors.As(err, &bounds) && fn.Name != "write" {
			t.Errorf("%s: %v", fn.Name, err)
		}
		at, n := uint64(uint32(c)), uint64(uint32(d))
		if len(fn.Args) == 1 {
			at, n = uint64(uint32(a)), uint64(uint32(b))
		}
		for i := range memory {
			if memory[i] != before[i] && (uint64(i) < at || uint64(i) >= at+n) {
				t.Fatalf("%s wrote at %d, outside of %d+%d", fn.Name, i, at, n)
			}
		}
	})
}

// What the host has to remember is bounded: names that a guest asks for are
// counted, each once, denied and absent ones, too.
func TestNamesAreBounded(t *testing.T) {
	for _, name := range []string{"getv", "exists", "ls", "lsdir", "gets", "getvs"} {
		for _, root := range []string{"/app/", "/secret/"} {
			s := session()
			s.Limits.Calls = 1e6
			for range 2_000 { // one name costs once
				if _, _, err := ask(t, s, name, root+"again", 100); err != nil {
					t.Fatal(err)
				}
			}
			n, pad := 0, strings.Repeat("x", 4000)
			for ; ; n++ {
				_, _, err := ask(t, s, name, fmt.Sprint(root, n, pad), 100)
				var limit *hostfuncs.LimitError
				if errors.As(err, &limit) && limit.Limit == "reads" && limit.Max == uint64(s.Limits.Reads) {
					break
				}
				if err != nil || n > s.Limits.Reads/len(pad) {
					t.Fatalf("%s of %d names below %s: %v", name, n, root, err)
				}
			}
			if n < s.Limits.Reads/5000 {
				t.Errorf("%s of %d names below %s was refused", name, n, root)
			}
		}
	}
}

// endless is Keys with more of everything than anybody can wait for.
type endless struct {
	store
	value string
}

func (e endless) Glob(_ string, step func(int) bool, found func(key, value string) bool) error {
	for n := 0; step(1) && found(fmt.Sprint("/app/", n), e.value); n++ {
	}
	return nil
}

func (e endless) List(_ string, step func(int) bool, found func(name string, leaf bool) bool) {
	for n := 0; step(1) && found(fmt.Sprint(n), n%2 == 0); n++ {
	}
}

func (e endless) ListDirs(dir string, step func(int) bool, found func(name string, leaf bool) bool) {
	e.List(dir, step, func(name string, leaf bool) bool { return leaf || found(name, leaf) })
}

// A walk that could go on for ever is given up when its answer does not fit, or
// when the session is to end.
func TestWalksEnd(t *testing.T) {
	late := errors.New("late")
	for _, name := range []string{"gets", "getvs", "ls", "lsdir"} {
		s := session()
		s.Keys, s.Limits.Result = endless{keys, "value"}, 1<<20
		if n, _, err := ask(t, s, name, "/app/*", 0); n != hostfuncs.TooLarge || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		looks := 0
		s = session()
		s.Keys, s.Limits.Result = endless{keys, "value"}, 1<<30
		s.Interrupt = func(uint64) error {
			if looks++; looks > 100 {
				return late
			}
			return nil
		}
		if _, _, err := ask(t, s, name, "/app/*", 0); err != late {
			t.Errorf("%s: got %v", name, err)
		}
		if looks != 101 {
			t.Errorf("%s: %d looks", name, looks)
		}
	}
}

// An answer of exactly the limit fits; one name that comes twice is one.
func TestAnswersOfTheLimit(t *testing.T) {
	both := store{"/app": "v", "/app/app": "v", "/app/app/x": "v", "/app/b": "v", "/app/c/x": "v"}
	for _, c := range []struct{ function, text, want string }{
		{"gets", "/app/?", kvs("/app/b", "v")},
		{"getvs", "/app/*", list("v", "v")},
		{"ls", "/app", list("app", "b", "c")},
		{"lsdir", "/app", list("app", "c")},
	} {
		for _, less := range []int{0, 1} {
			s := session()
			s.Keys, s.Limits.Result = both, len(c.want)-less
			n, got, err := ask(t, s, c.function, c.text, 100)
			if less == 0 && got != c.want || less == 1 && n != hostfuncs.TooLarge || err != nil {
				t.Errorf("%s, limit %d: %d %q, %v", c.function, s.Limits.Result, n, got, err)
			}
		}
	}
}

// Names and values come sorted, however many there are and in whatever order.
func TestAnswersAreSorted(t *testing.T) {
	many, want := store{}, []string(nil)
	for n := range 5000 {
		text := fmt.Sprint(n * 7919 % 5003)
		many["/app/"+text] = text
		want = append(want, text)
	}
	slices.Sort(want)
	for _, function := range []string{"ls", "getvs"} {
		s := session()
		s.Keys, s.Limits.Result = many, 1<<20
		for _, text := range []string{"/app", "/app/*", "/app/"} { // the memory of one answer serves the next
			if n, got, err := ask(t, s, function, text, 1<<20); err != nil || int(n) != len(got) || n > 4 && got != list(want...) {
				t.Errorf("%s %s: %d of %d bytes, %v", function, text, n, len(list(want...)), err)
			}
		}
	}
}

// A walk is paid for by its steps, once.
func TestPriceOfWalks(t *testing.T) {
	for name, steps := range map[string]uint64{"gets": 5, "getvs": 5, "ls": 5, "lsdir": 5} {
		s, f := session(), function(t, name)
		for _, walks := range []uint64{1, 0} {
			memory, stack := []byte("/none/*"), []uint64{0, 7, 0, 0}
			fuel, err := f.Call(s, memory, stack)
			if want := hostfuncs.Price(7+4) + 32*steps*walks; fuel != want || err != nil {
				t.Errorf("%s: %d units of fuel, %v; want %d", name, fuel, err, want)
			}
		}
	}
}

// A long answer is copied in parts, between which the session may end.
func TestLongCopiesEnd(t *testing.T) {
	late := errors.New("late")
	s := session()
	s.Keys, s.Limits.Result = store{"/big": strings.Repeat("v", 5<<20)}, 8<<20
	n, got, err := ask(t, s, "getv", "/big", 5<<20)
	if n != 5<<20 || got != strings.Repeat("v", 5<<20) || err != nil {
		t.Errorf("%d, %d bytes, %v", n, len(got), err)
	}
	s.Interrupt = func(uint64) error { return late }
	if _, _, err := ask(t, s, "getv", "/big", 5<<20); err != late {
		t.Errorf("got %v", err)
	}
}

// A message that is cut says so, and no character is cut.
func TestLongFailure(t *testing.T) {
	var failure *hostfuncs.Failure
	long := strings.Repeat("x", hostfuncs.Longest-1) + "é"
	if _, _, err := ask(t, session(), "fail", long, 0); !errors.As(err, &failure) || failure.Message != long[:hostfuncs.Longest-1]+"…" {
		t.Errorf("got %v", err)
	}
}

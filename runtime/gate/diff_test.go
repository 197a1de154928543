package gate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		old, new string
		want     Diff
	}{
		"nothing": {"a\nb\n", "a\nb\n", Diff{Bytes: 4}},
		"empty":   {"", "", Diff{}},
		"new":     {"", "a\n\n# c\n", Diff{Added: 3, Significant: 1, Ratio: 1, Bytes: 7, Lines: []string{"+a", "+", "+# c"}}},
		"one line": {
			"a\nserver 1;\nz\n", "a\nserver 2;\nz\n",
			Diff{Added: 1, Removed: 1, Significant: 2, Ratio: 2.0 / 6, Bytes: 14, Lines: []string{"-server 1;", "+server 2;"}},
		},
		"only comments": {
			"# a\nx\n", "# b\n\n  # c\nx\n",
			Diff{Added: 3, Removed: 1, Ratio: 4.0 / 6, Bytes: 13, Lines: []string{"-# a", "+# b", "+", "+  # c"}},
		},
		"moved": {
			"1\n2\n3\n4\n", "2\n3\n4\n1\n",
			Diff{Added: 1, Removed: 1, Significant: 2, Ratio: 2.0 / 8, Bytes: 8, Lines: []string{"-1", "+1"}},
		},
		"lost newline": {"a\nb\n", "a\nb", Diff{Added: 1, Removed: 1, Significant: 2, Ratio: 0.5, Bytes: 3, Lines: []string{"-b", "+b"}}},
		"braces": {
			"a {\n}\nc {\n}\n", "a {\n}\nb {\n}\nc {\n}\n",
			Diff{Added: 2, Significant: 2, Ratio: 2.0 / 10, Bytes: 18, Lines: []string{"+b {", "+}"}},
		},
		"repeated lines before an anchor": {
			"a\n}\n}\nz\n1\n", "b\n}\n}\nz\n2\n",
			Diff{Added: 2, Removed: 2, Significant: 4, Ratio: 0.4, Bytes: 10, Lines: []string{"-a", "+b", "-1", "+2"}},
		},
	} {
		got := Compare([]byte(test.old), []byte(test.new), CommentsOf("a.conf"))
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s\n got %+v\nwant %+v", name, got, test.want)
		}
	}
}

// Without its removed lines the old file is the new one without its added
// lines; and equal files have no gap.
func TestCompareIsADifference(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		a, b := randomLines(rng), randomLines(rng)
		restOfA, restOfB := slices.Clone(a), slices.Clone(b)
		var removed, added [][]byte
		eachGap(a, b, func(r, s [][]byte) {
			removed, added = append(removed, r...), append(added, s...)
			cut(restOfA, r)
			cut(restOfB, s)
		})
		x, y := bytes.Join(restOfA, nil), bytes.Join(restOfB, nil)
		if !bytes.Equal(x, y) {
			t.Fatalf("%q\n%q\nremoved %q, added %q", a, b, removed, added)
		}
	}
}

// cut empties the lines of a file that are the same memory as those of a gap.
func cut(file, gap [][]byte) {
	for i := range file {
		for _, l := range gap {
			if len(l) > 0 && len(file[i]) > 0 && &file[i][0] == &l[0] {
				file[i] = nil
			}
		}
	}
}

func randomLines(rng *rand.Rand) [][]byte {
	l := make([][]byte, rng.IntN(30))
	for i := range l {
		l[i] = fmt.Appendf(nil, "%c\n", 'a'+rng.IntN(20))
	}
	return l
}

func TestCommentsOf(t *testing.T) {
	for dest, want := range map[string]string{
		"/etc/nginx/nginx.conf": "#", "/etc/haproxy/haproxy.cfg": "#", "/etc/my.cnf": "#", "/etc/hosts": "#", "/app/.env": "#",
		"/etc/php/php.ini": "# ;", "/app/app.js": "//", "/etc/bind/named.conf.local": "// #", "/etc/bind/db.zone": ";",
		"/app/a.json": "", "/app/a.xml": "", "/app/a.unknown": "", "/app/A.YAML": "#", "/app/log4j.properties": "# !",
	} {
		got := slices.Sorted(slices.Values(CommentsOf(dest)))
		if w := slices.Sorted(slices.Values(strings.Fields(want))); !slices.Equal(got, w) {
			t.Errorf("%s: %q, want %q", dest, got, w)
		}
	}
}

// bigFiles are two files of a hundred thousand lines that differ in every
// hundredth.
func bigFiles() (old, new []byte) {
	for i := range 100_000 {
		old = fmt.Appendf(old, "server 10.0.%d.%d weight=%d;\n", i>>8&255, i&255, i%7)
		change := ""
		if i%100 == 0 {
			change = " backup"
		}
		new = fmt.Appendf(new, "server 10.0.%d.%d weight=%d%s;\n", i>>8&255, i&255, i%7, change)
	}
	return old, new
}

func TestCompareBigFiles(t *testing.T) {
	old, new := bigFiles()
	for name, pair := range map[string][2][]byte{
		"few changes":     {old, new},
		"all equal lines": {bytes.Repeat([]byte("}\n"), 100_000), bytes.Repeat([]byte("}\n{\n"), 50_000)},
		"all different":   {bytes.ReplaceAll(old, []byte("server"), []byte("x")), new},
		"one line":        {bytes.ReplaceAll(old, []byte("\n"), nil), new},
	} {
		start := time.Now()
		d := Compare(pair[0], pair[1], hash)
		took := time.Since(start)
		t.Logf("%s: %v, +%d -%d", name, took, d.Added, d.Removed)
		if took > 10*time.Second { // 0.04 s when measured; quadratic would be minutes
			t.Errorf("%s took %v", name, took)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte("a\nb\n"), []byte("b\na"))
	f.Add([]byte("\r\n\r\n"), []byte("#\n"))
	f.Fuzz(func(t *testing.T, old, new []byte) {
		d := Compare(old, new, hash)
		if len(lines(old))-d.Removed != len(lines(new))-d.Added || d.Added+d.Removed != len(d.Lines) || d.Significant > len(d.Lines) {
			t.Errorf("%+v", d)
		}
		if bytes.Equal(old, new) != (len(d.Lines) == 0) {
			t.Errorf("equal %v, but %q", bytes.Equal(old, new), d.Lines)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	old, new := bigFiles()
	for b.Loop() {
		Compare(old, new, hash)
	}
}

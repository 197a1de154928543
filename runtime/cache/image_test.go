package cache

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/kv"
)

func encoded(t testing.TB, im image) []byte {
	t.Helper()
	var b bytes.Buffer
	w := &writer{to: &b}
	if err := w.image(im); err != nil {
		t.Fatal(err)
	}
	if w.size != int64(b.Len()) {
		t.Fatalf("size %d, wrote %d bytes", w.size, b.Len())
	}
	return b.Bytes()
}

func decoded(data []byte) (image, error) {
	r := &reader{from: bytes.NewReader(data), left: int64(len(data))}
	return r.image()
}

func imageOf(pairs ...kv.Pair) image {
	return image{Store: "etcd a:2379", Prefixes: []string{"/app", "/b"}, Cursor: "1.a.2", At: time.Unix(1700000000, 5).UTC(), snapshot: kv.NewSnapshot(pairs)}
}

func same(t testing.TB, got, want image) {
	t.Helper()
	if got.Store != want.Store || got.Cursor != want.Cursor || !got.At.Equal(want.At) || !slices.Equal(got.Prefixes, want.Prefixes) {
		t.Fatalf("read %+v, wrote %+v", got, want)
	}
	if g, w := maps.Collect(got.snapshot.From("")), maps.Collect(want.snapshot.From("")); !maps.Equal(g, w) {
		t.Fatalf("read %d keys, wrote %d", len(g), len(w))
	}
}

func manyPairs(n, length int) (ps []kv.Pair) {
	for i := range n {
		ps = append(ps, kv.Pair{Key: fmt.Sprintf("/app/%04d/%07d", i%1000, i), Value: strings.Repeat(string(rune('a'+i%26)), length)})
	}
	return ps
}

func TestImage(t *testing.T) {
	for name, pairs := range map[string][]kv.Pair{
		"none":         nil,
		"empty values": {{Key: "/a"}, {Key: "/b"}},
		"odd bytes":    {{Key: "/a\x00\n", Value: "\xff\x00"}, {Key: "/ü", Value: "\n"}},
		"many blocks":  manyPairs(5000, 50),
		"large values": {{Key: "/a", Value: strings.Repeat("x", 3*blockSize)}, {Key: "/b", Value: "y"}, {Key: "/c", Value: strings.Repeat("z", blockSize)}},
	} {
		t.Run(name, func(t *testing.T) {
			want := imageOf(pairs...)
			got, err := decoded(encoded(t, want))
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
		})
	}
}

// No byte can be changed, lost or added, and no block can change its place,
// without being noticed.
func TestImageDamaged(t *testing.T) {
	good := encoded(t, imageOf(manyPairs(20, 3)...))
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if _, err := decoded(bad); err == nil {
			t.Fatalf("byte %d was changed and nobody noticed", i)
		}
		if _, err := decoded(good[:i]); err == nil {
			t.Fatalf("cut to %d bytes and nobody noticed", i)
		}
	}
	if _, err := decoded(append(bytes.Clone(good), 0)); err == nil {
		t.Fatal("a byte more and nobody noticed")
	}
	three := manyPairs(3*blockSize/100, 100)
	blocks := encoded(t, imageOf(three...))
	at := bytes.Index(blocks, []byte("/app/")) // the pairs begin here, after a varint
	swapped := slices.Concat(blocks[:at], blocks[at+blockSize:], blocks[at:at+blockSize])
	if _, err := decoded(swapped); err == nil {
		t.Fatal("blocks changed places and nobody noticed")
	}
}

// FuzzImage: whatever a file holds, reading it neither panics nor takes much
// memory, and what is accepted is one image that can be written and read again.
func FuzzImage(f *testing.F) {
	f.Add(encoded(f, imageOf()))
	f.Add(encoded(f, imageOf(kv.Pair{Key: "/a", Value: "1"}, kv.Pair{Key: "/b"})))
	f.Add(encoded(f, imageOf(manyPairs(3, 200)...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := decoded(data)
		if err != nil {
			return
		}
		again, err := decoded(encoded(t, im))
		if err != nil {
			t.Fatal(err)
		}
		same(t, again, im)
	})
}

// FuzzBlocks is FuzzImage behind the checksums: it makes them right.
func FuzzBlocks(f *testing.F) {
	f.Add([]byte(`{"store":"s","prefixes":["/"],"cursor":"c","at":"2026-01-02T03:04:05Z","keys":2}`), []byte("\x02/a\x011\x02/b\x00"))
	f.Add([]byte(`{"keys":1}`), []byte("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"))
	f.Add([]byte(`{"keys":-1}`), []byte("\x02/a\x00"))
	f.Add([]byte(`{"keys":99999999999}`), []byte("\x02/b\x00\x02/a\x00"))
	f.Fuzz(func(t *testing.T, head, body []byte) {
		var b bytes.Buffer
		w := &writer{to: &b}
		w.write([]byte(magic))
		for _, block := range [][]byte{head, body} {
			w.block = append(make([]byte, 8), block...)
			w.flush()
		}
		im, err := decoded(b.Bytes())
		if err != nil {
			return
		}
		again, err := decoded(encoded(t, im))
		if err != nil {
			t.Fatal(err)
		}
		same(t, again, im)
	})
}

// BenchmarkImage writes and reads 500,000 keys with values of 50 bytes.
func BenchmarkImage(b *testing.B) {
	im := imageOf(manyPairs(500_000, 50)...)
	data := encoded(b, im)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			encoded(b, im)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decoded(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

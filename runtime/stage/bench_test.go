package stage_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/stage"
)

var page = strings.Repeat("upstream backend { server 10.0.0.1:80; }\n", 100) // 4 KB

func BenchmarkInSync(b *testing.B) {
	dest := filepath.Join(b.TempDir(), "f")
	put(b, dest, page, 0o644)
	d, content := &stage.Disk{}, []byte(page)
	b.ReportAllocs()
	for b.Loop() {
		f, err := d.Stage(context.Background(), at(dest), content)
		if err != nil || !f.Difference().None() {
			b.Fatal(err)
		}
	}
}

func BenchmarkSwap(b *testing.B) {
	for _, noSync := range []bool{false, true} {
		b.Run(fmt.Sprintf("sync=%v", !noSync), func(b *testing.B) {
			dest := filepath.Join(b.TempDir(), "f")
			d := &stage.Disk{NoSync: noSync}
			for n := 0; b.Loop(); n++ {
				replace(b, d, at(dest), fmt.Sprint(page, n))
			}
		})
	}
}

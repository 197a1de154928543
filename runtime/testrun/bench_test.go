package testrun_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/testrun"
)

// BenchmarkThousand is a file with a thousand cases: a render, its free checks
// and three expectations each.
func BenchmarkThousand(b *testing.B) {
	world(b, "nginx.txtar")
	var text strings.Builder
	text.WriteString(head)
	for i := range 1000 {
		fmt.Fprintf(&text, "[[case]]\nname = \"case %d\"\nset = { \"/workers\" = \"%d\" }\nexpect = { contains = [\"worker_processes %d;\"], reload = \"now\", written = true }\n", i, i, i)
	}
	write(b, "tests/x_test.toml", text.String())
	for b.Loop() {
		r, out := run(b, testrun.Options{Paths: []string{"tests/x_test.toml"}})
		if passed, _, _, _ := r.Counts(); passed != 1000 {
			b.Fatal(out)
		}
	}
}

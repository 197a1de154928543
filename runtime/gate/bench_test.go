package gate

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`touched("/tls/*") || (every("1m") && settled("2s"))`, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJudge is a whole judgement: environment, leaves and looking ahead.
func BenchmarkJudge(b *testing.B) {
	for i, r := range Recipes {
		in := Sample()
		if r.change != nil {
			r.change(&in)
		}
		g := mustCompile(b, r.Expr)
		b.Run(fmt.Sprintf("%02d-%s", i+1, strings.Fields(r.Result)[0]), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Judge(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkJudge10000Values(b *testing.B) {
	in := bigInput()
	g := mustCompile(b, `all(values(new), # != "")`)
	for b.Loop() {
		if _, err := g.Judge(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

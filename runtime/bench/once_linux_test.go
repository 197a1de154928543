package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// BenchmarkOnce measures a one-shot run on etcd, from the start of the process
// to its last file and to its exit: one template of ten keys, 200 templates of
// fifty each, and one over many.
func BenchmarkOnce(b *testing.B) {
	s := startStore(b, 0)
	b.Run("1x10", func(b *testing.B) {
		s.grow(10)
		w := newWorld(b)
		w.sharing(1, 10)
		once(b, w, s)
	})
	b.Run("200x50", func(b *testing.B) {
		s.grow(200 * 50)
		w := newWorld(b)
		for i := range 200 {
			var text strings.Builder
			for j := range 50 {
				fmt.Fprintf(&text, "%[1]s={{getv %[1]q}}\n", key(i*50+j))
			}
			w.add(text.String(), `keys = ["/app"]`)
		}
		once(b, w, s)
	})
	many := pick(10_000, 50_000)
	b.Run(fmt.Sprintf("1x%dk", many/1000), func(b *testing.B) {
		s.grow(many)
		w := newWorld(b)
		w.add("{{range gets \"/app/*/*\"}}{{.Key}}={{.Value}}\n{{end}}", `keys = ["/app"]`)
		once(b, w, s)
	})
}

func once(b *testing.B, w *world, s *store) {
	out := watchOutputs(b, w.path("out"))
	var file, exit, ran []time.Duration
	for range pick(3, 10) {
		for i := range w.n {
			os.Remove(w.path(fmt.Sprint("out/", i)))
		}
		before, began := out.renders(), time.Now()
		p := launch(b, w.dir, "-onetime", "-confdir", ".", "-state-dir", "state", "-node", s.Endpoint)
		if err := p.cmd.Wait(); err != nil {
			b.Fatalf("%v\n%s", err, p.log)
		}
		exit = append(exit, time.Since(began))
		file = append(file, out.after(before+w.n).Sub(began))
		ran = append(ran, p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime())
	}
	report(b, figure{"file-ms", median(file)}, figure{"exit-ms", median(exit)}, figure{"cpu-ms", median(ran)})
}

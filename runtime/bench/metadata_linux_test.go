package bench

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// BenchmarkMetadata measures from the moment at which `wconf metadata serve` is
// told of new answers to the rename of the file that holds them, with small
// and large answers of which one value changes.
func BenchmarkMetadata(b *testing.B) {
	for _, containers := range pick([]int{100}, []int{100, 5_000}) {
		b.Run(fmt.Sprintf("containers=%d", containers), func(b *testing.B) {
			w := newWorld(b)
			answers := w.path("answers.json")
			w.write(answers, containers, "first")
			l, err := net.Listen("tcp", "127.0.0.1:0")
			w.must(err)
			address := l.Addr().String()
			l.Close()
			server := launch(b, w.dir, "metadata", "serve", "-answers", answers, "-listen", address, "-listenReload", "")
			w.add("{{getv \"/stamp\"}}\n{{range ls \"/containers\"}}{{.}}\n{{end}}", "prefix = \"/latest\"\nkeys = [\"/\"]")
			m := newMeter(b, address)
			out := watchOutputs(b, w.path("out"))
			d := w.run("-backend", "rancher", "-node", "http://"+m.Endpoint)
			out.until("0", "first")
			settle(b, d.pid())
			n, daemon, served, from := pick(10, 100), cpu(b, d.pid()), cpu(b, server.pid()), m.from.Load()
			var took []time.Duration
			for i := range n {
				stamp := fmt.Sprintf("stamp %d.", i)
				w.write(answers, containers, stamp)
				time.Sleep(20 * time.Millisecond) // the long poll is there again
				began := time.Now()
				server.cmd.Process.Signal(syscall.SIGHUP)
				took = append(took, out.until("0", stamp).Sub(began))
			}
			settle(b, d.pid())
			report(b, append(percentiles(took), figure{"cpu-ms/change", ms(cpu(b, d.pid())-daemon) / float64(n)},
				figure{"server-cpu-ms/change", ms(cpu(b, server.pid())-served) / float64(n)}, figure{"from-server-KiB/change", float64(m.from.Load()-from) / 1024 / float64(n)})...)
		})
	}
}

// write replaces the answers file.
func (w *world) write(path string, containers int, stamp string) {
	var list []map[string]any
	for i := range containers {
		list = append(list, map[string]any{
			"name": fmt.Sprintf("service-%d", i), "uuid": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "primary_ip": fmt.Sprintf("10.0.%d.%d", i>>8, i&255),
			"labels": map[string]string{"io.rancher.stack.name": "web", "zone": "a"}, "create_index": i, "health_state": "healthy",
		})
	}
	text, err := json.Marshal(map[string]any{"latest": map[string]any{"default": map[string]any{"version": stamp, "stamp": stamp, "containers": list}}})
	w.must(err)
	w.must(os.WriteFile(path+".new", text, 0o644))
	w.must(os.Rename(path+".new", path))
}

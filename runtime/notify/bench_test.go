package notify

import (
	"fmt"
	"testing"

	"github.com/fsnotify/fsnotify"
)

// What a daemon of 200 resources does every half minute.
func BenchmarkLook(b *testing.B) {
	dir := b.TempDir()
	r := &round{kernel: newKernel(fsnotify.NewWatcher)}
	b.Cleanup(r.kernel.close)
	add := func(path string) { r.targets = append(r.targets, &target{asked: path, absolute: path}) }
	add(dir + "/conf.d")
	for i := range 200 {
		for _, path := range []string{fmt.Sprintf("%s/conf.d/t%03d.toml", dir, i), fmt.Sprintf("%s/templates/t%03d.tmpl", dir, i)} {
			write(b, path, "x")
			add(path)
		}
	}
	r.look(r.targets)
	b.ReportAllocs()
	for b.Loop() {
		if changed := r.look(r.targets); len(changed) > 0 {
			b.Fatal("something changed")
		}
	}
}

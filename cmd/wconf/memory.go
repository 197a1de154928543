package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// collectLate lets the first collection of garbage wait until the heap holds
// 32 MiB instead of 4: most one-shot runs end before, and in the others each
// early collection looks at keys and templates that all stay. From then on the
// collector runs as ever. GOGC overrules it.
func collectLate() {
	if os.Getenv("GOGC") != "" {
		return
	}
	ordinary := debug.SetGCPercent(800)
	first := new([64]byte)
	runtime.SetFinalizer(first, func(*[64]byte) { debug.SetGCPercent(ordinary) })
}

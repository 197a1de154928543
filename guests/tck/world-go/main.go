//go:build wasip1

// Asks for everything that could differ between two hosts, and writes what it is
// told: the clock, randomness, the environment, arguments, files, processors, the
// order of maps, addresses.
package main

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"runtime"
	"strings"
	"time"

	wconf "github.com/wconf/wconf/guests/sdk/go"
)

func main() {}

//go:wasmexport render
func render() int32 {
	var out strings.Builder
	say := func(name string, value any) { fmt.Fprintf(&out, "%s %v\n", name, value) }
	began := time.Now()
	say("now", began.UTC().Format(time.RFC3339Nano))
	say("zone", began.Location())
	time.Sleep(time.Millisecond)
	say("slept", time.Since(began))
	bytes := make([]byte, 16)
	rand.Read(bytes)
	say("random", bytes)
	say("seeded", mathrand.Uint64())
	say("environment", os.Environ())
	say("arguments", os.Args)
	_, err := os.ReadDir("/")
	say("files", err)
	host, err := os.Hostname()
	say("host", host+" "+fmt.Sprint(err))
	say("processors", runtime.GOMAXPROCS(0)*1000+runtime.NumCPU())
	order := map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": true, "f": true, "g": true, "h": true, "i": true}
	for name := range order {
		out.WriteString(name)
	}
	say("", "")
	say("address", &order)
	say("heap", fmt.Sprintf("%p", bytes))
	wconf.Write(out.String())
	return 0
}

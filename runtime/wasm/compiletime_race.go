//go:build race

package wasm

import "time"

// compileTime is longer beside the race detector, which makes the compiler ten
// times slower: the engine of scripts takes half a minute on a busy machine.
const compileTime = 5 * time.Minute

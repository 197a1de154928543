//go:build !race

package wasm

import "time"

// compileTime bounds the compilation of one module.
const compileTime = 30 * time.Second

//go:build race

package wasm_test

// raced tells whether the race detector is there, which makes all of it slower.
const raced = true

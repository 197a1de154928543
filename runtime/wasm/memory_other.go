//go:build !linux

package wasm

func giveBack(b []byte) error {
	clear(b)
	return nil
}

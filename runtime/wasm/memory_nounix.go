//go:build !unix

package wasm

func reserve(limit uint64) ([]byte, error) { return make([]byte, limit), nil }

func release([]byte) {}

func executable() bool { return true }

func wipe(b []byte) error {
	clear(b)
	return nil
}

//go:build !linux

package notify

import (
	"encoding/binary"
	"io/fs"
)

// stamp is what changes when a file does.
func stamp(info fs.FileInfo) []byte {
	b := binary.AppendVarint(nil, info.Size())
	b = binary.AppendUvarint(b, uint64(info.Mode()))
	return binary.AppendVarint(b, info.ModTime().UnixNano())
}

package notify

import (
	"encoding/binary"
	"io/fs"
	"syscall"
)

// stamp is what changes when a file does. The time of the last change of the
// inode cannot be set back, and a file renamed into place has another inode.
func stamp(info fs.FileInfo) []byte {
	b := binary.AppendVarint(nil, info.Size())
	b = binary.AppendUvarint(b, uint64(info.Mode()))
	b = binary.AppendVarint(b, info.ModTime().UnixNano())
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		b = binary.AppendUvarint(b, st.Ino)
		b = binary.AppendUvarint(b, uint64(st.Uid)<<32|uint64(st.Gid))
		b = binary.AppendVarint(b, st.Ctim.Nano())
	}
	return b
}

//go:build unix

package stage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	accessList = "system.posix_acl_access"
	ownMarks   = "user.wconf."
)

// copyAttrs gives to the extended attributes of from: its access list, its
// SELinux or Smack label, and what users put there. Never wconf's own marks,
// which are about one content, nor capabilities and signatures (security.ima,
// security.evm), which are too. It returns the names that could not be copied;
// a lost access list is an error, since the mode would then mean more.
func copyAttrs(from, to int, mode uint32) (lost []string, err error) {
	names, err := listAttrs(from)
	if err != nil {
		return nil, nil // a file system without attributes
	}
	hadList := false
	for name := range strings.SplitSeq(string(names), "\x00") {
		if !copied(name) {
			continue
		}
		value, err := getAttr(from, name)
		if err != nil {
			continue
		}
		if name == accessList {
			hadList, value = true, narrowed(value, mode)
		}
		if err := setAttr(to, name, value); err != nil && name == accessList {
			return nil, fmt.Errorf("copy the access list: %w", err)
		} else if err != nil {
			lost = append(lost, name)
		}
	}
	if !hadList { // the directory's default list would give what the old file did not
		if err := removeAttr(to, accessList); err != nil && !errors.Is(err, errNoAttr) && !errors.Is(err, errNoAttrFS) {
			return lost, fmt.Errorf("drop the inherited access list: %w", err)
		}
	}
	return lost, nil
}

func copied(name string) bool {
	switch name {
	case accessList, "security.selinux", "security.SMACK64":
		return true
	}
	return strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, ownMarks)
}

// Tags of access list entries, and the length of header and entry, as in
// linux/posix_acl_xattr.h.
const (
	aclHeader, aclEntry                        = 4, 8
	aclUserObj, aclGroupObj, aclMask, aclOther = 0x01, 0x04, 0x10, 0x20
)

// narrowed is an access list whose base entries say mode already, so that the
// new file is never open wider than it will be in the end.
func narrowed(list []byte, mode uint32) []byte {
	group := uint16(aclGroupObj)
	for e := aclHeader; e+aclEntry <= len(list); e += aclEntry {
		if binary.LittleEndian.Uint16(list[e:]) == aclMask {
			group = aclMask
		}
	}
	for e := aclHeader; e+aclEntry <= len(list); e += aclEntry {
		switch tag := binary.LittleEndian.Uint16(list[e:]); {
		case tag == aclUserObj:
			binary.LittleEndian.PutUint16(list[e+2:], uint16(mode>>6&7))
		case tag == group:
			binary.LittleEndian.PutUint16(list[e+2:], uint16(mode>>3&7))
		case tag == aclOther:
			binary.LittleEndian.PutUint16(list[e+2:], uint16(mode&7))
		}
	}
	return list
}

// writeAttr sets an attribute of a file whose owner may not write it, too: the
// kernel asks for that right, so an ordinary user takes it for a moment.
func writeAttr(fd int, change func() error) error {
	err := change()
	if !errors.Is(err, unix.EACCES) {
		return err
	}
	at, err := statOf(fd)
	if err != nil {
		return err
	}
	if err := unix.Fchmod(fd, at.mode|0o200); err != nil {
		return err
	}
	defer unix.Fchmod(fd, at.mode)
	return change()
}

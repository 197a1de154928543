package ledger

import (
	"os"
	"strings"
)

// fits says whether a record was written here. Images and volumes carry records
// to other machines, where no service runs with what they say; but a container
// that is made anew may have another machine id, and every reboot gives another
// boot id. So it counts when either is the same.
func (r Record) fits(machine, boot string) bool {
	return r.Machine != "" && r.Machine == machine || r.Boot != "" && r.Boot == boot
}

// machine and boot are hashes, as machine-id(5) asks of those who keep the id.
// Where there is neither, as beyond Linux, the host's name serves.
func machine() string {
	id := firstLine("/etc/machine-id")
	if id == "uninitialized" { // the first boot of an image
		id = ""
	}
	if id == "" && boot() == "" {
		id, _ = os.Hostname()
	}
	return identify(id)
}

func boot() string { return identify(firstLine("/proc/sys/kernel/random/boot_id")) }

func identify(id string) string {
	if id == "" {
		return ""
	}
	return Hash([]byte("wconf ledger " + id))[:32]
}

func firstLine(path string) string {
	text, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

package guides_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wconf/wconf/examples/machinetest"
	"github.com/wconf/wconf/runtime/needs"
)

func TestNginxFromEtcd(t *testing.T) {
	execute(t, "en/nginx-etcd.md", "etcd", "etcdctl", "nginx", "curl")
}

func TestGaleraFromRancherMetadata(t *testing.T) { execute(t, "en/galera-rancher.md", "curl") }

func TestMetadataByCurl(t *testing.T) { execute(t, "en/metadata.md", "curl") }

// execute runs a guide in one shell, on a machine of its own, and compares what
// its blocks print.
func execute(t *testing.T, page string, tools ...string) {
	for _, tool := range append(tools, "ip") {
		needs.Tool(t, tool)
	}
	all := blocks(t, page)
	machinetest.Run(t, func(m *machinetest.Machine) {
		printed := strings.Split(m.Sh(script(all)), mark)
		for _, b := range all {
			switch {
			case b.info == "sh":
				printed = printed[1:]
			case strings.TrimSpace(printed[0]) != strings.TrimSpace(b.text):
				t.Errorf("%s: printed\n%s\nbut the guide says\n%s", page, printed[0], b.text)
			}
		}
	})
}

// mark stands before what a block prints.
const mark = "---- next block ----\n"

func script(all []block) string {
	var s strings.Builder
	for _, b := range all {
		if b.info == "sh" {
			fmt.Fprintf(&s, "echo; printf -- '%s'\n%s", strings.ReplaceAll(mark, "\n", `\n`), b.text)
		}
	}
	return s.String()
}

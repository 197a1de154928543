//go:build unix

package runtime_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/needs"
)

// TestReadme runs every shell block of README.md, in order, in one shell, and
// compares what it prints with the text block that follows. "…" stands for
// anything in a line. The first block, which builds the program, is done by the
// test itself.
func TestReadme(t *testing.T) {
	all := blocks(t, "../README.md")
	if all[0].info != "sh setup" {
		t.Fatalf("the first block is %q", all[0].info)
	}
	t.Run("files", func(t *testing.T) { play(t, all[1:], false) })
	t.Run("etcd", func(t *testing.T) {
		needs.Tool(t, "etcd")
		needs.Tool(t, "etcdctl")
		play(t, all[1:], true)
	})
}

// block is a fenced block of a page.
type block struct {
	info, text string
	line       int
}

func blocks(t *testing.T, page string) (all []block) {
	var open *block
	for i, line := range strings.Split(string(mustRead(t, page)), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{info: info, line: i + 1}
		case fence:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return all
}

// play runs the shell blocks, those that need etcd if they are wanted.
func play(t *testing.T, all []block, etcd bool) {
	const mark = "---- block of line "
	var script strings.Builder
	want := map[string]block{}
	last := ""
	for _, b := range all {
		switch {
		case b.info == "sh", b.info == "sh etcd" && etcd:
			last = fmt.Sprint(b.line)
			fmt.Fprintf(&script, "echo '%s%s'\n%s\n", mark, last, b.text)
		case b.info == "sh etcd":
			last = ""
		case b.info == "text" && last != "":
			want[last] = b
		}
	}
	printed := "\n" + shell(t, script.String(), etcd)
	got := map[string]string{}
	for _, part := range strings.Split(printed, "\n"+mark)[1:] {
		line, text, _ := strings.Cut(part, "\n")
		got[line] = strings.TrimSuffix(text, "\n")
	}
	for line, b := range want {
		if pattern := pattern(b.text); !pattern.MatchString(got[line]) {
			t.Errorf("README.md:%s prints\n%s\nand line %d says\n%s", line, got[line], b.line, b.text)
		}
	}
}

// pattern is what a text block means.
func pattern(text string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.TrimRight(text, "\n"))
	return regexp.MustCompile("^" + strings.ReplaceAll(quoted, "…", "[^\n]*") + "$")
}

// shell runs a script with the program of this tree in its PATH, and ends
// everything that it leaves running.
func shell(t *testing.T, script string, etcd bool) string {
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, "/bin/sh", "-eu", "-c", script)
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "PATH="+filepath.Dir(buildWconf(t))+":"+os.Getenv("PATH"), "SOURCE="+source, "NO_COLOR=1", "CI=")
	if etcd {
		c.Env = append(c.Env, etcdPorts(t)...)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	syscall.Kill(-c.Process.Pid, syscall.SIGKILL) //nolint:errcheck // usually nothing is left
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(c.Dir, "wconf.log"))
		t.Fatalf("%v\n%s%s\nwconf.log:\n%s", err, out.String(), errs.String(), log)
	}
	return out.String()
}

// etcdPorts moves etcd and its clients away from the usual ports.
func etcdPorts(t *testing.T) []string {
	client, peer := "http://"+etcdtest.FreeAddress(t), "http://"+etcdtest.FreeAddress(t)
	return []string{
		"ETCD_LISTEN_CLIENT_URLS=" + client, "ETCD_ADVERTISE_CLIENT_URLS=" + client, "ETCDCTL_ENDPOINTS=" + client, "WCONF_NODE=" + client,
		"ETCD_LISTEN_PEER_URLS=" + peer, "ETCD_INITIAL_ADVERTISE_PEER_URLS=" + peer, "ETCD_INITIAL_CLUSTER=default=" + peer, "ETCDCTL_API=3",
	}
}

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/wconf/wconf/guests"
)

const resources = 200

// patience is how long a beat waits for what must come.
const patience = 15 * time.Second

// world is the directory of a play, its keys and the wconf that runs in it.
type world struct {
	ctx    context.Context
	o      Options
	dir    string
	keys   map[string]string
	daemon *exec.Cmd
	log    int // how much of the log an earlier wconf wrote
}

func newWorld(ctx context.Context, o Options) (w *world, err error) {
	w = &world{ctx: ctx, o: o, dir: o.Dir, keys: map[string]string{}}
	if w.dir == "" {
		if w.dir, err = os.MkdirTemp("", "wconf-demo-"); err != nil {
			return nil, err
		}
	}
	return w, w.build()
}

// build writes what a world begins with.
func (w *world) build() error {
	scenery, err := fs.Sub(files, "world")
	if err != nil {
		return err
	}
	if err := os.CopyFS(w.dir, scenery); err != nil {
		return err
	}
	for _, dir := range []string{"out/fleet", "conf.d/fleet"} {
		if err := os.MkdirAll(w.path(dir), 0o755); err != nil {
			return err
		}
	}
	for i := range resources {
		name := fmt.Sprintf("%03d", i)
		w.keys["/fleet/"+name+"/host"] = name
		w.keys["/fleet/"+name+"/port"] = fmt.Sprint(8000 + i)
		text := fmt.Sprintf("[template]\nsrc = \"fleet.tmpl\"\ndest = \"out/fleet/%s.conf\"\nprefix = \"/fleet/%s\"\nkeys = [\"/host\", \"/port\"]\n", name, name)
		if err := w.write("conf.d/fleet/"+name+".toml", text); err != nil {
			return err
		}
	}
	for k, v := range map[string]string{
		"/checked/value": "fine", "/service/mode": "green", "/patient/n": "1", "/admin/password": "not for guests",
		"/nginx/upstream": "web", "/nginx/listen": "80", "/nginx/server_name": "www.example.org",
	} {
		w.keys[k] = v
	}
	for i := range 20 {
		at := fmt.Sprintf("/services/web/%d/", i)
		w.keys[at+"host"], w.keys[at+"port"], w.keys[at+"weight"] = fmt.Sprintf("10.0.0.%d", i), fmt.Sprint(8000+i), "1"
	}
	for name, text := range map[string][]byte{
		"nginx.wasm": guests.Nginx, "nginx.tmpl": guests.NginxTemplate, "nosy.wasm": guests.Nosy, "endless.wasm": guests.Endless,
	} {
		if err := w.write("templates/"+name, string(text)); err != nil {
			return err
		}
	}
	return w.save()
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// write replaces a file whole, as an editor does.
func (w *world) write(name, text string) error {
	next := w.path(name + ".new")
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(next, w.path(name))
}

func (w *world) save() error {
	text, err := json.MarshalIndent(w.keys, "", " ")
	if err != nil {
		return err
	}
	return w.write("keys.json", string(text))
}

// set changes a key in the store: a file, here.
func (w *world) set(key, value string) {
	w.keys[key] = value
	if err := w.save(); err != nil {
		w.say("%v", err)
	}
}

func (w *world) file(name string) string {
	text, err := os.ReadFile(w.path(name))
	if err != nil {
		return ""
	}
	return string(text)
}

func (w *world) holds(name, part string) bool { return strings.Contains(w.file(name), part) }

// stamps tells the files of a directory apart from what replaces them.
func (w *world) stamps(dir string) map[string]time.Time {
	all := map[string]time.Time{}
	entries, _ := os.ReadDir(w.path(dir))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !strings.HasPrefix(e.Name(), ".") { // no staged files
			all[e.Name()] = info.ModTime()
		}
	}
	return all
}

func (w *world) command(args ...string) *exec.Cmd {
	all := append(append([]string{}, w.o.Wconf[1:]...), args...)
	c := exec.CommandContext(w.ctx, w.o.Wconf[0], all...)
	c.Dir = w.dir
	c.Env = append(os.Environ(), "NO_COLOR=1", "CI=")
	return c
}

// start runs a wconf that watches.
func (w *world) start() error {
	log, err := os.OpenFile(w.path("wconf.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	w.log = len(w.file("wconf.log"))
	w.daemon = w.command("run", "--confdir", ".", "--backend", "file", "--file", "keys.json", "--state-dir", "state", "--log-format", "text")
	w.daemon.Stderr, w.daemon.Stdout = log, log
	return w.daemon.Start()
}

func (w *world) run(args ...string) (string, error) {
	out, err := w.command(args...).CombinedOutput()
	return string(out), err
}

// kill ends wconf as a power cut would.
func (w *world) kill() {
	if w.daemon != nil {
		w.daemon.Process.Kill() //nolint:errcheck // it may have ended by itself
		w.daemon.Wait()         //nolint:errcheck // killed
		w.daemon = nil
	}
}

func (w *world) close() {
	w.kill()
	if !w.o.Keep && w.o.Dir == "" {
		os.RemoveAll(w.dir) //nolint:errcheck // a temporary directory
	}
}

// wait waits for what must come.
func (w *world) wait(what string, came func() bool) error {
	const pause = 2 * time.Millisecond
	for range int(patience / pause) { // a machine may stand still while its clock goes on
		if came() {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-w.ctx.Done():
			return w.ctx.Err()
		}
	}
	return fmt.Errorf("waited %s in vain for %s", patience, what)
}

// logged tells whether a line of this wconf's log has all parts.
func (w *world) logged(parts ...string) bool { return w.line(parts...) != "" }

// line is the last such line, without its time.
func (w *world) line(parts ...string) string {
	all := lines(w.file("wconf.log")[w.log:])
next:
	for i := len(all) - 1; i >= 0; i-- {
		for _, p := range parts {
			if !strings.Contains(all[i], p) {
				continue next
			}
		}
		_, line, _ := strings.Cut(all[i], " ")
		return line
	}
	return ""
}

func (w *world) lastLines() error {
	all := lines(w.file("wconf.log"))
	return errors.New("the end of wconf's log:\n" + strings.Join(all[max(0, len(all)-15):], "\n"))
}

func lines(text string) []string {
	return strings.Split(string(bytes.TrimRight([]byte(text), "\n")), "\n")
}

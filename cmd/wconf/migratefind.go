package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/problem"
)

// option is the place of an option in the daemon's file, or of nothing where
// it does not set it.
func (m *moved) option(name, msg string) *problem.Problem {
	if m.doc != nil {
		for _, path := range m.keysOfFile() {
			if slices.Contains(optionKeys(name), strings.ToLower(path[len(path)-1])) {
				return m.doc.Problem(problem.Config, msg, "", path...)
			}
		}
	}
	return &problem.Problem{Msg: msg}
}

// keysOfFile is the path of each option that the daemon's file sets.
func (m *moved) keysOfFile() (all [][]string) {
	for _, name := range m.doc.Names() {
		if _, isTable := m.doc.Table[name].(map[string]any); isTable {
			for _, inner := range m.doc.Names(name) {
				all = append(all, []string{name, inner})
			}
			continue
		}
		all = append(all, []string{name})
	}
	return all
}

func optionKeys(name string) (keys []string) {
	for _, o := range config.Options {
		if o.Name == name {
			for _, k := range o.Keys() {
				keys = append(keys, strings.ToLower(k))
			}
		}
	}
	return keys
}

func flagsAgainstFile(m *moved) (met []*problem.Problem) {
	for _, o := range config.Options {
		flag, given := m.flags[o.Name]
		value, set := m.file[o.Name]
		if given && set && fmt.Sprint(flag.Any) != fmt.Sprint(value.Any) {
			met = append(met, m.option(o.Name, "the flag -"+o.Name+" says something else"))
		}
	}
	return met
}

func fileSetsOptions(m *moved) []*problem.Problem {
	if len(m.file) == 0 {
		return nil
	}
	var names []string
	for _, path := range m.keysOfFile() {
		names = append(names, path[len(path)-1])
	}
	return []*problem.Problem{m.doc.Problem(problem.Config, "it sets "+strings.Join(names, ", "), "", m.keysOfFile()[0]...)}
}

// classicVariables are those that confd 0.16 reads.
var classicVariables = []string{"CONFD_CLIENT_CERT", "CONFD_CLIENT_KEY", "CONFD_CLIENT_CAKEYS"}

func variables(*moved) (met []*problem.Problem) {
	layer, _ := config.Environment(os.Getenv)
	for _, o := range config.Options {
		name := layer[o.Name].From
		if strings.HasPrefix(name, "CONFD_") && !slices.Contains(classicVariables, name) {
			met = append(met, &problem.Problem{Msg: name + " is set here"})
		}
	}
	return met
}

func unknownKeys(m *moved) (met []*problem.Problem) {
	for _, p := range slices.Concat(m.unknown, m.set.Warnings) {
		if p.Code == problem.UnknownKey {
			copied := *p
			met = append(met, &copied)
		}
	}
	return met
}

// store is the store of a resource.
func (m *moved) store(r *config.Resource) config.Store { return r.Store(m.settings.Store) }

// stores is the places that name a store, with what it is called.
func (m *moved) stores(is func(name string) bool, msg string) (met []*problem.Problem) {
	if name := m.settings.Store.Backend; m.settings.merged.Set("backend") && is(name) {
		met = append(met, m.option("backend", msg))
	}
	for _, r := range m.set.Resources {
		if r.Backend != nil && is(m.store(r).Backend) {
			met = append(met, r.Problem(problem.Config, msg, "", "src"))
		}
	}
	return met
}

func backendIs(msg, name string) func(*moved) []*problem.Problem {
	return func(m *moved) []*problem.Problem {
		return m.stores(func(is string) bool { return is == name }, msg)
	}
}

func otherBackends(m *moved) []*problem.Problem {
	return m.stores(func(name string) bool {
		_, err := runtime.FindBackend(name)
		return err != nil
	}, "a store that is not here")
}

func envWatch(m *moved) []*problem.Problem {
	if !m.settings.Watch {
		return nil
	}
	return m.stores(func(name string) bool { return name == "env" }, "env is watched")
}

// fields finds the resources that set one of these.
func fields(names ...string) func(*moved) []*problem.Problem {
	return func(m *moved) (met []*problem.Problem) {
		for _, r := range m.set.Resources {
			for _, name := range names {
				if r.Has(name) {
					met = append(met, r.Problem(problem.Config, name+" is set", "", name))
				}
			}
		}
		return met
	}
}

// each asks about every resource; an empty answer is none.
func (m *moved) each(field string, about func(*config.Resource) string) (met []*problem.Problem) {
	for _, r := range m.set.Resources {
		if msg := about(r); msg != "" {
			met = append(met, r.Problem(problem.Config, msg, "", field))
		}
	}
	return met
}

func prefixes(m *moved) []*problem.Problem {
	daemon := m.settings.Prefix
	return m.each("prefix", func(r *config.Resource) string {
		if daemon == "" || r.Prefix == "" || m.settings.JoinPrefix {
			return ""
		}
		return fmt.Sprintf("the daemon has the prefix %s", daemon)
	})
}

func starKeys(m *moved) []*problem.Problem {
	return m.each("keys", func(r *config.Resource) string {
		for _, key := range r.Keys {
			if strings.HasSuffix(key, "/*") {
				return fmt.Sprintf("the key %q", key)
			}
		}
		return ""
	})
}

func decimalModes(m *moved) []*problem.Problem {
	return m.each("mode", func(r *config.Resource) string {
		at := r.Problem(problem.Config, "", "", "mode")
		written := strings.TrimLeft(at.Source[min(max(at.Col-1, 0), len(at.Source)):], `"'`)
		if !r.HasMode || written == "" || written[0] < '1' || written[0] > '9' {
			return ""
		}
		return "a mode without a leading zero"
	})
}

func foreignFiles(m *moved) []*problem.Problem {
	return m.each("dest", func(r *config.Resource) string {
		if r.Has("uid") || r.Has("gid") || r.Has("owner") || r.Has("group") {
			return ""
		}
		info, err := os.Stat(r.Dest)
		if err != nil {
			return ""
		}
		s, ok := info.Sys().(*syscall.Stat_t)
		if !ok || int(s.Uid) == os.Geteuid() && int(s.Gid) == os.Getegid() {
			return ""
		}
		return fmt.Sprintf("the file belongs to %d:%d", s.Uid, s.Gid)
	})
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

func links(m *moved) []*problem.Problem {
	return m.each("dest", func(r *config.Resource) string {
		if isLink(r.Dest) {
			return "the dest is a link"
		}
		return ""
	})
}

func sameDest(m *moved) (met []*problem.Problem) {
	for _, p := range m.set.Warnings {
		if strings.Contains(p.Msg, "has the same dest") {
			copied := *p
			met = append(met, &copied)
		}
	}
	return met
}

// sharedReloads finds the resources whose reload_cmd an earlier one has, too.
func sharedReloads(m *moved) []*problem.Problem {
	first := map[string]string{}
	return m.each("reload_cmd", func(r *config.Resource) string {
		text := r.ReloadCmd.Shell
		switch earlier, shared := first[text]; {
		case text == "" || strings.Contains(text, "{{"):
			return ""
		case shared:
			return "the command of " + earlier
		}
		first[text] = r.Name
		return ""
	})
}

func configMap(m *moved) []*problem.Problem {
	path := filepath.Join(m.settings.Confdir, "conf.d", "..data")
	if !isLink(path) {
		return nil
	}
	return []*problem.Problem{{File: path, Msg: "a ConfigMap mount"}}
}

func linkedConfd(m *moved) []*problem.Problem {
	path := filepath.Join(m.settings.Confdir, "conf.d")
	if !isLink(path) {
		return nil
	}
	return []*problem.Problem{{File: path, Msg: "conf.d is a link"}}
}

var (
	pathAction = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{\{-?\s*\.(src|dest)\s*-?\}\}`) })
	srcAction  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{\{-?\s*\.src\s*-?\}\}`) })
	endsInAnd  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|[^&>])&\s*$`) })
)

func otherBraces(command string) bool {
	return strings.Contains(pathAction().ReplaceAllString(command, ""), "{{")
}

func checksOldFile(m *moved) []*problem.Problem {
	return m.each("check_cmd", func(r *config.Resource) string {
		if r.CheckCmd.Shell == "" || srcAction().MatchString(r.CheckCmd.Shell) {
			return ""
		}
		return "it does not name {{.src}}"
	})
}

func checkTemplates(m *moved) []*problem.Problem {
	return m.each("check_cmd", func(r *config.Resource) string {
		if !otherBraces(r.CheckCmd.Shell) {
			return ""
		}
		return "it has other braces"
	})
}

func reloadPaths(m *moved) []*problem.Problem {
	return m.each("reload_cmd", func(r *config.Resource) string { return pathAction().FindString(r.ReloadCmd.Shell) })
}

func reloadBraces(m *moved) []*problem.Problem {
	return m.each("reload_cmd", func(r *config.Resource) string {
		if !otherBraces(r.ReloadCmd.Shell) {
			return ""
		}
		return "it has other braces"
	})
}

func background(m *moved) (met []*problem.Problem) {
	for field, command := range map[string]func(*config.Resource) string{
		"check_cmd":  func(r *config.Resource) string { return r.CheckCmd.Shell },
		"reload_cmd": func(r *config.Resource) string { return r.ReloadCmd.Shell },
	} {
		met = append(met, m.each(field, func(r *config.Resource) string {
			if !endsInAnd().MatchString(command(r)) {
				return ""
			}
			return "it ends in &"
		})...)
	}
	return met
}

func untimed(m *moved) []*problem.Problem {
	return m.each("reload_cmd", func(r *config.Resource) string {
		if r.ReloadCmd.IsZero() || r.ReloadCmdTimeout > 0 || m.settings.merged.Set("reload-cmd-timeout") {
			return ""
		}
		return fmt.Sprintf("it may take %v", m.settings.ReloadCmdTimeout)
	})
}

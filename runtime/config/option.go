package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// Option is one setting of the daemon: a flag, a key of the file and variables
// of the environment, all made from its name.
type Option struct {
	Name     string   // of the flag, with hyphens
	Aliases  []string // further flags
	Also     []string // further keys in the file
	Env      []string // further variables
	FlagOnly bool     // no key in the file
	Group    string   // heading in the reference
	Kind     Kind
	Default  string // as text; lists and commands have none
	Choices  []string
	Secret   bool // its value is shown nowhere
	Doc      string

	// field is where the value goes. An option without one is accepted and
	// has no effect: the store or the need for it does not exist here.
	field func(*Daemon) any
}

// Keys are the names of the option in a file; they match in any case of
// letters. Both spellings of a flag's name count: confd uses log-level and
// srv_domain, its fork sync_only.
func (o Option) Keys() []string {
	if o.FlagOnly {
		return nil
	}
	keys := []string{strings.ReplaceAll(o.Name, "-", "_")}
	if keys[0] != o.Name {
		keys = append(keys, o.Name)
	}
	return append(keys, o.Also...)
}

// Variables are the names of the option in the environment; the first one that
// is not empty counts.
func (o Option) Variables() []string {
	name := strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
	return append([]string{"WCONF_" + name, "CONFD_" + name}, o.Env...)
}

// InStore tells whether the option may stand in a [backend] table.
func (o Option) InStore() bool { return o.Group == groupStore || o.Group == groupForeign }

// Ignored tells whether the option is accepted for the sake of old command
// lines and files only.
func (o Option) Ignored() bool { return o.field == nil }

// Parse reads the text of a flag or a variable; a list takes each text as one
// element. It does not quote a secret.
func (o Option) Parse(given ...string) (any, error) {
	if o.Kind == List {
		return slices.Clone(given), nil
	}
	text := strings.Join(given, ",")
	if len(given) > 1 {
		text = given[len(given)-1] // of a repeated flag the last one counts
	}
	v, err := parse(o.Kind, text)
	if err != nil {
		return nil, fmt.Errorf("invalid %s %q: %w", o.Name, text, err)
	}
	return v, o.choose(v)
}

// choose refuses what is not one of the choices.
func (o Option) choose(v any) error {
	s, ok := v.(string)
	if !ok || len(o.Choices) == 0 || s == "" || slices.Contains(o.Choices, strings.ToLower(s)) {
		return nil
	}
	return &problem.Problem{
		Code: problem.Config,
		Msg:  fmt.Sprintf("invalid %s %q: one of %s", o.Name, s, strings.Join(o.Choices, ", ")),
		Hint: problem.DidYouMean(s, o.Choices),
	}
}

// set puts a value into the daemon's configuration.
func (o Option) set(d *Daemon, v any) {
	if o.field != nil {
		put(o.field(d), v)
	}
}

// put stores a value where a pointer of its type points to.
func put(at, v any) {
	switch p := at.(type) {
	case *string:
		*p = v.(string)
	case *bool:
		*p = v.(bool)
	case *int:
		*p = v.(int)
	case *time.Duration:
		*p = v.(time.Duration)
	case *[]string:
		*p = v.([]string)
	}
}

// FindOption is the option whose flag has the name.
func FindOption(name string) (Option, bool) {
	i := slices.IndexFunc(Options, func(o Option) bool { return o.Name == name || slices.Contains(o.Aliases, name) })
	if i < 0 {
		return Option{}, false
	}
	return Options[i], true
}

package gate

import (
	"strconv"
)

// Part is one configuration value that decides about a reload. An empty Text is
// a value that is not set.
type Part struct {
	Text string
	Options
}

// Parts are the values of a resource that decide together.
type Parts struct {
	ReloadWhen        Part // an expression
	Window            Part // what window("…") takes
	MinReloadInterval Part // what every("…") takes
}

// Join compiles the parts of a resource to one condition, joined by &&. Problems
// keep their places in each part. Without any part the condition is true.
func Join(p Parts) (*Gate, error) {
	g := &Gate{}
	if err := g.join(p.ReloadWhen, "reload_when", ""); err != nil {
		return nil, err
	}
	if err := g.join(p.Window, "window", "window"); err != nil {
		return nil, err
	}
	g.rest, g.interval = g.root, p.MinReloadInterval.Text != ""
	if err := g.join(p.MinReloadInterval, "min_reload_interval", "every"); err != nil {
		return nil, err
	}
	return g, nil
}

// join adds one part: an expression, or what a function takes.
func (g *Gate) join(p Part, name, function string) error {
	if p.Text == "" {
		return nil
	}
	if p.Name == "" {
		p.Name = name
	}
	o := newOrigin(p.Text, p.Options)
	if function != "" {
		o = o.argumentOf(function)
	}
	n, err := g.add(o)
	if err != nil {
		return err
	}
	if g.root != nil {
		n = both{g.root, n}
	}
	g.root = n
	return nil
}

// argumentOf is the call of a function with the text of o. Places in the call
// become places in the text: all of it, since a value is right or wrong as one.
func (o *origin) argumentOf(function string) *origin {
	call := function + "(" + strconv.Quote(o.text) + ")"
	return &origin{name: o.name, text: call, argument: o}
}

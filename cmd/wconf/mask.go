package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/kv"
	planned "github.com/wconf/wconf/runtime/resource"
)

const masked = "********"

// wordSet is a set of words of a text.
type wordSet map[string]struct{}

// mask hides what secret keys made of a file. The zero value hides nothing.
type mask struct {
	all    bool               // nothing of the file is shown
	public wordSet            // words of the new text that are no secret; nil: nothing is secret
	lines  map[string]wordSet // lines that depend on a secret, and their words that do not
}

// maskFor is the mask of a resource: everything where only the owner may read
// the file, else what its secret keys made of it.
//
// A template can turn a value into anything. So the resource is rendered a
// second time, with other values for its secret keys: a line that is then
// different depends on one, whatever became of it, and of that line only the
// words are shown that both texts have.
func maskFor(ctx context.Context, l runtime.Look, keys *kv.Snapshot, plan *planned.Plan, standing runtime.Standing) mask {
	if standing.Private {
		return mask{all: true}
	}
	if len(l.Config.Secret) == 0 {
		return mask{}
	}
	other, _ := keys.Apply(disguised(l, keys), nil)
	elsewise, err := l.Plan(ctx, other)
	if err != nil {
		return mask{all: true}
	}
	m := mask{public: common(wordsOf(string(plan.Content)), wordsOf(string(elsewise.Content))), lines: map[string]wordSet{}}
	all := edits(plan.Content, elsewise.Content)
	for i := 0; i < len(all); {
		if all[i].op == ' ' {
			i++
			continue
		}
		i = m.derived(all, i)
	}
	return m
}

// derived takes in a run of changed lines; it returns where that ends.
func (m mask) derived(all []edit, i int) int {
	var real, other []string
	for ; i < len(all) && all[i].op != ' '; i++ {
		if all[i].op == '-' {
			real = append(real, all[i].text)
		} else {
			other = append(other, all[i].text)
		}
	}
	for n, line := range real {
		against := strings.Join(other, " ")
		if len(real) == len(other) {
			against = other[n]
		}
		m.lines[line] = common(wordsOf(line), wordsOf(against))
	}
	return i
}

// disguised is the secret pairs of a resource with other values, of the same
// length and kind: numbers stay numbers.
func disguised(l runtime.Look, keys *kv.Snapshot) (puts []kv.Pair) {
	for _, root := range l.Scope().Roots() {
		for k, v := range keys.Under(root) {
			if l.Secret(strings.TrimPrefix(k, l.Scope().Prefix())) {
				puts = append(puts, kv.Pair{Key: k, Value: strings.Map(otherRune, v)})
			}
		}
	}
	return puts
}

func otherRune(r rune) rune {
	switch {
	case r == '7':
		return '3'
	case r >= '0' && r <= '9':
		return '7'
	case r == 'q':
		return 'w'
	case r >= 'a' && r <= 'z':
		return 'q'
	case r == 'Q':
		return 'W'
	case r >= 'A' && r <= 'Z' || r > 0x7f:
		return 'Q'
	}
	return r
}

// present masks a line of the new text.
func (m mask) present(line string) string {
	if m.all {
		return fmt.Sprintf("%s (%d bytes)", masked, len(line))
	}
	if shown, derived := m.lines[line]; derived {
		return only(line, shown)
	}
	return line
}

// removed masks a line that only the standing file has. Nobody knows which of
// its words were secret; those stay that the new text shows to everybody.
func (m mask) removed(line string) string {
	if m.all || m.public == nil {
		return m.present(line)
	}
	return only(line, m.public)
}

// only masks every word of a line that is not among shown.
func only(line string, shown wordSet) string {
	var b strings.Builder
	for len(line) > 0 {
		n := wordLen(line)
		if n == 0 {
			b.WriteByte(line[0])
			line = line[1:]
			continue
		}
		if _, ok := shown[line[:n]]; ok {
			b.WriteString(line[:n])
		} else {
			b.WriteString(masked)
		}
		line = line[n:]
	}
	return b.String()
}

func wordsOf(text string) wordSet {
	all := wordSet{}
	for len(text) > 0 {
		n := wordLen(text)
		if n > 0 {
			all[text[:n]] = struct{}{}
		}
		text = text[max(n, 1):]
	}
	return all
}

func common(a, b wordSet) wordSet {
	both := wordSet{}
	for word := range a {
		if _, ok := b[word]; ok {
			both[word] = struct{}{}
		}
	}
	return both
}

// wordLen is the length of the word at the head of a text, 0 where there is
// none. Only blanks, brackets and the signs around values part words.
func wordLen(s string) int {
	if n := strings.IndexAny(s, " \t\r\n=:;,\"'{}()[]<>"); n >= 0 {
		return n
	}
	return len(s)
}

package gate

import (
	"slices"
	"strings"
)

// Word is one name that conditions know: a value, a field of a group of values
// (diff.added), a function, or one of expr's own functions that is allowed.
// To add one, write one Word into the list of its group; the documentation and
// the tests of its examples follow.
type Word struct {
	Name      string
	Signature string // "changed list of texts", "every(duration) bool"
	Doc       string
	Examples  []Example

	bind  func(*judgement) any // what a program sees; nil for a field and for expr's own functions
	slope int                  // how the value moves with the clock, see clock.go
	timed bool                 // a function whose answer changes by itself
	needs need
}

// Example is an expression and what Sample gives: "now", "skip", or "hold until"
// and a time. Tests execute it.
type Example struct {
	Expr   string
	Result string
}

// Group is words that belong together, in the order of the documentation.
type Group struct {
	Title string
	Words []Word
}

// need is what a word reads.
type need uint8

const (
	needChanges need = 1 << iota
	needPairs
	needBytes
	needHistory
)

// Groups is the whole vocabulary.
var Groups = []Group{
	{"What changed", changeWords},
	{"How much of the file changed", diffWords},
	{"Time", timeWords},
	{"What happened before", stateWords},
	{"Values", valueWords},
	{"Lists and texts", languageWords},
}

// Words is every word of Groups.
var Words = allWords()

func allWords() []Word {
	var all []Word
	for _, g := range Groups {
		all = append(all, g.Words...)
	}
	return all
}

// Names is the name of every word.
func Names() []string {
	names := make([]string, len(Words))
	for i, w := range Words {
		names[i] = w.Name
	}
	return names
}

// records are the groups of values; their fields are Words.
var records = []Word{
	{Name: "diff", bind: func(j *judgement) any { return j.in.Diff }},
	{Name: "last", bind: func(j *judgement) any { return j.last() }, timed: true},
	{Name: "pending", bind: func(j *judgement) any { return j.pending() }, timed: true},
	{Name: "check", bind: func(j *judgement) any { return j.in.Check }},
}

// helpers are called by rewritten expressions only; no user can name them.
var helpers = []Word{
	{Name: "__step", bind: func(j *judgement) any { return j.step }},
	{Name: "__join", bind: func(j *judgement) any { return j.join }},
	{Name: "__matches", bind: func(j *judgement) any { return j.matches }},
	{Name: "__compareTimes", bind: func(j *judgement) any { return j.compareTimes }, timed: true},
	{Name: "__compareDurations", bind: func(j *judgement) any { return j.compareDurations }, timed: true},
}

func (w *Word) isFunction() bool { return strings.Contains(w.Signature, "(") }

// usage is the signature without what it gives.
func (w *Word) usage() string {
	if i := strings.LastIndex(w.Signature, ")"); i >= 0 {
		return w.Signature[:i+1]
	}
	return w.Name
}

func wordNamed(name string) *Word { return find(Words, name) }

func isRecord(name string) bool { return find(records, name) != nil }

// boundNamed is the word, record or helper of a name in an environment.
func boundNamed(name string) *Word {
	for _, list := range [][]Word{Words, records, helpers} {
		if w := find(list, name); w != nil && w.bind != nil {
			return w
		}
	}
	return nil
}

func find(list []Word, name string) *Word {
	if i := slices.IndexFunc(list, func(w Word) bool { return w.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// everyWord is what the type check knows.
func everyWord() []*Word {
	var all []*Word
	for _, list := range [][]Word{Words, records, helpers} {
		for i := range list {
			if list[i].bind != nil {
				all = append(all, &list[i])
			}
		}
	}
	return all
}

// fieldsOf is the names of a group's fields, for "diff" or "diff.anything".
func fieldsOf(name string) []string {
	record, _, _ := strings.Cut(name, ".")
	var fields []string
	for _, w := range Words {
		if strings.HasPrefix(w.Name, record+".") {
			fields = append(fields, w.Name)
		}
	}
	return fields
}

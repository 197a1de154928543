package hostfuncs

import "unicode/utf8"

// Keys is what a guest may see of the key store: one frozen snapshot, cut to
// the resource's keys. Names are exact; nothing is cleaned.
type Keys interface {
	// Grants tells whether a key lies within the resource's keys. The others give
	// nothing of a key that does not.
	Grants(key string) bool
	Get(key string) (value string, ok bool)
	Exists(key string) bool

	// What follows may walk over many keys: it asks step before each, with the cost
	// of it, and ends when step or found says no. Its reads are noted all the same.

	// Glob finds the pairs whose keys match, in bytewise order; its error is a
	// malformed pattern.
	Glob(pattern string, step func(cost int) bool, found func(key, value string) bool) error
	// List and ListDirs find names of children, in no certain order, with whether
	// each is that of a key. One that is a key and a directory may come for each.
	List(dir string, step func(cost int) bool, found func(name string, leaf bool) bool)
	ListDirs(dir string, step func(cost int) bool, found func(name string, leaf bool) bool)
}

// Limits bound what one Session may take from the host.
type Limits struct {
	Calls  uint64 // host calls
	Output int    // bytes of output
	Result int    // bytes of one result
	// Reads is how many bytes of names may be asked for, each counted once and with
	// 128 more: the host has to remember them, and after the Session, too, for a
	// change of any may alter what comes out.
	Reads    int
	LogBytes int
	LogLines int
}

// Session is one invocation of a guest: what it may see, and what it left. It
// serves one guest instance and is not safe for concurrent use.
type Session struct {
	Keys     Keys
	Params   map[string]string
	Revision func() string // the parameter wconf.revision; nil: there is none
	Input    []byte        // nil: there is none
	Limits   Limits
	Expect   int // how many keys it will ask for, about; 0: nobody knows
	// Interrupt is asked now and then within a call that takes long, with the fuel
	// that the call has cost so far. Its error ends the invocation; nil: nothing
	// does.
	Interrupt func(fuel uint64) error

	moved  int
	walk   walk
	calls  [16]uint64 // by Function.index
	total  uint64
	output []byte
	log    journal
	values map[string]answer
	others map[asked]int32 // what exists said
	names  int             // what values, others and the read-set of Keys hold, about
	last   result
	denied []string
	missed missed
	asker  asker
}

// answer is what getv once said about a key; the snapshot is frozen.
type answer struct {
	value string
	err   int32 // 0 or NotFound, Denied, Invalid
}

// result is the last answer that took work to build, kept for the call that
// asks again with a larger buffer.
type result struct {
	function, argument string
	data               []byte
	err                int32
	set                bool
}

// missed is a key, in memory that serves again; of what is too long for one it is
// the beginning.
type missed struct {
	is  bool
	key []byte
}

func (m *missed) set(key []byte) {
	m.is, m.key = true, append(m.key[:0], key[:min(len(key), Longest)]...)
}

// Output is what the guest wrote so far.
func (s *Session) Output() []byte { return s.output }

// TakeOutput is what the guest wrote since the last TakeOutput.
func (s *Session) TakeOutput() []byte {
	out := s.output
	s.output = nil
	return out
}

// Calls is how often each function was called.
func (s *Session) Calls() map[string]uint64 {
	m := map[string]uint64{}
	for i, n := range s.calls {
		if n > 0 {
			m[all[i].Name] = n
		}
	}
	return m
}

// Asked is how many keys getv was asked for.
func (s *Session) Asked() int { return len(s.values) }

// Denied is the keys that the guest asked for and may not see, in the order of
// asking, at most 16.
func (s *Session) Denied() []string { return s.denied }

// Missed is the key that the last getv or exists did not give a value for,
// because it is absent or denied; empty after one that did.
func (s *Session) Missed() string {
	if !s.missed.is {
		return ""
	}
	return string(s.missed.key)
}

func (s *Session) count(index int) error {
	if s.total++; s.total > s.Limits.Calls {
		return &LimitError{What: "host calls", Max: s.Limits.Calls, Limit: "calls"}
	}
	s.calls[index]++
	return nil
}

// Write appends to the output; it is the guest's write and its stdout.
func (s *Session) Write(p []byte) (int, error) {
	if len(p) > s.Limits.Output-len(s.output) {
		return 0, &LimitError{What: "bytes of output", Max: uint64(s.Limits.Output), Limit: "output"}
	}
	s.output = append(s.output, p...)
	return len(p), nil
}

func nameOK(b []byte) bool { return len(b) <= Longest && utf8.Valid(b) }

// perName is what the host remembers of a name beside its bytes.
const perName = 128

// note counts a name that was not asked for before.
func (s *Session) note(name []byte) error {
	if s.names += perName + len(name); s.names > s.Limits.Reads {
		return &LimitError{What: "bytes of names that were asked for", Max: uint64(s.Limits.Reads), Limit: "reads"}
	}
	return nil
}

// asked is a question other than for a value.
type asked struct{ function, argument string }

// ask notes such a question the first time.
func (s *Session) ask(function string, argument []byte, says int32) error {
	if _, again := s.others[asked{function, string(argument)}]; again {
		return nil
	}
	if s.others == nil {
		s.others = map[asked]int32{}
	}
	s.others[asked{function, string(argument)}] = says
	return s.note(argument)
}

// present answers exists. A key that was asked before costs no allocation.
func (s *Session) present(key []byte) (int32, error) {
	if !nameOK(key) {
		return Invalid, nil
	}
	if says, again := s.others[asked{"exists", string(key)}]; again {
		return says, nil
	}
	k, says := string(key), int32(0)
	switch {
	case !s.Keys.Grants(k):
		says = Denied
		s.noteDenied(k)
	case s.Keys.Exists(k):
		says = 1
	}
	return says, s.ask("exists", key, says)
}

// look answers getv. A key that was asked before costs no allocation.
func (s *Session) look(key []byte) (answer, error) {
	if len(key) > Longest { // not even looked for: that takes time
		return answer{err: Invalid}, nil
	}
	if a, ok := s.values[string(key)]; ok {
		return a, nil
	}
	if !nameOK(key) {
		return answer{err: Invalid}, nil
	}
	if err := s.note(key); err != nil {
		return answer{}, err
	}
	k, a := string(key), answer{}
	if v, ok := s.Keys.Get(k); ok {
		a.value = v
	} else if s.Keys.Grants(k) {
		a.err = NotFound
	} else {
		a.err = Denied
		s.noteDenied(k)
	}
	if s.values == nil {
		s.values = make(map[string]answer, s.Expect)
	}
	s.values[k] = a
	return a, nil
}

func (s *Session) noteDenied(key string) {
	if len(s.denied) < 16 {
		s.denied = append(s.denied, key)
	}
}

// remember builds a result once for a function and its argument.
func (s *Session) remember(function string, argument []byte, build func(argument string) ([]byte, int32)) ([]byte, int32, error) {
	if s.last.set && s.last.function == function && s.last.argument == string(argument) {
		return s.last.data, s.last.err, nil
	}
	if !nameOK(argument) {
		return nil, Invalid, nil
	}
	if err := s.ask(function, argument, 0); err != nil {
		return nil, 0, err
	}
	s.last.set = false
	r := result{function: function, argument: string(argument), set: true}
	if r.data, r.err = build(r.argument); s.walk.ended != nil {
		return nil, 0, s.walk.ended
	}
	s.last = r
	return r.data, r.err, nil
}

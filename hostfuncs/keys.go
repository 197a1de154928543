package hostfuncs

var getv = Function{
	Name: "getv", Args: []Arg{{"key", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "The value of exactly this key. NOT_FOUND when it is absent, DENIED when it is outside the resource's keys.",
	code: func(s *Session, _ int32, text, buffer []byte) (int32, error) {
		a, err := s.look(text)
		if err != nil {
			return 0, err
		}
		if a.err != 0 {
			s.missed.set(text)
			return a.err, nil
		}
		s.missed.is = false
		return fill(s, buffer, a.value)
	},
}

var exists = Function{
	Name: "exists", Args: []Arg{{"key", Text}}, Gives: true, Since: "1.0",
	Doc: "1 when exactly this key has a value, else 0; DENIED when it is outside the resource's keys. Directories do not count.",
	code: func(s *Session, _ int32, text, _ []byte) (int32, error) {
		says, err := s.present(text)
		switch {
		case err != nil || says == Invalid:
		case says == 1:
			s.missed.is = false
		default:
			s.missed.set(text)
		}
		return says, err
	},
}

var gets = Function{
	Name: "gets", Args: []Arg{{"pattern", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A KVS of the keys that match the pattern and their values, in the order of the keys. " +
		"`*` and `?` stay within one segment of the path. Keys outside the resource's keys never match.",
	code: func(s *Session, _ int32, text, buffer []byte) (int32, error) {
		return s.answer(text, buffer, "gets", s.pairs)
	},
}

var getvs = Function{
	Name: "getvs", Args: []Arg{{"pattern", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A LIST of the values whose keys match the pattern, sorted by value. Patterns are those of gets.",
	code: func(s *Session, _ int32, text, buffer []byte) (int32, error) {
		return s.answer(text, buffer, "getvs", s.valuesOf)
	},
}

var ls = Function{
	Name: "ls", Args: []Arg{{"dir", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A LIST of the names of a directory's children, keys and directories, sorted and unique. A key that has a value " +
		"lists its own base name, too, as in templates. An absent directory lists nothing.",
	code: func(s *Session, _ int32, text, buffer []byte) (int32, error) {
		return s.answer(text, buffer, "ls", func(dir string) ([]byte, int32) { return s.namesOf(s.Keys.List, dir) })
	},
}

var lsdir = Function{
	Name: "lsdir", Args: []Arg{{"dir", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A LIST of the names of a directory's children that have children themselves, sorted and unique.",
	code: func(s *Session, _ int32, text, buffer []byte) (int32, error) {
		return s.answer(text, buffer, "lsdir", func(dir string) ([]byte, int32) { return s.namesOf(s.Keys.ListDirs, dir) })
	},
}

// answer fills with a result that takes work to build.
func (s *Session) answer(text, buffer []byte, function string, build func(argument string) ([]byte, int32)) (int32, error) {
	data, refused, err := s.remember(function, text, build)
	if err != nil || refused != 0 {
		return refused, err
	}
	return fill(s, buffer, data)
}

package hostfuncs

import "slices"

var getv = Function{
	Name: "getv", Args: []Arg{{"key", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "The value of exactly this key. NOT_FOUND when it is absent, DENIED when it is outside the resource's keys.",
	code: func(s *Session, c call) (int32, error) {
		a, err := s.look(c.text)
		if err != nil {
			return 0, err
		}
		if a.err != 0 {
			s.missed = string(c.text)
			return a.err, nil
		}
		s.missed = ""
		return s.fill(c, a.value), nil
	},
}

var exists = Function{
	Name: "exists", Args: []Arg{{"key", Text}}, Gives: true, Since: "1.0",
	Doc: "1 when exactly this key has a value, else 0; DENIED when it is outside the resource's keys. Directories do not count.",
	code: func(s *Session, c call) (int32, error) {
		if !nameOK(c.text) {
			return Invalid, nil
		}
		if err := s.ask("exists", c.text); err != nil {
			return 0, err
		}
		key := string(c.text)
		if !s.Keys.Grants(key) {
			s.noteDenied(key)
			s.missed = key
			return Denied, nil
		}
		if s.Keys.Exists(key) {
			s.missed = ""
			return 1, nil
		}
		s.missed = key
		return 0, nil
	},
}

var gets = Function{
	Name: "gets", Args: []Arg{{"pattern", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A KVS of the keys that match the pattern and their values, in the order of the keys. " +
		"`*` and `?` stay within one segment of the path. Keys outside the resource's keys never match.",
	code: func(s *Session, c call) (int32, error) {
		return s.answer(c, "gets", func(pattern string) (string, int32) {
			pairs, err := s.Keys.Glob(pattern)
			if err != nil {
				return "", Invalid
			}
			var kvs encoder
			for k, v := range pairs {
				if kvs.pair(k, v); len(kvs.bytes) > s.Limits.Result {
					return "", TooLarge
				}
			}
			return kvs.done(), 0
		})
	},
}

var getvs = Function{
	Name: "getvs", Args: []Arg{{"pattern", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A LIST of the values whose keys match the pattern, sorted by value. Patterns are those of gets.",
	code: func(s *Session, c call) (int32, error) {
		return s.answer(c, "getvs", func(pattern string) (string, int32) {
			pairs, err := s.Keys.Glob(pattern)
			if err != nil {
				return "", Invalid
			}
			values, size := []string(nil), 4
			for _, v := range pairs {
				if size += 4 + len(v); size > s.Limits.Result {
					return "", TooLarge
				}
				values = append(values, v)
			}
			slices.Sort(values)
			return list(values), 0
		})
	},
}

var ls = Function{
	Name: "ls", Args: []Arg{{"dir", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A LIST of the names of a directory's children, keys and directories, sorted and unique. A key that has a value " +
		"lists its own base name, too, as in templates. An absent directory lists nothing.",
	code: func(s *Session, c call) (int32, error) {
		return s.answer(c, "ls", func(dir string) (string, int32) { return s.list(s.Keys.List(dir)) })
	},
}

var lsdir = Function{
	Name: "lsdir", Args: []Arg{{"dir", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A LIST of the names of a directory's children that have children themselves, sorted and unique.",
	code: func(s *Session, c call) (int32, error) {
		return s.answer(c, "lsdir", func(dir string) (string, int32) { return s.list(s.Keys.ListDirs(dir)) })
	},
}

// answer fills with a result that takes work to build.
func (s *Session) answer(c call, function string, build func(argument string) (string, int32)) (int32, error) {
	data, refused, err := s.remember(function, c.text, build)
	if err != nil || refused != 0 {
		return refused, err
	}
	return s.fill(c, data), nil
}

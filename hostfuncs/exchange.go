package hostfuncs

import (
	"fmt"
	"maps"
	"slices"
)

var param = Function{
	Name: "param", Args: []Arg{{"name", Text}, {"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "The value of one parameter of the resource's [template.params]. NOT_FOUND when it is not set. " +
		"wconf.name, wconf.dest and wconf.revision are always there. The revision counts the changes of any key since wconf started: what is made of it " +
		"is no function of keys, and a guest that asks for it is rendered on the interval, too.",
	code: func(s *Session, _ int32, text, buffer []byte) (int32, error) {
		if !nameOK(text) {
			return Invalid, nil
		}
		if string(text) == "wconf.revision" && s.Revision != nil {
			return fill(s, buffer, s.Revision())
		}
		v, ok := s.Params[string(text)]
		if !ok {
			return NotFound, nil
		}
		return fill(s, buffer, v)
	},
}

var params = Function{
	Name: "params", Args: []Arg{{"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "A KVS of all parameters, in the order of their names, with wconf.name and wconf.dest, and without wconf.revision: that is given to those only that ask " +
		"param for it, so that a guest which lists its parameters stays a function of module, parameters and keys. The design of the ABI had it here, too.",
	code: func(s *Session, _ int32, text, buffer []byte) (int32, error) {
		return s.answer(text, buffer, "params", func(string) ([]byte, int32) {
			var kvs encoder
			for _, name := range slices.Sorted(maps.Keys(s.Params)) {
				kvs.pair(name, s.Params[name])
			}
			return kvs.done(), 0
		})
	},
}

var input = Function{
	Name: "input", Args: []Arg{{"buf", Buffer}}, Gives: true, Since: "1.0",
	Doc: "What a filter or a check got to work on, or the LIST of name and arguments of a template function. NOT_FOUND in render.",
	code: func(s *Session, _ int32, _, buffer []byte) (int32, error) {
		if s.Input == nil {
			return NotFound, nil
		}
		s.moved += len(s.Input)
		if len(s.Input) <= len(buffer) {
			return int32(len(s.Input)), copied(s, buffer, s.Input)
		}
		return int32(len(s.Input)), nil
	},
}

var write = Function{
	Name: "write", Args: []Arg{{"data", Text}}, Since: "1.0",
	Doc: "Appends to the output. The output of an invocation that fails is thrown away.",
	code: func(s *Session, _ int32, text, _ []byte) (int32, error) {
		_, err := s.Write(text)
		return 0, err
	},
}

var logLine = Function{
	Name: "log", Args: []Arg{{"level", Number}, {"message", Text}}, Since: "1.0",
	Doc: "Says something in wconf's log: 0 debug, 1 info, 2 warn, 3 error. Control bytes are escaped; beyond 64 KiB or 256 lines nothing more is said.",
	code: func(s *Session, number int32, text, _ []byte) (int32, error) {
		s.Log(Level(min(max(number, 0), int32(LevelError))), string(s.loggable(text)))
		return 0, nil
	},
}

var fail = Function{
	Name: "fail", Args: []Arg{{"message", Text}}, Since: "1.0",
	Doc: "Ends the invocation with this message; it never returns. The old file stays.",
	code: func(s *Session, _ int32, text, _ []byte) (int32, error) {
		return 0, &Failure{Message: Printable(shortened(text))}
	},
}

// Level is how much a line of the log matters.
type Level int32

// The levels of log.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

func (l Level) String() string {
	names := []string{"debug", "info", "warn", "error"}
	if l < 0 || int(l) >= len(names) {
		return fmt.Sprintf("level %d", int32(l))
	}
	return names[l]
}

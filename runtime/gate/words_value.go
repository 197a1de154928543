package gate

import (
	"math"
	"strconv"
	"strings"
)

var valueWords = []Word{
	{
		Name: "num", Signature: `num(text) number`, Doc: "The number that a text says. A text that is not a number is an error.",
		Examples: []Example{{`num(new["/weight"]) > 100`, "now"}},
		bind:     func(*judgement) any { return num },
	},
	{
		Name: "major", Signature: `major("v1.4.0") integer`,
		Doc:      "The first number of a version, with or without v. The empty text has -1, so that a version that appears differs.",
		Examples: []Example{{`major(new["/version"]) != major(old["/version"])`, "skip"}, {`major("v2.1") == 2`, "now"}},
		bind:     func(*judgement) any { return major },
	},
	{
		Name: "int", Signature: "int(value) integer", Doc: "A number without its fraction, or the integer that a text says.",
		Examples: []Example{{`int(new["/weight"]) % 10 == 0`, "now"}},
	},
	{
		Name: "float", Signature: "float(value) number", Doc: "A number, or the number that a text says.",
		Examples: []Example{{`float(new["/weight"]) / 2 == 55`, "now"}},
	},
	{
		Name: "string", Signature: "string(value) text", Doc: "A single value as text.",
		Examples: []Example{{`string(last.count) == "7"`, "now"}},
	},
	{
		Name: "abs", Signature: "abs(number) number", Doc: "A number without its sign.",
		Examples: []Example{{`abs(-3) == 3`, "now"}},
	},
	{
		Name: "round", Signature: "round(number) number", Doc: "The nearest whole number.",
		Examples: []Example{{`round(2.6) == 3`, "now"}},
	},
	{
		Name: "min", Signature: "min(number, …) number", Doc: "The smallest number, also of a list.",
		Examples: []Example{{`min(diff.added, diff.removed) == 1`, "now"}},
	},
	{
		Name: "max", Signature: "max(number, …) number", Doc: "The largest number, also of a list.",
		Examples: []Example{{`max([1, 5, 3]) == 5`, "now"}},
	},
}

func num(s string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, refusal("a value is not a number (it has " + strconv.Itoa(len(s)) + " bytes)")
	}
	return f, nil
}

func (j *judgement) delta(key string) (float64, error) {
	was, err := numOrZero(j.in.Old, key)
	if err != nil {
		return 0, err
	}
	is, err := numOrZero(j.in.New, key)
	return is - was, err
}

func numOrZero(m map[string]string, key string) (float64, error) {
	s, ok := m[key]
	if !ok {
		return 0, nil
	}
	return num(s)
}

func major(version string) (int, error) {
	s := strings.TrimPrefix(strings.TrimSpace(version), "v")
	if s == "" {
		return -1, nil
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.Atoi(s[:digits])
	if err != nil {
		return 0, refusal("a value is not a version (it has " + strconv.Itoa(len(version)) + " bytes)")
	}
	return n, nil
}

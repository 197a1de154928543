package gate

import "strings"

var languageWords = []Word{
	{
		Name: "all", Signature: "all(list, predicate) bool", Doc: "Whether the predicate is true of every element; `#` is the element.",
		Examples: []Example{{`all(added, # startsWith "/services/")`, "now"}},
	},
	{
		Name: "any", Signature: "any(list, predicate) bool", Doc: "Whether the predicate is true of some element.",
		Examples: []Example{{`any(changed, # contains labels.host)`, "skip"}},
	},
	{
		Name: "none", Signature: "none(list, predicate) bool", Doc: "Whether the predicate is true of no element.",
		Examples: []Example{{`none(values(new), # == "")`, "now"}},
	},
	{
		Name: "one", Signature: "one(list, predicate) bool", Doc: "Whether the predicate is true of exactly one element.",
		Examples: []Example{{`one(changed, # endsWith "/1")`, "now"}},
	},
	{
		Name: "count", Signature: "count(list, predicate) integer", Doc: "How many elements the predicate is true of.",
		Examples: []Example{{`len(removed) * 2 <= count(keys(old), # startsWith "/services/")`, "now"}},
	},
	{
		Name: "filter", Signature: "filter(list, predicate) list", Doc: "The elements that the predicate is true of.",
		Examples: []Example{{`filter(changed, # in added) == added`, "now"}},
	},
	{
		Name: "map", Signature: "map(list, predicate) list", Doc: "What the predicate makes of each element.",
		Examples: []Example{{`"10.0.0.2" in map(added, new[#])`, "now"}},
	},
	{
		Name: "find", Signature: "find(list, predicate) value", Doc: "The first element that the predicate is true of; nil when there is none.",
		Examples: []Example{{`find(changed, # contains "/db/") == nil`, "now"}},
	},
	{
		Name: "sum", Signature: "sum(list, predicate) number", Doc: "The sum of the elements, or of what the predicate makes of each.",
		Examples: []Example{{`sum(changed, len(new[#])) < 1000`, "now"}},
	},
	{
		Name: "len", Signature: "len(value) integer", Doc: "The elements of a list or map, the characters of a text.",
		Examples: []Example{{`len(changed) == 3`, "now"}},
	},
	{
		Name: "lower", Signature: "lower(text) text", Doc: "The text in small letters.",
		Examples: []Example{{`lower("ABC") == "abc"`, "now"}},
		bind:     func(j *judgement) any { return j.lower },
	},
	{
		Name: "upper", Signature: "upper(text) text", Doc: "The text in capital letters.",
		Examples: []Example{{`upper(labels.zone) == "A"`, "now"}},
		bind:     func(j *judgement) any { return j.upper },
	},
	{
		Name: "trim", Signature: "trim(text) text", Doc: "The text without blanks around it. A second text says which characters to cut instead.",
		Examples: []Example{{`trim("/a/", "/") == "a"`, "now"}},
		bind:     func(*judgement) any { return trim },
	},
	{
		Name: "split", Signature: `split(text, ",") list of texts`, Doc: "The parts of a text between separators.",
		Examples: []Example{{`split(changed[0], "/")[1] == "services"`, "now"}},
		bind:     func(j *judgement) any { return j.split },
	},
	{
		Name: "hasPrefix", Signature: "hasPrefix(text, text) bool", Doc: "The same as startsWith.",
		Examples: []Example{{`hasPrefix(changed[0], "/services/")`, "now"}},
	},
	{
		Name: "hasSuffix", Signature: "hasSuffix(text, text) bool", Doc: "The same as endsWith.",
		Examples: []Example{{`hasSuffix(changed[0], "/1")`, "now"}},
	},
	{
		Name: "indexOf", Signature: "indexOf(text, text) integer", Doc: "Where a text is in another one, from 0; -1 when it is not.",
		Examples: []Example{{`indexOf(changed[0], "web") == 10`, "now"}},
	},
}

// join stands in for + between texts.
func (j *judgement) join(a, b string) (string, error) {
	if len(a)+len(b) > MaxJoined {
		return "", errJoined
	}
	return a + b, j.spend(len(a) + len(b))
}

func (j *judgement) matches(text string, p *pattern) (bool, error) { return p.match(j.late, text) }

func (j *judgement) lower(s string) (string, error) {
	if err := j.spend(len(s)); err != nil {
		return "", err
	}
	return strings.ToLower(s), nil
}

func (j *judgement) upper(s string) (string, error) {
	if err := j.spend(len(s)); err != nil {
		return "", err
	}
	return strings.ToUpper(s), nil
}

// trim takes few characters to cut: it compares each of them with each of s.
func trim(s string, cut ...string) (string, error) {
	switch {
	case len(cut) == 0:
		return strings.TrimSpace(s), nil
	case len(cut) > 1 || len(cut[0]) > MaxPattern:
		return "", refusal("trim() takes a text, and at most 256 bytes of characters to cut")
	}
	return strings.Trim(s, cut[0]), nil
}

// split pays for its list, which is 16 bytes an element.
func (j *judgement) split(s, separator string) ([]string, error) {
	n := strings.Count(s, separator) + 1
	if err := j.spend(16 * n); err != nil {
		return nil, err
	}
	return strings.Split(s, separator), nil
}

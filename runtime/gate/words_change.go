package gate

import (
	"maps"
	"reflect"
	"slices"
)

var changeWords = []Word{
	{
		Name: "changed", Signature: "changed list of texts",
		Doc:      "The keys that the running service does not know yet, added, removed or updated, sorted, relative to the prefix. They add up over changes that were held or skipped, until a reload. In a guard, the keys that differ from those of the file on disk.",
		Examples: []Example{{`len(changed) > 1`, "now"}, {`"/services/web/1" in changed`, "now"}},
		bind:     func(j *judgement) any { return j.changed() }, needs: needChanges,
	},
	{
		Name: "added", Signature: "added list of texts", Doc: "The changed keys that were not there before.",
		Examples: []Example{{`added == ["/services/web/2"]`, "now"}},
		bind:     func(j *judgement) any { return j.in.Added }, needs: needChanges,
	},
	{
		Name: "removed", Signature: "removed list of texts", Doc: "The changed keys that are not there any more.",
		Examples: []Example{{`len(removed) > 0`, "skip"}},
		bind:     func(j *judgement) any { return j.in.Removed }, needs: needChanges,
	},
	{
		Name: "updated", Signature: "updated list of texts", Doc: "The changed keys that have another value.",
		Examples: []Example{{`updated[0] startsWith "/services/"`, "now"}},
		bind:     func(j *judgement) any { return j.in.Updated }, needs: needChanges,
	},
	{
		Name: "touched", Signature: `touched("/pattern/**", …) bool`,
		Doc:      "Whether one of the changed keys matches one of the patterns. `*` stands for any part of one segment, `**` for any number of segments.",
		Examples: []Example{{`touched("/services/web/*")`, "now"}, {`touched("/tls/**", "/global/**")`, "skip"}},
		bind:     func(j *judgement) any { return j.touched }, needs: needChanges,
	},
	{
		Name: "only", Signature: `only("/pattern/**", …) bool`,
		Doc:      "Whether there are changed keys and each of them matches one of the patterns.",
		Examples: []Example{{`not only("/comment", "/docs/**")`, "now"}, {`only("/services/**", "/weight")`, "now"}},
		bind:     func(j *judgement) any { return j.only }, needs: needChanges,
	},
	{
		Name: "old", Signature: "old map of texts",
		Doc:      "The values that the running service knows, by key; in a guard those of the file on disk. An absent key is the empty text.",
		Examples: []Example{{`old["/services/web/1"] == "10.0.0.1"`, "now"}, {`"/services/web/2" in old`, "skip"}},
		bind:     func(j *judgement) any { return j.in.Old }, needs: needPairs,
	},
	{
		Name: "new", Signature: "new map of texts", Doc: "The values now, by key. An absent key is the empty text.",
		Examples: []Example{{`new["/services/web/1"] != old["/services/web/1"]`, "now"}},
		bind:     func(j *judgement) any { return j.in.New }, needs: needPairs,
	},
	{
		Name: "delta", Signature: `delta("/key") number`,
		Doc:      "How much a numeric value grew: new minus old. An absent key counts as 0; a value that is not a number is an error.",
		Examples: []Example{{`abs(delta("/weight")) >= 10`, "now"}},
		bind:     func(j *judgement) any { return j.delta }, needs: needPairs,
	},
	{
		Name: "keys", Signature: "keys(map) list of texts", Doc: "The keys of old, new or labels, sorted.",
		Examples: []Example{{`count(keys(new), # startsWith "/services/") == 2`, "now"}},
		bind:     func(j *judgement) any { return j.keys },
	},
	{
		Name: "values", Signature: "values(map) list of texts", Doc: "The values of old, new or labels, in the order of their keys.",
		Examples: []Example{{`all(values(new), # != "")`, "now"}},
		bind:     func(j *judgement) any { return j.listValues },
	},
	{
		Name: "get", Signature: `get(map, "/key") text`, Doc: "The same as `map[\"/key\"]`.",
		Examples: []Example{{`get(new, "/rollout/all") == "true"`, "skip"}},
		bind:     func(*judgement) any { return get },
	},
}

func (j *judgement) changed() []string {
	if j.cache.changed == nil {
		j.cache.changed = j.in.changed()
	}
	return j.cache.changed
}

func (j *judgement) touched(globs ...string) (bool, error) {
	for _, key := range j.changed() {
		if ok, err := j.matchesAny(globs, key); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (j *judgement) only(globs ...string) (bool, error) {
	for _, key := range j.changed() {
		if ok, err := j.matchesAny(globs, key); !ok || err != nil {
			return false, err
		}
	}
	return len(j.changed()) > 0, nil
}

func (j *judgement) matchesAny(globs []string, key string) (bool, error) {
	if err := j.late(); err != nil {
		return false, err
	}
	for _, g := range globs {
		ok, err := matchGlob(g, key)
		if err != nil {
			return false, refusal("a pattern is not valid")
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// listKey names a list that was made from a map. Maps of an Input stay the same
// while it is judged, and expressions cannot make maps of this type.
type listKey struct {
	of     uintptr
	values bool
}

// list makes a list once for each map, so that keys(new) inside a predicate
// costs nothing.
func (j *judgement) list(m map[string]string, values bool) ([]string, error) {
	id := listKey{reflect.ValueOf(m).Pointer(), values}
	if l, ok := j.cache.lists[id]; ok {
		return l, nil
	}
	if len(m) > MaxSteps {
		return nil, errKeys
	}
	l := slices.Sorted(maps.Keys(m))
	if values {
		for i, k := range l {
			l[i] = m[k]
		}
	}
	if j.cache.lists == nil {
		j.cache.lists = map[listKey][]string{}
	}
	j.cache.lists[id] = l
	return l, nil
}

func (j *judgement) keys(m map[string]string) ([]string, error) { return j.list(m, false) }

func (j *judgement) listValues(m map[string]string) ([]string, error) { return j.list(m, true) }

func get(m map[string]string, key string) string { return m[key] }

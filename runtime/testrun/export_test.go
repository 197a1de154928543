package testrun

import (
	"reflect"
	"slices"
)

// Names is every word that a test file can say.
func Names() (names []string) {
	for _, t := range []reflect.Type{
		reflect.TypeFor[File](), reflect.TypeFor[Fixture](), reflect.TypeFor[Case](), reflect.TypeFor[Step](), reflect.TypeFor[Stubs](),
		reflect.TypeFor[Stub](), reflect.TypeFor[Expect](), reflect.TypeFor[ExpectError](), reflect.TypeFor[ExpectGuest](), reflect.TypeFor[DiffLines](),
	} {
		for i := range t.NumField() {
			if tag := t.Field(i).Tag.Get("toml"); tag != "" {
				names = append(names, tag)
			}
		}
	}
	names = slices.Concat(names, dos, decisions, statuses, freeChecks)
	slices.Sort(names)
	return slices.Compact(names)
}

package gate

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every example of the documentation gives what it says.
func TestExamples(t *testing.T) {
	for _, w := range Words {
		if len(w.Examples) == 0 || w.Doc == "" || !strings.HasPrefix(w.Signature, w.Name) {
			t.Errorf("%s: a word needs a signature, a text and an example", w.Name)
		}
		for _, e := range w.Examples {
			got, err := Try(t.Context(), e.Expr)
			if err != nil || got != e.Result {
				t.Errorf("%s: %s\n got %q %v\nwant %q", w.Name, e.Expr, got, err, e.Result)
			}
			if !strings.Contains(e.Expr, w.Name) {
				t.Errorf("%s: the example %s does not show it", w.Name, e.Expr)
			}
		}
	}
}

func TestRecipes(t *testing.T) {
	for _, r := range Recipes {
		in := Sample()
		if (r.change == nil) != (r.Event == "") {
			t.Errorf("%s: the event is not described", r.Wish)
		}
		if r.change != nil {
			r.change(&in)
		}
		g, err := Compile(r.Expr, Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		v, err := g.Judge(t.Context(), in)
		if got := v.result(in); err != nil || got != r.Result {
			t.Errorf("%s\n got %q %v\nwant %q", r.Expr, got, err, r.Result)
		}
	}
}

// The fields that programs see and the fields that are documented are the same.
func TestFieldsAreWords(t *testing.T) {
	j := &judgement{in: &Input{}}
	for _, r := range records {
		var fields []string
		typ := reflect.TypeOf(r.bind(j))
		for i := range typ.NumField() {
			fields = append(fields, r.Name+"."+typ.Field(i).Tag.Get("expr"))
		}
		documented := fieldsOf(r.Name)
		slices.Sort(fields)
		slices.Sort(documented)
		if !slices.Equal(fields, documented) {
			t.Errorf("%s has %v, documented are %v", r.Name, fields, documented)
		}
	}
}

func TestReference(t *testing.T) {
	doc := Reference()
	for _, w := range Words {
		if !strings.Contains(doc, "### `"+w.Signature) {
			t.Errorf("%s is not in the reference", w.Name)
		}
	}
}

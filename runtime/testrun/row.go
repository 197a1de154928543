package testrun

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Row is one case with one combination of its matrix filled in.
type Row struct {
	Case
	File  *File
	Title string // the name, with the row where the name does not say it
	ID    string // "workers=1,gzip=on"; empty without a matrix
	index int    // of the case in the file
}

// Line is where the case begins.
func (r *Row) Line() int { return r.File.line(r.path()...) }

// AllTags are those of the file and of the case.
func (r *Row) AllTags() []string { return slices.Concat(r.File.Tags, r.Tags) }

// Address is what selects this row on the command line.
func (r *Row) Address() string { return r.File.path + "#" + r.Title }

func (r *Row) path(more ...string) []string {
	return append([]string{"case", strconv.Itoa(r.index)}, more...)
}

// place is file:line of a key of the case.
func (r *Row) place(more ...string) string { return r.File.place(r.path(more...)...) }

func (f *File) countRows() int {
	n := 0
	for _, c := range f.Cases {
		rows := 1
		for _, values := range c.Matrix {
			rows *= len(values)
		}
		n += rows
	}
	return n
}

// rows are the rows of a case: the last variable of the matrix moves fastest.
func (f *File) rows(index int) []*Row {
	c := f.Cases[index]
	names := f.doc.Names("case", strconv.Itoa(index), "matrix")
	if len(names) == 0 {
		return []*Row{{Case: c, File: f, Title: c.Name, index: index}}
	}
	var rows []*Row
	pick := make([]int, len(names))
	for {
		rows = append(rows, f.row(c, index, names, pick))
		if !next(pick, func(i int) int { return len(c.Matrix[names[i]]) }) {
			break
		}
	}
	f.tell(c, rows)
	return rows
}

// tell adds the row to the titles that do not say it.
func (f *File) tell(c Case, rows []*Row) {
	seen := map[string]int{}
	for _, r := range rows {
		seen[r.Title]++
	}
	for _, r := range rows {
		if seen[r.Title] > 1 {
			r.Title += " / " + r.ID
		}
	}
}

func (f *File) row(c Case, index int, names []string, pick []int) *Row {
	var fill, id []string
	for i, name := range names {
		value := c.Matrix[name][pick[i]]
		fill = append(fill, "{"+name+"}", value)
		id = append(id, fmt.Sprintf("%s=%s", name, value))
	}
	filled := mapStrings(reflect.ValueOf(c), strings.NewReplacer(fill...).Replace).Interface().(Case)
	return &Row{Case: filled, File: f, Title: filled.Name, ID: strings.Join(id, ","), index: index}
}

// next counts up; false after the last combination.
func next(pick []int, size func(int) int) bool {
	for i := len(pick) - 1; i >= 0; i-- {
		if pick[i]++; pick[i] < size(i) {
			return true
		}
		pick[i] = 0
	}
	return false
}

// mapStrings is a deep copy of v with f applied to every string, keys of maps
// included.
func mapStrings(v reflect.Value, f func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(f(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(mapStrings(v.Elem(), f))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		}
		for i := range v.Len() {
			out.Index(i).Set(mapStrings(v.Index(i), f))
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
		}
		for _, k := range v.MapKeys() {
			out.SetMapIndex(mapStrings(k, f), mapStrings(v.MapIndex(k), f))
		}
	case reflect.Struct:
		out.Set(v)
		for i := range v.NumField() {
			if out.Field(i).CanSet() {
				out.Field(i).Set(mapStrings(v.Field(i), f))
			}
		}
	default:
		out.Set(v)
	}
	return out
}

package funcs

import (
	"errors"
	"strconv"
)

// ErrDivision has the words of both Go and the fork.
var ErrDivision = errors.New("integer divide by zero: division by zero has no result")

var numbers = []Function{{
	Name: "add", Usage: "add A B", Since: confd,
	Doc:  "A + B. Text is no number: `add 1 (getv \"/n\")` is an error, `add 1 (atoi (getv \"/n\"))` is not.",
	Code: arithmetic(func(a, b int) (int, error) { return a + b, nil }),
	Examples: []Example{
		{Template: `{{add 2 3}}`, Output: "5"},
		{Keys: shop, Template: `{{add 1 (getv "/app/port")}}`, Error: "wrong type for value; expected int; got string"},
	},
}, {
	Name: "sub", Usage: "sub A B", Since: confd,
	Doc: "A − B.", Code: arithmetic(func(a, b int) (int, error) { return a - b, nil }),
	Examples: []Example{{Template: `{{sub 2 3}}`, Output: "-1"}},
}, {
	Name: "mul", Usage: "mul A B", Since: confd,
	Doc: "A · B.", Code: arithmetic(func(a, b int) (int, error) { return a * b, nil }),
	Examples: []Example{{Keys: map[string]string{"/cfg": `{"mb": 12345678}`}, Template: `{{mul (json (getv "/cfg")).mb 2}}`, Output: "24691356"}},
}, {
	Name: "div", Usage: "div A B", Since: confd,
	Doc: "A ÷ B, cut off toward zero.",
	Code: arithmetic(func(a, b int) (int, error) {
		if b == 0 {
			return 0, ErrDivision
		}
		return a / b, nil
	}),
	Examples: []Example{
		{Template: `{{div 7 2}} {{div -7 2}}`, Output: "3 -3"},
		{Template: `{{div 1 0}}`, Error: "divide by zero"},
	},
}, {
	Name: "mod", Usage: "mod A B", Since: confd,
	Doc: "The remainder of A ÷ B, with the sign of A.",
	Code: arithmetic(func(a, b int) (int, error) {
		if b == 0 {
			return 0, ErrDivision
		}
		return a % b, nil
	}),
	Examples: []Example{{Template: `{{mod 7 2}} {{mod -7 2}}`, Output: "1 -1"}},
}, {
	Name: "atoi", Usage: "atoi TEXT", Since: confd,
	Doc: "The whole number that a text spells, with or without a sign.",
	Code: always(func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		return n, spelling(err)
	}),
	Examples: []Example{
		{Keys: shop, Template: `{{add (atoi (getv "/app/port")) 1}}`, Output: "8081"},
		{Template: `{{atoi "1.5"}}`, Error: "strconv.Atoi: invalid syntax"},
	},
}, {
	Name: "parseBool", Usage: "parseBool TEXT", Since: confd,
	Doc: "True for 1, t, T, TRUE, true, True; false for 0, f, F, FALSE, false, False; an error for anything else.",
	Code: always(func(s string) (bool, error) {
		b, err := strconv.ParseBool(s)
		return b, spelling(err)
	}),
	Examples: []Example{
		{Template: `{{parseBool "T"}}`, Output: "true"},
		{Template: `{{parseBool "yes"}}`, Error: "strconv.ParseBool: invalid syntax"},
	},
}, {
	Name: "seq", Usage: "seq FIRST LAST", Since: confd,
	Doc: "The whole numbers from FIRST to LAST, none when LAST is below FIRST.",
	Code: func(r *Run) any {
		return func(first, last any) ([]int, error) {
			a, b, err := integers(first, last)
			if err != nil || b < a {
				return []int{}, err
			}
			if span := uint(b) - uint(a); span < 1<<40 {
				return r.sequence(a, int(span)+1)
			}
			return nil, ErrBytes
		}
	},
	Examples: []Example{{Template: `{{range seq 1 3}}node{{.}} {{end}}`, Output: "node1 node2 node3 "}},
}}

func arithmetic(f func(a, b int) (int, error)) func(*Run) any {
	return always(func(a, b any) (int, error) {
		i, j, err := integers(a, b)
		if err != nil {
			return 0, err
		}
		return f(i, j)
	})
}

// spelling is the error of strconv without the text that it is about.
func spelling(err error) error {
	var bad *strconv.NumError
	if errors.As(err, &bad) {
		return errors.New("strconv." + bad.Func + ": " + bad.Err.Error())
	}
	return err
}

func (r *Run) sequence(first, n int) ([]int, error) {
	if err := r.Budget.Make(8 * n); err != nil {
		return nil, err
	}
	list := make([]int, n)
	for i := range list {
		list[i] = first + i
	}
	return list, nil
}

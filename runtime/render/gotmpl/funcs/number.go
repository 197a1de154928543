package funcs

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Number is a number of a JSON document. It is a float64 to comparisons and to
// %f, %e and %g, as in confd; printed, it is an integer when it is whole, where
// confd prints 12345678 as 1.2345678e+07.
type Number float64

// Integer is a whole number of a JSON document that a float64 cannot hold.
type Integer int64

// Natural is a whole number of a JSON document beyond int64.
type Natural uint64

// wholeBelow is 2^53: up to here every whole number is a float64.
const wholeBelow = 1 << 53

func (n Number) whole() (int64, bool) {
	f := float64(n)
	return int64(f), f == math.Trunc(f) && math.Abs(f) <= wholeBelow
}

// Format prints whole numbers as integers under %v, %s and %d.
func (n Number) Format(s fmt.State, verb rune) {
	i, whole := n.whole()
	switch {
	case whole && strings.ContainsRune("vsd", verb):
		_, _ = fmt.Fprintf(s, fmt.FormatString(s, 'd'), i)
	case verb == 's':
		_, _ = fmt.Fprintf(s, fmt.FormatString(s, 'v'), float64(n))
	default:
		_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), float64(n))
	}
}

// MarshalJSON writes whole numbers as integers.
func (n Number) MarshalJSON() ([]byte, error) {
	if i, ok := n.whole(); ok {
		return strconv.AppendInt(nil, i, 10), nil
	}
	return json.Marshal(float64(n))
}

// Format prints all digits, also under %f.
func (n Integer) Format(s fmt.State, verb rune) {
	formatWhole(s, verb, int64(n), new(big.Float).SetInt64(int64(n)))
}

// Format prints all digits, also under %f.
func (n Natural) Format(s fmt.State, verb rune) {
	formatWhole(s, verb, uint64(n), new(big.Float).SetUint64(uint64(n)))
}

func formatWhole(s fmt.State, verb rune, whole any, f *big.Float) {
	switch verb {
	case 's', 'v':
		_, _ = fmt.Fprintf(s, fmt.FormatString(s, 'd'), whole)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), f)
	default:
		_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), whole)
	}
}

// number is the value of a JSON number.
func number(written json.Number) (any, error) {
	if !strings.ContainsAny(string(written), ".eE") {
		i, err := strconv.ParseInt(string(written), 10, 64)
		if err == nil && (i > wholeBelow || i < -wholeBelow) {
			return Integer(i), nil
		}
		if u, uerr := strconv.ParseUint(string(written), 10, 64); err != nil && uerr == nil {
			return Natural(u), nil
		}
		if err != nil {
			return written, nil // too large for any integer of Go: the digits as they are
		}
	}
	f, err := written.Float64()
	if err != nil {
		return nil, fmt.Errorf("a number of the JSON document is out of range")
	}
	return Number(f), nil
}

// WrongType says that an argument has a type that a function cannot use.
type WrongType struct {
	Argument int // from 0
	Got      string
}

func (e *WrongType) Error() string {
	return "wrong type for value; expected int; got " + e.Got
}

// integers are the arguments of arithmetic: any whole number, never text.
func integers(a, b any) (int, int, error) {
	i, ok := integer(a)
	if !ok {
		return 0, 0, &WrongType{0, fmt.Sprintf("%T", a)}
	}
	j, ok := integer(b)
	if !ok {
		return 0, 0, &WrongType{1, fmt.Sprintf("%T", b)}
	}
	return i, j, nil
}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case Integer:
		return int(v), true
	case Number:
		i, ok := v.whole()
		return int(i), ok
	case float64:
		i, ok := Number(v).whole()
		return int(i), ok
	}
	return 0, false
}

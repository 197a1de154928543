// Package hostfuncs is everything that a Wasm guest can ask of wconf: the
// functions of the import module "wconf/v1". Each function is one value with
// its name, signature, documentation and code; All is the one list of them, and
// the host module, the reference page and the SDKs' declarations come from it.
//
// A function sees one frozen set of keys, parameters, an input and an output
// (a Session). It never sees a file, the clock, the environment or the network,
// it never calls back into the guest, and it never keeps guest memory.
package hostfuncs

import (
	"fmt"
	"math"
	"slices"
)

// Module is the name under which guests import the functions. It is the major
// version: a meaning never changes under it.
const Module = "wconf/v1"

// Version is the newest version whose functions this list has. A minor version
// only adds functions.
const Version = "1.0"

// Answers below zero. All others are reserved; a guest takes an answer that it
// does not know as a failure.
const (
	NotFound int32 = -1 // the key, the parameter or the input is not there
	Denied   int32 = -2 // the key is outside the keys of the resource
	Invalid  int32 = -3 // not UTF-8, too long, or a malformed pattern
	TooLarge int32 = -4 // the result is longer than the host's limit
)

// Longest is the most bytes that a key, a pattern or a name may have.
const Longest = 4096

// Kind is what one argument means; it says how many i32 it takes.
type Kind int

const (
	Text   Kind = iota // pointer, length: bytes that the host reads
	Buffer             // pointer, capacity: room that the host fills
	Number             // one i32
)

// Arg is one argument of a function.
type Arg struct {
	Name string
	Kind Kind
}

// Function is one host function. Its i32 parameters follow from Args: two for a
// Text (name, name_len) or a Buffer (buf, cap), one for a Number.
type Function struct {
	Name  string
	Args  []Arg
	Gives bool // it returns an i32
	Since string
	Doc   string // full sentences, one paragraph
	code  func(s *Session, number int32, text, buffer []byte) (int32, error)
	index int // in All
	slots slots
}

// slots are where the arguments of each kind begin on wazero's stack. A function
// has at most one of a kind; -1 is none.
type slots struct{ text, buffer, number int }

// All is every function, in the order of the documentation.
func All() []Function { return slices.Clone(all) }

var all = numbered(getv, exists, gets, getvs, ls, lsdir, param, params, input, write, logLine, fail)

func numbered(list ...Function) []Function {
	for i := range list {
		list[i].index, list[i].slots = i, slotsOf(list[i].Args)
	}
	return list
}

func slotsOf(args []Arg) slots {
	at, s := 0, slots{-1, -1, -1}
	for _, a := range args {
		switch a.Kind {
		case Text:
			s.text = at
		case Buffer:
			s.buffer = at
		case Number:
			s.number = at
		}
		at += a.width()
	}
	return s
}

// Params is the number of i32 parameters.
func (f Function) Params() int {
	n := 0
	for _, a := range f.Args {
		n += a.width()
	}
	return n
}

func (a Arg) width() int {
	if a.Kind == Number {
		return 1
	}
	return 2
}

// Price is the fuel that a call costs beyond the instructions of the guest:
// 64, and one for every 32 bytes that it moved (price list fuel/1). A walk over
// keys costs pricePerStep more for each step.
func Price(moved int) uint64 { return 64 + uint64(moved)/32 }

const pricePerStep = 32

// Call runs f for a guest whose linear memory is memory, with wazero's raw
// stack: parameters in, the result in stack[0]. It returns the fuel that the
// call costs. A non-nil error ends the invocation.
func (f *Function) Call(s *Session, memory []byte, stack []uint64) (fuel uint64, err error) {
	if err := s.count(f.index); err != nil {
		return 0, err
	}
	number, text, buffer, err := f.decode(memory, stack)
	if err != nil {
		return 0, err
	}
	n, fuel, err := f.run(s, number, text, buffer)
	if f.Gives {
		stack[0] = uint64(uint32(n))
	}
	return fuel, err
}

// run is the call itself, and its price. Text and buffer may be the guest's own
// memory: they are good until the code returns.
func (f *Function) run(s *Session, number int32, text, buffer []byte) (n int32, fuel uint64, err error) {
	s.moved = len(text)
	s.walk.begin()
	n, err = f.code(s, number, text, buffer)
	return n, Price(s.moved) + s.walk.price(), err
}

// decode bounds every span of guest memory. Stack slots carry rubbish above bit
// 31 of an i32, so that each is cut first.
func (f *Function) decode(memory []byte, stack []uint64) (number int32, text, buffer []byte, err error) {
	if at := f.slots.number; at >= 0 {
		number = int32(uint32(stack[at]))
	}
	if at := f.slots.text; at >= 0 {
		text, err = f.span(memory, uint32(stack[at]), uint32(stack[at+1]))
	}
	if at := f.slots.buffer; at >= 0 && err == nil {
		buffer, err = f.span(memory, uint32(stack[at]), uint32(stack[at+1]))
	}
	return number, text, buffer, err
}

func (f *Function) span(memory []byte, from, n uint32) ([]byte, error) {
	end := uint64(from) + uint64(n)
	if end > uint64(len(memory)) {
		return nil, &BoundsError{Function: f.Name, Pointer: from, Length: n, Memory: uint64(len(memory))}
	}
	return memory[from:end:end], nil
}

// BoundsError is a pointer outside the guest's memory.
type BoundsError struct {
	Function        string
	Pointer, Length uint32
	Memory          uint64 // bytes
}

func (e *BoundsError) Error() string {
	return fmt.Sprintf("%s got %d bytes at address %d, but the guest's memory ends at %d", e.Function, e.Length, e.Pointer, e.Memory)
}

// LimitError is a limit of the Session that the guest went over.
type LimitError struct {
	What  string // "bytes of output", "host calls"
	Max   uint64
	Limit string // its name in [template.limits]
}

func (e *LimitError) Error() string { return fmt.Sprintf("more than %d %s", e.Max, e.What) }

// Failure is what a guest said to fail.
type Failure struct{ Message string }

func (e *Failure) Error() string { return e.Message }

// fill answers with a result: its length, and the bytes themselves when they
// fit.
func fill[T string | []byte](s *Session, buffer []byte, result T) (int32, error) {
	if len(result) > min(s.Limits.Result, math.MaxInt32) {
		return TooLarge, nil
	}
	s.moved += len(result)
	if len(result) > len(buffer) {
		return int32(len(result)), nil
	}
	return int32(len(result)), copied(s, buffer, result)
}

// copyAtOnce is how many bytes are copied between two looks at the deadline.
const copyAtOnce = 1 << 20

// copied fills a buffer that is large enough. Its pages may not be there yet, and
// cost more than the copy.
func copied[T string | []byte](s *Session, buffer []byte, data T) error {
	for len(data) > copyAtOnce {
		copy(buffer, data[:copyAtOnce])
		if buffer, data = buffer[copyAtOnce:], data[copyAtOnce:]; !s.goOn(stepsAtOnce) {
			return s.walk.ended
		}
	}
	copy(buffer, data)
	return nil
}

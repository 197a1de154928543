package wasm

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/wconf/wconf/hostfuncs"
)

// wasiModule is WASI preview 1. Many tool chains cannot start without it, so
// every name of it is there; what could reach the world says no.
const wasiModule = "wasi_snapshot_preview1"

// Errno values of WASI preview 1.
const (
	errnoSuccess uint32 = 0
	errnoBadf    uint32 = 8
	errnoInval   uint32 = 28
	errnoNosys   uint32 = 52
	errnoSpipe   uint32 = 70
)

// wasiBase is what a guest's clock says when it starts: a render is a function
// of keys and parameters, so that the clock cannot tell the time.
var wasiBase = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// wasiState is what one instance sees of WASI.
type wasiState struct {
	args   []string
	stdin  []byte
	clock  time.Duration // since wasiBase; a millisecond for each look
	random *rand.ChaCha8
	moved  int
}

// wasiFunc is one function of WASI. Its parameters are i for i32, I for i64.
type wasiFunc struct {
	name, params string
	code         func(c wasiCall) uint32 // nil: not here
}

// wasiCall is one call with the guest's memory and raw parameters.
type wasiCall struct {
	*Instance
	mem   []byte
	stack []uint64
}

// wasiFunctions is every function of WASI preview 1.
func wasiFunctions() []wasiFunc {
	return []wasiFunc{
		{"args_get", "ii", func(c wasiCall) uint32 { return c.strings(c.wasi.args) }},
		{"args_sizes_get", "ii", func(c wasiCall) uint32 { return c.stringSizes(c.wasi.args) }},
		{"clock_res_get", "ii", func(c wasiCall) uint32 { return c.put64(1, uint64(time.Millisecond)) }},
		{"clock_time_get", "iIi", wasiCall.clockTime},
		{"environ_get", "ii", func(c wasiCall) uint32 { return c.strings(nil) }},
		{"environ_sizes_get", "ii", func(c wasiCall) uint32 { return c.stringSizes(nil) }},
		{"fd_advise", "iIIi", nil},
		{"fd_allocate", "iII", nil},
		{"fd_close", "i", func(c wasiCall) uint32 { return c.std(errnoSuccess) }},
		{"fd_datasync", "i", nil},
		{"fd_fdstat_get", "ii", wasiCall.fdstat},
		{"fd_fdstat_set_flags", "ii", func(c wasiCall) uint32 { return c.std(errnoSuccess) }},
		{"fd_fdstat_set_rights", "iII", nil},
		{"fd_filestat_get", "ii", wasiCall.filestat},
		{"fd_filestat_set_size", "iI", nil},
		{"fd_filestat_set_times", "iIIi", nil},
		{"fd_pread", "iiiIi", nil},
		{"fd_prestat_dir_name", "iii", func(wasiCall) uint32 { return errnoBadf }},
		{"fd_prestat_get", "ii", func(wasiCall) uint32 { return errnoBadf }}, // no directory is open
		{"fd_pwrite", "iiiIi", nil},
		{"fd_read", "iiii", wasiCall.read},
		{"fd_readdir", "iiiIi", nil},
		{"fd_renumber", "ii", nil},
		{"fd_seek", "iIii", func(c wasiCall) uint32 { return c.std(errnoSpipe) }},
		{"fd_sync", "i", nil},
		{"fd_tell", "ii", func(c wasiCall) uint32 { return c.std(errnoSpipe) }},
		{"fd_write", "iiii", wasiCall.write},
		{"path_create_directory", "iii", nil},
		{"path_filestat_get", "iiiii", nil},
		{"path_filestat_set_times", "iiiiIIi", nil},
		{"path_link", "iiiiiii", nil},
		{"path_open", "iiiiiIIii", nil},
		{"path_readlink", "iiiiii", nil},
		{"path_remove_directory", "iii", nil},
		{"path_rename", "iiiiii", nil},
		{"path_symlink", "iiiii", nil},
		{"path_unlink_file", "iii", nil},
		{"poll_oneoff", "iiii", wasiCall.poll},
		{"proc_exit", "i", func(c wasiCall) uint32 { panic(sys.NewExitError(c.u32(0))) }},
		{"proc_raise", "i", nil},
		{"random_get", "ii", wasiCall.randomGet},
		{"sched_yield", "", func(wasiCall) uint32 { return errnoSuccess }},
		{"sock_accept", "iii", nil},
		{"sock_recv", "iiiiii", nil},
		{"sock_send", "iiiii", nil},
		{"sock_shutdown", "ii", nil},
	}
}

func wasiFunction(name string) (wasiFunc, bool) {
	for _, f := range wasiFunctions() {
		if f.name == name {
			return f, true
		}
	}
	return wasiFunc{}, false
}

func (f wasiFunc) signature() signature {
	var sig signature
	for _, p := range f.params {
		if p == 'I' {
			sig.params = append(sig.params, i64)
		} else {
			sig.params = append(sig.params, i32)
		}
	}
	if f.name != "proc_exit" {
		sig.results = []byte{i32}
	}
	return sig
}

func provideWASI(ctx context.Context, engine wazero.Runtime) error {
	builder := engine.NewHostModuleBuilder(wasiModule)
	for _, f := range wasiFunctions() {
		sig := f.signature()
		builder.NewFunctionBuilder().WithGoModuleFunction(wasiHost(f, sig), sig.params, sig.results).Export(f.name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// wasiHost is one function behind wazero's door; calls cost what host calls do.
func wasiHost(f wasiFunc, sig signature) api.GoModuleFunc {
	return func(ctx context.Context, guest api.Module, stack []uint64) {
		i, errno := instanceOf(ctx), errnoNosys
		i.wasi.moved = 0
		if f.code != nil {
			errno = f.code(wasiCall{i, linear(guest), stack})
		}
		if len(sig.results) > 0 {
			stack[0] = uint64(errno)
		}
		i.charge(hostfuncs.Price(i.wasi.moved))
	}
}

func (c wasiCall) u32(param int) uint32 { return uint32(c.stack[param]) }

// span is n bytes of guest memory; a pointer outside ends the invocation.
func (c wasiCall) span(at, n uint32) []byte {
	if uint64(at)+uint64(n) > uint64(len(c.mem)) {
		panic(&hostfuncs.BoundsError{Function: "WASI", Pointer: at, Length: n, Memory: uint64(len(c.mem))})
	}
	return c.mem[at : at+n]
}

func (c wasiCall) put32(param int, v uint32) uint32 {
	binary.LittleEndian.PutUint32(c.span(c.u32(param), 4), v)
	return errnoSuccess
}

func (c wasiCall) put64(param int, v uint64) uint32 {
	binary.LittleEndian.PutUint64(c.span(c.u32(param), 8), v)
	return errnoSuccess
}

// std answers for the three standard descriptors; there are no others.
func (c wasiCall) std(errno uint32) uint32 {
	if c.u32(0) > 2 {
		return errnoBadf
	}
	return errno
}

func (c wasiCall) strings(list []string) uint32 {
	array, text := c.u32(0), c.u32(1)
	for _, s := range list {
		binary.LittleEndian.PutUint32(c.span(array, 4), text)
		at := c.span(text, uint32(len(s)+1))
		copy(at, s)
		at[len(s)] = 0
		array, text = array+4, text+uint32(len(s)+1)
	}
	return errnoSuccess
}

func (c wasiCall) stringSizes(list []string) uint32 {
	n := 0
	for _, s := range list {
		n += len(s) + 1
	}
	c.put32(0, uint32(len(list)))
	return c.put32(1, uint32(n))
}

func (c wasiCall) clockTime() uint32 {
	c.wasi.clock += time.Millisecond
	now := uint64(c.wasi.clock)
	if c.u32(0) == 0 { // the real time; all others count from the start
		now = uint64(wasiBase.Add(c.wasi.clock).UnixNano())
	}
	return c.put64(2, now)
}

func (c wasiCall) randomGet() uint32 {
	if c.wasi.random == nil {
		c.wasi.random = rand.NewChaCha8([32]byte([]byte("wconf guests see the same bytes.")))
	}
	b := c.span(c.u32(0), c.u32(1))
	c.wasi.moved += len(b) * 32 // it is made, not moved
	_, _ = c.wasi.random.Read(b)
	return errnoSuccess
}

// fdstat calls all three descriptors pipes (file type unknown), so that no C
// library flushes at each line as for a terminal.
func (c wasiCall) fdstat() uint32 {
	if c.u32(0) > 2 {
		return errnoBadf
	}
	b := c.span(c.u32(1), 24)
	clear(b)
	binary.LittleEndian.PutUint64(b[8:], 1<<1|1<<6) // may read and write
	return errnoSuccess
}

func (c wasiCall) filestat() uint32 {
	if c.u32(0) > 2 {
		return errnoBadf
	}
	clear(c.span(c.u32(1), 64))
	return errnoSuccess
}

// vectors yields the parts of an array of {pointer, length}.
func (c wasiCall) vectors(yield func([]byte) bool) {
	array, n := c.u32(1), c.u32(2)
	for range n {
		v := c.span(array, 8)
		b := c.span(binary.LittleEndian.Uint32(v), binary.LittleEndian.Uint32(v[4:]))
		c.wasi.moved += 32 + len(b) // an empty part costs, too
		if !yield(b) {
			return
		}
		array += 8
	}
}

func (c wasiCall) read() uint32 {
	if c.u32(0) != 0 {
		return errnoBadf
	}
	n := 0
	for b := range c.vectors {
		k := copy(b, c.wasi.stdin)
		c.wasi.stdin = c.wasi.stdin[k:]
		n += k
	}
	return c.put32(3, uint32(n))
}

func (c wasiCall) write() uint32 {
	fd, n := c.u32(0), 0
	if fd != 1 && fd != 2 {
		return errnoBadf
	}
	for b := range c.vectors {
		if fd == 2 || c.module.about.Kind != Command {
			c.session.Stderr(b)
		} else if _, err := c.session.Write(b); err != nil {
			panic(err)
		}
		n += len(b)
	}
	return c.put32(3, uint32(n))
}

// poll says that everything waited for is there. A sleep takes no time; it
// moves the guest's clock.
func (c wasiCall) poll() uint32 {
	n := c.u32(2)
	if n == 0 || n > 1024 {
		return errnoInval
	}
	subscriptions, events := c.span(c.u32(0), n*48), c.span(c.u32(1), n*32)
	for i := range n {
		sub, event := subscriptions[i*48:][:48], events[i*32:][:32]
		user, tag := binary.LittleEndian.Uint64(sub), sub[8]
		if tag == 0 && sub[40]&1 == 0 { // a clock, and not a time of day
			sleep := min(binary.LittleEndian.Uint64(sub[24:]), uint64(24*time.Hour))
			c.wasi.clock += time.Duration(sleep)
		}
		clear(event)
		binary.LittleEndian.PutUint64(event, user)
		event[10] = tag
	}
	c.wasi.moved += int(n) * 80
	return c.put32(3, n)
}

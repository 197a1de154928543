package wasm

import (
	"context"
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
	stdin  *hostfuncs.Stream
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
	return func(ctx context.Context, _ api.Module, stack []uint64) {
		i, errno := instanceOf(ctx), errnoNosys
		i.wasi.moved = 0
		if f.code != nil {
			errno = f.code(wasiCall{i, i.memory.bytes(), stack})
		}
		if len(sig.results) > 0 {
			stack[0] = uint64(errno)
		}
		i.charge(hostfuncs.Price(i.wasi.moved))
	}
}

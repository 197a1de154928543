package wasm

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wconf/wconf/hostfuncs"
)

// Value types, as the binary format writes them.
const (
	i32 = 0x7f
	i64 = 0x7e
)

// provideHost makes the module wconf/v1 from the one list of functions.
func provideHost(ctx context.Context, engine wazero.Runtime) error {
	builder := engine.NewHostModuleBuilder(hostfuncs.Module)
	for _, f := range hostfuncs.All() {
		sig := hostSignature(f)
		builder.NewFunctionBuilder().WithGoModuleFunction(&hostFunction{f}, sig.params, sig.results).Export(f.Name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

func hostSignature(f hostfuncs.Function) signature {
	var sig signature
	for range f.Params() {
		sig.params = append(sig.params, i32)
	}
	if f.Gives {
		sig.results = []byte{i32}
	}
	return sig
}

// hostFunction is one function behind wazero's door. It ends an invocation by a
// panic, which wazero turns into the error of the guest's call.
type hostFunction struct{ hostfuncs.Function }

// Call is wazero's api.GoModuleFunction.
func (f *hostFunction) Call(ctx context.Context, _ api.Module, stack []uint64) {
	i := instanceOf(ctx)
	fuel, err := f.Function.Call(i.session, i.memory.bytes(), stack)
	if err != nil {
		panic(err)
	}
	i.charge(fuel)
}

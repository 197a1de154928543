package wasm

// Opcodes that the rewriter and the bounds know by name (WebAssembly Core
// Specification 2.0, "Instructions").
const (
	opBlock    = 0x02
	opLoop     = 0x03
	opIf       = 0x04
	opEnd      = 0x0b
	opBr       = 0x0c
	opBrIf     = 0x0d
	opBrTable  = 0x0e
	opReturn   = 0x0f
	opCall     = 0x10
	opIndirect = 0x11
	opI32Const = 0x41
	opI64Const = 0x42
	opF32Const = 0x43
	opF64Const = 0x44
	opRefNull  = 0xd0
	opRefFunc  = 0xd2
	opBulk     = 0xfc // memory.copy and its kin, saturating conversions
	opVector   = 0xfd // SIMD
)

// codeShape is what the code section adds up to.
type codeShape struct {
	bodies  int
	largest int // bytes of the longest body
}

func (s *shape) readCode(r *reader) {
	for range r.vector("function bodies", maxFunctions) {
		body := r.take(r.u32())
		if r.err != nil {
			return
		}
		s.code.bodies++
		s.code.largest = max(s.code.largest, len(body))
	}
}

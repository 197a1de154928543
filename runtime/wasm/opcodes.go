package wasm

// Opcodes that the rewriter and the bounds know by name (WebAssembly Core
// Specification 2.0, "Instructions").
const (
	opBlock     = 0x02
	opLoop      = 0x03
	opIf        = 0x04
	opElse      = 0x05
	opEnd       = 0x0b
	opBr        = 0x0c
	opBrIf      = 0x0d
	opBrTable   = 0x0e
	opReturn    = 0x0f
	opCall      = 0x10
	opIndirect  = 0x11
	opSelect    = 0x1c // with types
	opLocalGet  = 0x20
	opLocalTee  = 0x22
	opGlobalGet = 0x23
	opGlobalSet = 0x24
	opGrow      = 0x40 // memory.grow
	opI32Const  = 0x41
	opI64Const  = 0x42
	opF32Const  = 0x43
	opF64Const  = 0x44
	opI64LtS    = 0x53
	opI32LtS    = 0x48
	opI32Add    = 0x6a
	opI32Sub    = 0x6b
	opI64Sub    = 0x7d
	opI64ShrU   = 0x88
	opExtendU   = 0xad // i64.extend_i32_u
	opRefNull   = 0xd0
	opRefFunc   = 0xd2
	opBulk      = 0xfc // memory.copy and its kin, saturating conversions
	opVector    = 0xfd // SIMD
)

// Of opBulk.
const (
	subMemoryInit = 8
	subMemoryCopy = 10
	subMemoryFill = 11
	subTableInit  = 12
	subTableCopy  = 14
	subTableGrow  = 15
	subTableFill  = 17
)

package wat

import "strings"

// opcodes are the instructions by name. Names in one row have consecutive
// codes.
var opcodes = func() map[string][]byte {
	m := map[string][]byte{
		"memory.size": {0x3f, 0}, "memory.grow": {0x40, 0},
		"memory.copy": {0xfc, 10, 0, 0}, "memory.fill": {0xfc, 11, 0},
		"table.grow": {0xfc, 15, 0}, "table.size": {0xfc, 16, 0}, "table.fill": {0xfc, 17, 0},
		"ref.null": {0xd0}, "ref.is_null": {0xd1}, "ref.func": {0xd2},
		"i32.trunc_sat_f64_s": {0xfc, 2},
	}
	for _, row := range []struct {
		first byte
		names string
	}{
		{0x00, "unreachable nop"},
		{0x0c, "br br_if br_table return call call_indirect"},
		{0x1a, "drop select"},
		{0x20, "local.get local.set local.tee global.get global.set"},
		{0x28, "i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load8_s i64.load8_u"},
		{0x36, "i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8"},
		{0x41, "i32.const i64.const f32.const f64.const"},
		{0x45, "i32.eqz i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u"},
		{0x50, "i64.eqz i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u"},
		{0x67, "i32.clz i32.ctz i32.popcnt i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u"},
		{0x79, "i64.clz i64.ctz i64.popcnt i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor"},
		{0xa7, "i32.wrap_i64"},
		{0xac, "i64.extend_i32_s i64.extend_i32_u"},
	} {
		for i, name := range strings.Fields(row.names) {
			m[name] = []byte{row.first + byte(i)}
		}
	}
	return m
}()

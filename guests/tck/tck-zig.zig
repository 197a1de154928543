//! The conformance guest in Zig: tck.c says what it does.
const std = @import("std");
const wconf = @import("wconf");
const host = wconf.host;

const wild = 0xfffffff0;

fn given(name: []const u8) []const u8 {
    return wconf.param(name) orelse "";
}

fn is(a: []const u8, b: []const u8) bool {
    return std.mem.eql(u8, a, b);
}

var memory: [8192]u8 = undefined;

export fn render() i32 {
    const function = given("function");
    const asked = given("text");
    const cap = std.fmt.parseInt(usize, given("room"), 10) catch 0;
    for (asked, memory[0..asked.len]) |c, *to| to.* = if (c == '~') 0xff else c; // no UTF-8
    const room = memory[asked.len..][0 .. cap + 4];
    @memset(room, '.');
    const p: [*]const u8 = if (is(given("wild"), "text")) @ptrFromInt(wild) else &memory;
    const b: [*]u8 = if (is(given("wild"), "buffer")) @ptrFromInt(wild) else room.ptr;
    const len = asked.len;
    var n: i32 = 0;
    if (is(function, "getv")) {
        n = host.getv(p, len, b, cap);
    } else if (is(function, "exists")) {
        n = host.exists(p, len);
    } else if (is(function, "gets")) {
        n = host.gets(p, len, b, cap);
    } else if (is(function, "getvs")) {
        n = host.getvs(p, len, b, cap);
    } else if (is(function, "ls")) {
        n = host.ls(p, len, b, cap);
    } else if (is(function, "lsdir")) {
        n = host.lsdir(p, len, b, cap);
    } else if (is(function, "param")) {
        n = host.param(p, len, b, cap);
    } else if (is(function, "params")) {
        n = host.params(b, cap);
    } else if (is(function, "input")) {
        n = host.input(b, cap);
    } else if (is(function, "write")) {
        host.write(p, len);
    } else if (is(function, "log")) {
        host.log(@intCast(cap), p, len);
    } else if (is(function, "fail")) {
        host.fail(p, len);
    } else return 1;
    var digits: [12]u8 = undefined;
    wconf.out(&.{ std.fmt.bufPrint(&digits, "{d}", .{n}) catch "", " ", room });
    wconf.flush();
    return 0;
}

//! wconf.zig: write guests for wconf in Zig. ABI wconf/v1, one file.
//!
//!     const wconf = @import("wconf.zig");
//!     export fn render() i32 {
//!         wconf.out(&.{ "listen ", wconf.getv("/nginx/listen"), ";\n" });
//!         wconf.flush();
//!         return 0;
//!     }
//!
//! What the functions return lives until the invocation ends: every invocation is
//! a fresh instance, so that nothing is ever freed.

pub const host = struct { // generated from package hostfuncs: make generate
    pub extern "wconf/v1" fn getv(key: [*]const u8, key_len: usize, buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn exists(key: [*]const u8, key_len: usize) i32;
    pub extern "wconf/v1" fn gets(pattern: [*]const u8, pattern_len: usize, buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn getvs(pattern: [*]const u8, pattern_len: usize, buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn ls(dir: [*]const u8, dir_len: usize, buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn lsdir(dir: [*]const u8, dir_len: usize, buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn param(name: [*]const u8, name_len: usize, buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn params(buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn input(buf: [*]u8, cap: usize) i32;
    pub extern "wconf/v1" fn write(data: [*]const u8, data_len: usize) void;
    pub extern "wconf/v1" fn log(level: i32, message: [*]const u8, message_len: usize) void;
    pub extern "wconf/v1" fn fail(message: [*]const u8, message_len: usize) noreturn;
}; // end of what is generated

/// What puts a manifest, JSON, into the module: comptime { asm (wconf.manifest("{...}")); }
pub fn manifest(comptime json: []const u8) []const u8 {
    @setEvalBranchQuota(20 * json.len);
    var text: []const u8 = "";
    for (json) |c| text = text ++ (if (c == '"' or c == '\\') "\\" else "") ++ [_]u8{c};
    return ".section .custom_section.wconf,\"\",@\n.ascii \"" ++ text ++ "\"\n.text\n";
}

/// Answers below zero.
pub const Error = error{ NotFound, Denied, Invalid, TooLarge, Unknown };

fn meaning(answer: i32) Error {
    return switch (answer) {
        -1 => Error.NotFound,
        -2 => Error.Denied,
        -3 => Error.Invalid,
        -4 => Error.TooLarge,
        else => Error.Unknown,
    };
}

/// Ends the invocation with a message; the old file stays.
pub fn fail(message: []const u8) noreturn {
    host.fail(message.ptr, message.len);
}

extern var __heap_base: u8; // from the linker: the end of the static data
var top: usize = 0;
var end: usize = 0;

/// Room for n more bytes, which are not taken yet.
fn room(n: usize) []u8 {
    if (end == 0) {
        top = @intFromPtr(&__heap_base);
        end = @wasmMemorySize(0) << 16;
    }
    if (end - top < n) {
        if (@wasmMemoryGrow(0, (n >> 16) + 1) < 0) fail("out of memory");
        end = @wasmMemorySize(0) << 16;
    }
    return @as([*]u8, @ptrFromInt(top))[0 .. end - top];
}

fn take(n: usize) []u8 {
    const piece = room(n)[0..n];
    top += n;
    return piece;
}

const Fill = *const fn ([*]const u8, usize, [*]u8, usize) callconv(.C) i32;

/// Calls a function that fills a buffer, a second time if the first was too small.
inline fn fill(comptime ask: Fill, text: []const u8) Error![]u8 {
    var buf = room(4096);
    var n = ask(text.ptr, text.len, buf.ptr, buf.len);
    if (n > @as(i32, @intCast(buf.len))) {
        buf = room(@intCast(n));
        n = ask(text.ptr, text.len, buf.ptr, buf.len);
    }
    if (n < 0) return meaning(n);
    return take(@intCast(n));
}

fn inputOf(_: [*]const u8, _: usize, buf: [*]u8, cap: usize) callconv(.C) i32 {
    return host.input(buf, cap);
}

fn paramsOf(_: [*]const u8, _: usize, buf: [*]u8, cap: usize) callconv(.C) i32 {
    return host.params(buf, cap);
}

/// Joins texts.
pub fn cat(parts: []const []const u8) []const u8 {
    var n: usize = 0;
    for (parts) |p| n += p.len;
    const all = take(n);
    n = 0;
    for (parts) |p| {
        @memcpy(all[n..][0..p.len], p);
        n += p.len;
    }
    return all;
}

/// The value of exactly this key, or why there is none.
pub fn lookup(key: []const u8) Error![]const u8 {
    return fill(host.getv, key);
}

/// The value of exactly this key; the invocation ends when it is not there.
pub fn getv(key: []const u8) []const u8 {
    return lookup(key) catch fail(cat(&.{ "key does not exist: ", key }));
}

pub fn getvOr(key: []const u8, otherwise: []const u8) []const u8 {
    return lookup(key) catch otherwise;
}

pub fn exists(key: []const u8) bool {
    return host.exists(key.ptr, key.len) == 1;
}

/// Keys that match the pattern, and their values, in the order of the keys.
pub fn gets(pattern: []const u8) Pairs {
    return .{ .list = items("gets", fill(host.gets, pattern)) };
}

/// Values whose keys match the pattern, in their own order.
pub fn getvs(pattern: []const u8) List {
    return items("getvs", fill(host.getvs, pattern));
}

/// Names of the children of a directory.
pub fn ls(dir: []const u8) List {
    return items("ls", fill(host.ls, dir));
}

/// Names of the children of a directory that have children themselves.
pub fn lsdir(dir: []const u8) List {
    return items("lsdir", fill(host.lsdir, dir));
}

pub fn param(name: []const u8) ?[]const u8 {
    return fill(host.param, name) catch null;
}

pub fn params() Pairs {
    return .{ .list = items("params", fill(paramsOf, "")) };
}

/// What a filter or a check got to work on.
pub fn input() []const u8 {
    return fill(inputOf, "") catch "";
}

/// The name and the arguments of a template function (export `call`).
pub fn call() List {
    return items("input", fill(inputOf, ""));
}

/// A LIST: while (names.next()) |name| { ... }
pub const List = struct {
    left: usize,
    at: [*]const u8,

    pub fn next(l: *List) ?[]const u8 {
        if (l.left == 0) return null;
        const n = number(l.at);
        const item = l.at[4..][0..n];
        l.at += 4 + n;
        l.left -= 1;
        return item;
    }
};

pub const Pair = struct { key: []const u8, value: []const u8 };

/// Keys, or names of parameters, and their values.
pub const Pairs = struct {
    list: List,

    pub fn next(p: *Pairs) ?Pair {
        const l = &p.list;
        if (l.left == 0) return null;
        const k = number(l.at);
        const v = number(l.at + 4);
        const pair = Pair{ .key = l.at[8..][0..k], .value = l.at[8 + k ..][0..v] };
        l.at += 8 + k + v;
        l.left -= 1;
        return pair;
    }
};

fn items(comptime what: []const u8, answer: Error![]const u8) List {
    const bytes = answer catch |err| fail(cat(&.{ what, ": ", @errorName(err) }));
    return .{ .left = number(bytes.ptr), .at = bytes.ptr + 4 };
}

fn number(at: [*]const u8) usize {
    return @as(*align(1) const u32, @ptrCast(at)).*;
}

var buffer: [8192]u8 = undefined;
var buffered: usize = 0;

/// Writes texts. Output is buffered: end with flush.
pub fn out(parts: []const []const u8) void {
    for (parts) |p| {
        if (p.len > buffer.len - buffered) flush();
        if (p.len > buffer.len) {
            host.write(p.ptr, p.len);
            continue;
        }
        @memcpy(buffer[buffered..][0..p.len], p);
        buffered += p.len;
    }
}

pub fn flush() void {
    if (buffered > 0) host.write(&buffer, buffered);
    buffered = 0;
}

/// Levels: 0 debug, 1 info, 2 warn, 3 error.
pub fn log(level: i32, message: []const u8) void {
    host.log(level, message.ptr, message.len);
}

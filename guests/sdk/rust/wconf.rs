//! Write guests for wconf in Rust: ABI wconf/v1, one file, no crates.
//!
//!     #[path = "wconf.rs"] mod wconf;
//!     #[no_mangle] pub extern "C" fn render() -> i32 { wconf::write("hello\n"); 0 }
#![allow(dead_code)]

mod host {
    #[link(wasm_import_module = "wconf/v1")]
    extern "C" {
        pub fn getv(key: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn exists(key: *const u8, key_len: usize) -> i32;
        pub fn gets(pattern: *const u8, pattern_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn getvs(pattern: *const u8, pattern_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn ls(dir: *const u8, dir_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn lsdir(dir: *const u8, dir_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn param(name: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn params(buf: *mut u8, cap: usize) -> i32;
        pub fn input(buf: *mut u8, cap: usize) -> i32;
        pub fn write(data: *const u8, data_len: usize);
        pub fn log(level: i32, message: *const u8, message_len: usize);
        pub fn fail(message: *const u8, message_len: usize) -> !;
    }
}

pub const NOT_FOUND: i32 = -1;
pub const DENIED: i32 = -2;
pub const INVALID: i32 = -3;
pub const TOO_LARGE: i32 = -4;

/// Ends the invocation with a message; the old file stays.
pub fn fail(message: &str) -> ! {
    unsafe { host::fail(message.as_ptr(), message.len()) }
}

/// Calls a function that fills a buffer, a second time if the first was too small.
fn fill(call: impl Fn(*mut u8, usize) -> i32) -> Result<Vec<u8>, i32> {
    let mut buf: Vec<u8> = Vec::with_capacity(256);
    let mut n = call(buf.as_mut_ptr(), buf.capacity());
    if n > buf.capacity() as i32 {
        buf.reserve_exact(n as usize);
        n = call(buf.as_mut_ptr(), buf.capacity());
    }
    if n < 0 {
        return Err(n);
    }
    unsafe { buf.set_len(n as usize) };
    Ok(buf)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn must<T>(what: &str, r: Result<T, i32>) -> T {
    r.unwrap_or_else(|code| fail(&format!("{}: answer {}", what, code)))
}

/// The value of exactly this key, or NOT_FOUND, DENIED, …
pub fn lookup(key: &str) -> Result<String, i32> {
    fill(|b, n| unsafe { host::getv(key.as_ptr(), key.len(), b, n) }).map(|v| text(&v))
}

/// The value of exactly this key; the invocation ends when it is not there.
pub fn getv(key: &str) -> String {
    lookup(key).unwrap_or_else(|_| fail(&format!("key does not exist: {}", key)))
}

pub fn getv_or(key: &str, otherwise: &str) -> String {
    lookup(key).unwrap_or_else(|_| otherwise.to_string())
}

pub fn exists(key: &str) -> bool {
    unsafe { host::exists(key.as_ptr(), key.len()) == 1 }
}

fn u32_at(b: &[u8], at: usize) -> usize {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]) as usize
}

fn list(b: Vec<u8>) -> Vec<String> {
    let mut at = 4;
    (0..u32_at(&b, 0))
        .map(|_| {
            let n = u32_at(&b, at);
            at += 4 + n;
            text(&b[at - n..at])
        })
        .collect()
}

fn pairs(b: Vec<u8>) -> Vec<(String, String)> {
    let mut at = 4;
    (0..u32_at(&b, 0))
        .map(|_| {
            let (k, v) = (u32_at(&b, at), u32_at(&b, at + 4));
            at += 8 + k + v;
            (text(&b[at - v - k..at - v]), text(&b[at - v..at]))
        })
        .collect()
}

/// Keys that match the pattern, and their values, in the order of the keys.
pub fn gets(pattern: &str) -> Vec<(String, String)> {
    pairs(must("gets", fill(|b, n| unsafe { host::gets(pattern.as_ptr(), pattern.len(), b, n) })))
}

/// Values whose keys match the pattern, in their own order.
pub fn getvs(pattern: &str) -> Vec<String> {
    list(must("getvs", fill(|b, n| unsafe { host::getvs(pattern.as_ptr(), pattern.len(), b, n) })))
}

/// Names of the children of a directory.
pub fn ls(dir: &str) -> Vec<String> {
    list(must("ls", fill(|b, n| unsafe { host::ls(dir.as_ptr(), dir.len(), b, n) })))
}

/// Names of the children of a directory that have children themselves.
pub fn lsdir(dir: &str) -> Vec<String> {
    list(must("lsdir", fill(|b, n| unsafe { host::lsdir(dir.as_ptr(), dir.len(), b, n) })))
}

pub fn param(name: &str) -> Option<String> {
    fill(|b, n| unsafe { host::param(name.as_ptr(), name.len(), b, n) }).ok().map(|v| text(&v))
}

pub fn params() -> Vec<(String, String)> {
    pairs(must("params", fill(|b, n| unsafe { host::params(b, n) })))
}

/// What a filter or a check got to work on.
pub fn input() -> Vec<u8> {
    must("input", fill(|b, n| unsafe { host::input(b, n) }))
}

/// The name and the arguments of a template function (export `call`).
pub fn call() -> Vec<String> {
    list(input())
}

pub fn write(data: &str) {
    unsafe { host::write(data.as_ptr(), data.len()) }
}

/// Levels: 0 debug, 1 info, 2 warn, 3 error.
pub fn log(level: i32, message: &str) {
    unsafe { host::log(level, message.as_ptr(), message.len()) }
}

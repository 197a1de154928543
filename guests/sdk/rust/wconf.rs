//! Write guests for wconf in Rust: ABI wconf/v1, one file, no crates.
//!
//!     #[path = "wconf.rs"] mod wconf;
//!     #[no_mangle] pub extern "C" fn render() -> i32 { wconf::write("hello\n"); 0 }
//!
//! Memory comes from an arena (below). `format!` is fine and costs a microsecond;
//! where a file has many lines, `["/web/", &id, "/host"].concat()` and
//! `out.extend(["listen ", &port, ";\n"])` are several times as quick.
#![allow(dead_code)]

/// The allocator of guests. Every render is a fresh instance whose memory goes
/// back as a whole, so that it only goes forward: what is dropped comes back when
/// it is what was allocated last, and all of it when everything was dropped, as
/// between two calls of a template function. Who keeps much and drops much builds
/// with `--cfg std_alloc` and has the allocator of std.
#[cfg(all(target_arch = "wasm32", not(std_alloc)))]
mod arena {
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32::{memory_grow, memory_size};
    use core::cell::Cell;

    struct Arena {
        top: Cell<usize>,  // 0: nothing was allocated yet
        end: Cell<usize>,
        live: Cell<usize>, // blocks
    }

    #[global_allocator]
    static ARENA: Arena = Arena { top: Cell::new(0), end: Cell::new(0), live: Cell::new(0) };
    unsafe impl Sync for Arena {} // a guest has one thread

    const PAGE: usize = 65536;

    extern "C" {
        static __heap_base: u8; // from the linker: the end of the static data
    }

    impl Arena {
        /// Makes the memory reach to `to`; false when the host refuses.
        #[cold]
        #[inline(never)]
        fn grow(&self, to: usize) -> bool {
            let have = memory_size(0) * PAGE;
            if to > have && memory_grow(0, (to - have + PAGE - 1) / PAGE) == usize::MAX {
                return false;
            }
            self.end.set(memory_size(0) * PAGE);
            true
        }

        #[inline]
        fn base() -> usize {
            unsafe { &__heap_base as *const u8 as usize }
        }
    }

    unsafe impl GlobalAlloc for Arena {
        #[inline]
        unsafe fn alloc(&self, l: Layout) -> *mut u8 {
            if self.live.get() == 0 {
                self.top.set(Self::base());
            }
            let at = (self.top.get() + l.align() - 1) & !(l.align() - 1);
            let top = at + l.size();
            if top > self.end.get() && !self.grow(top) {
                return core::ptr::null_mut();
            }
            self.top.set(top);
            self.live.set(self.live.get() + 1);
            at as *mut u8
        }

        #[inline]
        unsafe fn dealloc(&self, p: *mut u8, l: Layout) {
            self.live.set(self.live.get() - 1);
            if p as usize + l.size() == self.top.get() {
                self.top.set(p as usize);
            }
        }

        #[inline]
        unsafe fn realloc(&self, p: *mut u8, l: Layout, size: usize) -> *mut u8 {
            let top = p as usize + size;
            if p as usize + l.size() == self.top.get() && (top <= self.end.get() || self.grow(top)) {
                self.top.set(top);
                return p;
            }
            if size <= l.size() {
                return p;
            }
            let to = self.alloc(Layout::from_size_align_unchecked(size, l.align()));
            if !to.is_null() {
                core::ptr::copy_nonoverlapping(p, to, l.size());
                self.dealloc(p, l);
            }
            to
        }
    }
}

/// The functions as they are, for those who mind a copy.
pub mod host {
    #[link(wasm_import_module = "wconf/v1")]
    extern "C" { // generated from package hostfuncs: make generate
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
    } // end of what is generated
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
    let mut buf: Vec<u8> = Vec::with_capacity(4096);
    let mut n = call(buf.as_mut_ptr(), buf.capacity());
    if n > buf.capacity() as i32 {
        buf.reserve_exact(n as usize);
        n = call(buf.as_mut_ptr(), buf.capacity());
    }
    if n < 0 {
        return Err(n);
    }
    unsafe { buf.set_len(n as usize) };
    buf.shrink_to_fit(); // the rest goes back to the arena
    Ok(buf)
}

/// Bytes as text, in the same memory unless they are no UTF-8.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn must<T>(what: &str, r: Result<T, i32>) -> T {
    r.unwrap_or_else(|code| {
        let why = match code {
            NOT_FOUND => "not found",
            DENIED => "denied",
            INVALID => "invalid",
            TOO_LARGE => "too large",
            _ => "refused",
        };
        fail(&[what, ": ", why].concat())
    })
}

/// The value of exactly this key, or NOT_FOUND, DENIED, …
pub fn lookup(key: &str) -> Result<String, i32> {
    fill(|b, n| unsafe { host::getv(key.as_ptr(), key.len(), b, n) }).map(text)
}

/// The value of exactly this key; the invocation ends when it is not there.
pub fn getv(key: &str) -> String {
    lookup(key).unwrap_or_else(|_| fail(&["key does not exist: ", key].concat()))
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
            text(b[at - n..at].to_vec())
        })
        .collect()
}

fn pairs(b: Vec<u8>) -> Vec<(String, String)> {
    let mut at = 4;
    (0..u32_at(&b, 0))
        .map(|_| {
            let (k, v) = (u32_at(&b, at), u32_at(&b, at + 4));
            at += 8 + k + v;
            (text(b[at - v - k..at - v].to_vec()), text(b[at - v..at].to_vec()))
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
    fill(|b, n| unsafe { host::param(name.as_ptr(), name.len(), b, n) }).ok().map(text)
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

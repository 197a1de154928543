//! The conformance guest in Rust: tck.c says what it does.
#[path = "../sdk/rust/wconf.rs"]
mod wconf;
use wconf::{host, param};

const WILD: usize = 0xffff_fff0;

#[no_mangle]
pub extern "C" fn render() -> i32 {
    let given = |name| param(name).unwrap_or_default();
    let cap: usize = given("room").parse().unwrap_or(0);
    let text: Vec<u8> = given("text").bytes().map(|b| if b == b'~' { 0xff } else { b }).collect(); // no UTF-8
    let mut room = vec![b'.'; cap + 4];
    let (mut p, mut b, len) = (text.as_ptr(), room.as_mut_ptr(), text.len());
    match &given("wild")[..] {
        "text" => p = WILD as *const u8,
        "buffer" => b = WILD as *mut u8,
        _ => {}
    }
    let nothing = |()| 0;
    let n = unsafe {
        match &given("function")[..] {
            "getv" => host::getv(p, len, b, cap),
            "exists" => host::exists(p, len),
            "gets" => host::gets(p, len, b, cap),
            "getvs" => host::getvs(p, len, b, cap),
            "ls" => host::ls(p, len, b, cap),
            "lsdir" => host::lsdir(p, len, b, cap),
            "param" => host::param(p, len, b, cap),
            "params" => host::params(b, cap),
            "input" => host::input(b, cap),
            "write" => nothing(host::write(p, len)),
            "log" => nothing(host::log(cap as i32, p, len)),
            "fail" => host::fail(p, len),
            _ => return 1,
        }
    };
    wconf::write(&format!("{} {}", n, unsafe { std::str::from_utf8_unchecked(&room) }));
    0
}

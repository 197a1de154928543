//! Goes once through everything that the Rust SDK offers and writes what came
//! back; tour-go does the same, and both must write the same bytes.
#[path = "../sdk/rust/wconf.rs"]
mod wconf;

fn pairs(list: Vec<(String, String)>) -> String {
    list.iter().map(|(k, v)| format!("{}={};", k, v)).collect()
}

#[no_mangle]
pub extern "C" fn render() -> i32 {
    let lines = [
        format!("getv {}", wconf::getv("/tck/a")),
        format!("empty {:?}", wconf::lookup("/tck/empty").is_ok()),
        format!("none {:?}", wconf::lookup("/tck/none").is_ok()),
        format!("denied {:?}", wconf::lookup("/secret/pw").is_ok()),
        format!("or {} {}", wconf::getv_or("/tck/a", "x"), wconf::getv_or("/tck/none", "x")),
        format!("exists {} {}", wconf::exists("/tck/a"), wconf::exists("/tck/none")),
        format!("long {}", wconf::getv("/tck/huge").len()),
        format!("gets {}", pairs(wconf::gets("/tck/?"))),
        format!("no pairs {}", wconf::gets("/none/*").len()),
        format!("getvs {}", wconf::getvs("/tck/?").join(",")),
        format!("ls {}", wconf::ls("/tck").join(",")),
        format!("no names {}", wconf::ls("/none").len()),
        format!("lsdir {}", wconf::lsdir("/tck").join(",")),
        format!("param {} {}", wconf::param("colour").unwrap_or_default(), wconf::param("none").is_some()),
        format!("params {}", pairs(wconf::params())),
    ];
    wconf::log(2, "on tour");
    wconf::write(&(lines.join("\n") + "\n"));
    0
}

#[no_mangle]
pub extern "C" fn filter() -> i32 {
    wconf::write(&String::from_utf8_lossy(&wconf::input()).to_uppercase());
    0
}

#[no_mangle]
pub extern "C" fn check() -> i32 {
    if wconf::input().is_empty() {
        wconf::fail("nothing to check");
    }
    0
}

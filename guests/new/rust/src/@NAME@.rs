//! Writes the file of the resource @NAME@. wconf.rs says what there is to call.
mod wconf;

#[no_mangle]
pub extern "C" fn render() -> i32 {
    let mut out = format!("title {}\n", wconf::getv("/@NAME@/title"));
    for name in wconf::ls("/@NAME@/servers") {
        let address = wconf::getv(&format!("/@NAME@/servers/{}", name));
        out.push_str(&format!("server {} {}\n", name, address));
    }
    wconf::write(&out);
    0
}

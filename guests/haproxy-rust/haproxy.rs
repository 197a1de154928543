//! HAProxy backends: one for each directory below /haproxy/backends, with a
//! server line for each directory below its servers.
#[path = "../sdk/rust/wconf.rs"]
mod wconf;
use std::fmt::Write;
use wconf::{exists, getv, getv_or, lookup, lsdir};

const MANIFEST: &str = r#"{"abi":"1.0","name":"haproxy","version":"1.0.0","description":"HAProxy backends with weights, checks and backups","keys":["/haproxy/backends"],"limits":{"memory_mib":8}}"#;
#[link_section = "wconf"]
#[used]
static SECTION: [u8; MANIFEST.len()] = *unsafe { &*(MANIFEST.as_ptr() as *const [u8; MANIFEST.len()]) };

fn backend(out: &mut String, name: &str) -> std::fmt::Result {
    let at = format!("/haproxy/backends/{}", name);
    writeln!(out, "\nbackend {}", name)?;
    writeln!(out, "    balance {}", getv_or(&format!("{}/balance", at), "roundrobin"))?;
    if let Ok(path) = lookup(&format!("{}/check", at)) {
        writeln!(out, "    option httpchk GET {}", path)?;
    }
    for id in lsdir(&format!("{}/servers", at)) {
        let server = format!("{}/servers/{}", at, id);
        let address = getv(&format!("{}/address", server));
        let weight = getv_or(&format!("{}/weight", server), "100");
        let backup = if exists(&format!("{}/backup", server)) { " backup" } else { "" };
        writeln!(out, "    server {} {} weight {} check{}", id, address, weight, backup)?;
    }
    Ok(())
}

#[no_mangle]
pub extern "C" fn render() -> i32 {
    let mut out = String::from("# Backends from the keys below /haproxy/backends.\n");
    for name in lsdir("/haproxy/backends") {
        let _ = backend(&mut out, &name); // a String takes everything
    }
    wconf::write(&out);
    0
}

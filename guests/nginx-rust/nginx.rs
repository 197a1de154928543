//! An nginx site in Rust: one server line for each directory below /services/web.
#[path = "../sdk/rust/wconf.rs"]
mod wconf;
use std::fmt::Write;
use wconf::{getv, ls};

const MANIFEST: &str = r#"{"abi":"1.0","name":"nginx-rust","version":"1.0.0","description":"nginx upstream and server from service keys","keys":["/nginx","/services/web"],"limits":{"memory_mib":8}}"#;
#[link_section = "wconf"]
#[used]
static SECTION: [u8; MANIFEST.len()] = *unsafe { &*(MANIFEST.as_ptr() as *const [u8; MANIFEST.len()]) };

#[no_mangle]
pub extern "C" fn render() -> i32 {
    let upstream = getv("/nginx/upstream");
    let mut out = format!("upstream {} {{\n", upstream);
    for id in ls("/services/web") {
        let leaf = |name| getv(&format!("/services/web/{}/{}", id, name));
        let _ = writeln!(out, "    server {}:{} weight={};", leaf("host"), leaf("port"), leaf("weight"));
    }
    let _ = write!(
        out,
        "}}\n\nserver {{\n    listen {};\n    server_name {};\n    location / {{\n        proxy_pass http://{};\n    }}\n}}\n",
        getv("/nginx/listen"),
        getv("/nginx/server_name"),
        upstream
    );
    wconf::write(&out);
    0
}

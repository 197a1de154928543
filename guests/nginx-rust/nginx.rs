//! An nginx site in Rust: one server line for each directory below /services/web.
#[path = "../sdk/rust/wconf.rs"]
mod wconf;
use wconf::{getv, ls};

const MANIFEST: &str = r#"{"abi":"1.0","name":"nginx-rust","version":"1.0.0","description":"nginx upstream and server from service keys","keys":["/nginx","/services/web"],"limits":{"memory_mib":8}}"#;
#[link_section = "wconf"]
#[used]
static SECTION: [u8; MANIFEST.len()] = *unsafe { &*(MANIFEST.as_ptr() as *const [u8; MANIFEST.len()]) };

#[no_mangle]
pub extern "C" fn render() -> i32 {
    let upstream = getv("/nginx/upstream");
    let mut out = ["upstream ", &upstream, " {\n"].concat();
    for id in ls("/services/web") {
        let leaf = |name| getv(&["/services/web/", &id, name].concat());
        out.extend(["    server ", &leaf("/host"), ":", &leaf("/port"), " weight=", &leaf("/weight"), ";\n"]);
    }
    out.extend(["}\n\nserver {\n    listen ", &getv("/nginx/listen"), ";\n    server_name ", &getv("/nginx/server_name")]);
    out.extend([";\n    location / {\n        proxy_pass http://", &upstream, ";\n    }\n}\n"]);
    wconf::write(&out);
    0
}

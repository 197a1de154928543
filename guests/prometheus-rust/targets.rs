//! Targets for Prometheus (file_sd_configs): one group for each directory below
//! /prometheus/jobs, with its targets and labels.
#[path = "../sdk/rust/wconf.rs"]
mod wconf;
use wconf::{gets, getvs, lsdir};

const MANIFEST: &str = r#"{"abi":"1.0","name":"prometheus-targets","version":"1.0.0","description":"targets for file_sd_configs","keys":["/prometheus/jobs"],"limits":{"memory_mib":16}}"#;
#[link_section = "wconf"]
#[used]
static SECTION: [u8; MANIFEST.len()] = *unsafe { &*(MANIFEST.as_ptr() as *const [u8; MANIFEST.len()]) };

/// A text as Go's encoding/json writes it, so that the template's toJson gives
/// the same bytes.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push(c),
        }
    }
    out + "\""
}

fn group(job: &str) -> String {
    let at = format!("/prometheus/jobs/{}", job);
    let targets: Vec<String> = getvs(&format!("{}/targets/*", at)).iter().map(|t| json(t)).collect();
    let mut labels = vec![format!("\"job\": {}", json(job))];
    for (key, value) in gets(&format!("{}/labels/*", at)) {
        let name = key.rsplit('/').next().unwrap_or_default();
        labels.push(format!("{}: {}", json(name), json(&value)));
    }
    format!(
        "  {{\n    \"targets\": [{}],\n    \"labels\": {{\n      {}\n    }}\n  }}",
        targets.join(", "),
        labels.join(",\n      ")
    )
}

#[no_mangle]
pub extern "C" fn render() -> i32 {
    let groups: Vec<String> = lsdir("/prometheus/jobs").iter().map(|job| "\n".to_string() + &group(job)).collect();
    wconf::write(&format!("[{}\n]\n", groups.join(",")));
    0
}

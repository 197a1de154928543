//! Template functions about IPv4 networks:
//!
//!     functions = { net = "cidr.wasm" }
//!     {{ net_cidrhost "10.0.0.0/8" "5" }}     10.0.0.5
//!     {{ net_cidrnetmask "10.0.0.0/8" }}      255.0.0.0
//!     {{ net_cidrcontains "10.0.0.0/8" "10.1.2.3" }}  true
#[path = "../sdk/rust/wconf.rs"]
mod wconf;
use std::net::Ipv4Addr;

const MANIFEST: &str = r#"{"abi":"1.0","name":"cidr","version":"1.0.0","description":"functions about IPv4 networks","functions":{"cidrhost":{"args":2,"help":"the address of host number n in a network"},"cidrnetmask":{"args":1,"help":"a network's mask"},"cidrcontains":{"args":2,"help":"whether an address lies in a network"}},"limits":{"memory_mib":4}}"#;
#[link_section = "wconf"]
#[used]
static SECTION: [u8; MANIFEST.len()] = *unsafe { &*(MANIFEST.as_ptr() as *const [u8; MANIFEST.len()]) };

/// A network's first address and its mask.
fn network(cidr: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{:?} is no IPv4 network like 10.0.0.0/8", cidr);
    let (address, bits) = cidr.split_once('/').ok_or_else(wrong)?;
    let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
    let bits: u32 = bits.parse().map_err(|_| wrong())?;
    if bits > 32 {
        return Err(wrong());
    }
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Ok((u32::from(address) & mask, mask))
}

fn answer(call: &[String]) -> Result<String, String> {
    let call: Vec<&str> = call.iter().map(|s| s.as_str()).collect();
    match call[..] {
        ["cidrhost", cidr, n] => {
            let (first, mask) = network(cidr)?;
            let n: u32 = n.parse().map_err(|_| format!("{:?} is no number of a host", n))?;
            if n & mask != 0 {
                return Err(format!("{} has no host {}", cidr, n));
            }
            Ok(Ipv4Addr::from(first | n).to_string())
        }
        ["cidrnetmask", cidr] => network(cidr).map(|(_, mask)| Ipv4Addr::from(mask).to_string()),
        ["cidrcontains", cidr, address] => {
            let (first, mask) = network(cidr)?;
            let address: Ipv4Addr = address.parse().map_err(|_| format!("{:?} is no IPv4 address", address))?;
            Ok((u32::from(address) & mask == first).to_string())
        }
        _ => Err(format!("no function {:?} with {} arguments", call.first().unwrap_or(&""), call.len().saturating_sub(1))),
    }
}

#[no_mangle]
pub extern "C" fn call() -> i32 {
    match answer(&wconf::call()) {
        Ok(result) => wconf::write(&result),
        Err(why) => wconf::fail(&why),
    }
    0
}

//! Which addresses the public internet is made of. Everything else is someone's private network,
//! this machine, or a way to reach one of them through a translator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet (the IANA special-purpose registries, read
/// strictly: what only sometimes is public, is not).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, ..)              // this network, private, loopback
            | (100, 64..=127, _)        // shared between carriers and their customers
            | (169, 254, _)             // link-local, cloud metadata
            | (172, 16..=31, _)         // private
            | (192, 0, 0 | 2)           // protocol assignments, documentation
            | (192, 52, 193)            // AMT
            | (192, 88, 99)             // 6to4 relays
            | (192, 168, _)             // private
            | (198, 18 | 19, _)         // benchmarks
            | (198, 51, 100)            // documentation
            | (203, 0, 113)             // documentation
            | (224..=255, ..) // multicast, reserved, broadcast
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [a, b, c, d, e, f, ..] = address.segments();
    // Only 2000::/3 is handed out at all. Loopback, ULA, link-local, multicast, NAT64 (64:ff9b::/96,
    // 64:ff9b:1::/48), IPv4-compatible and discard addresses are outside of it.
    a & 0xe000 == 0x2000
        && !(a == 0x2001 && b < 0x0200)             // protocol assignments: Teredo, ORCHID, benchmarks …
        && !(a == 0x2001 && b == 0x0db8)            // documentation
        && a != 0x2002                              // 6to4: carries any IPv4 address
        && !(a == 0x3fff && b < 0x1000)             // documentation
        && !(matches!(e, 0 | 0x0200) && f == 0x5efe)  // ISATAP: carries any IPv4 address
        && (a, b, c, d) != (0x2620, 0x004f, 0x8000, 0) // AS112 sinks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn the_public_internet() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.1.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn everything_else() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2001:10::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2a00:1::5efe:a00:1",
            "2a00:1::200:5efe:a00:1",
            "2620:4f:8000::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    /// The spellings that a URL can give an IPv4 address all arrive here as one.
    #[test]
    fn odd_spellings_are_canonical_before_they_get_here() {
        for spelling in [
            "127.1",
            "0x7f.1",
            "2130706433",
            "017700000001",
            "0x7f000001",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "127。0。0。1",
            "①②⑦.⓪.⓪.①",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:127.0.0.1]",
        ] {
            let url = url::Url::parse(&format!("http://{spelling}/")).unwrap();
            let address: IpAddr = match url.host() {
                Some(url::Host::Ipv4(address)) => address.into(),
                Some(url::Host::Ipv6(address)) => address.into(),
                other => panic!("{spelling}: {other:?}"),
            };
            assert!(!is_public(address), "{spelling}");
        }
    }
}

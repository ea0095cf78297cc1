//! Which addresses a probe may dial: public ones, and the networks that an operator allowed.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// Networks that are not the public internet, or that lead back into a cloud's own machinery. IPv6 forms of IPv4
/// addresses are unwrapped before they are compared.
const DENIED: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    // Azure's own services, though the address is public.
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // With "::" and "::1", and IPv4 in the form that nobody uses any more.
    "::/96",
    "::ffff:0:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    // Teredo carries IPv4 addresses inside, scrambled.
    "2001::/32",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// Tells whether an address may be dialled.
#[derive(Debug, Clone)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
    denied: Vec<IpNet>,
}

impl AddressPolicy {
    /// A guard that makes exceptions for the networks of `probe.allow`.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        let denied = DENIED.iter().map(|net| net.parse().expect("the table holds networks only")).collect();
        Self { allowed, denied }
    }

    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = unwrapped(address);
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        within(&self.allowed) || !within(&self.denied)
    }
}

/// The IPv4 address inside an IPv4-mapped, NAT64 (64:ff9b::/96) or 6to4 (2002::/16) address.
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    match v6.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] | [0x20, 0x02, a, b, c, d, ..] => {
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(guard: &AddressPolicy, address: &str) -> bool {
        guard.admits(address.parse().expect("an address"))
    }

    #[test]
    fn only_public_addresses_are_dialled() {
        let guard = AddressPolicy::new(Vec::new());
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "100.100.100.200",
            "192.168.1.1",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fd00::1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b:1::7f00:1",
            "2001:0:7f00:1::",
            "fec0::1",
            "fd00:ec2::254",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            assert!(!admits(&guard, inside), "{inside}");
        }
        for outside in ["1.1.1.1", "203.205.1.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(admits(&guard, outside), "{outside}");
        }
    }

    #[test]
    fn an_operator_can_allow_a_network_and_no_more() {
        let guard = AddressPolicy::new(vec!["127.0.0.0/8".parse().expect("a network")]);
        assert!(admits(&guard, "127.0.0.1"));
        assert!(admits(&guard, "::ffff:127.0.0.1"));
        assert!(!admits(&guard, "10.0.0.1"));
    }
}

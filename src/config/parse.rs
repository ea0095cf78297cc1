//! Parses single values: durations, addresses, networks, URLs.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

pub(super) const ADDRESS: &str = r#"ADDRESS:PORT such as "127.0.0.1:8470""#;
pub(crate) const DURATION: &str =
    r#"a duration such as "250ms", "2s", "5m", "1h" or "90d", more than zero and at most 3650 days"#;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", DAY_MILLIS)];
const DAY_MILLIS: u64 = 86_400_000;
/// Ten years: longer than any setting needs, and far from overflowing a timestamp.
const MILLIS_MAX: u64 = 3650 * DAY_MILLIS;

pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let millis = number.parse::<u64>().ok()?.checked_mul(*millis)?;
    (1..=MILLIS_MAX).contains(&millis).then_some(Duration::from_millis(millis))
}

/// The text that `duration` parses, in the largest unit that divides it.
pub(super) fn duration_text(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, size) = UNITS.iter().rev().find(|(_, size)| millis.is_multiple_of(*size)).unwrap_or(&UNITS[0]);
    format!("{}{unit}", millis / size)
}

pub(super) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

pub(super) fn switch(text: &str) -> Option<bool> {
    text.parse().ok()
}

/// A share of a whole: from 0 up to, but not including, 1.
pub(super) fn share(text: &str) -> Option<f64> {
    text.parse().ok().filter(|share| (0.0..1.0).contains(share))
}

/// A network, or one address as a network of its own. `Err`: what is expected.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network == network.trunc() => Ok(network),
        // Reading 10.1.2.3/8 as 10.0.0.0/8 would allow more addresses than meant.
        Ok(network) => Err(format!("{} if that whole network is meant", network.trunc())),
        Err(_) => Err(r#"a network such as "10.20.0.0/16" or an address"#.to_owned()),
    }
}

/// The base of an API: scheme, host and port, nothing after.
pub(super) fn base_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    is_plain.then_some(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether probes refuse this address unless `probe.allow` has it. Only for a warning: `AddressPolicy` decides.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        for (text, millis) in
            [("250ms", 250), ("2s", 2000), ("5m", 300_000), ("1h", 3_600_000), ("90d", 90 * DAY_MILLIS)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(duration_text(Duration::from_millis(millis)), text);
        }
        for wrong in [
            "",
            "5",
            "s",
            "0s",
            "0ms",
            "-1s",
            "+1s",
            "1.5s",
            "1 s",
            "1S",
            "1h30m",
            "1w",
            "3651d",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(duration("3650d"), Some(Duration::from_millis(MILLIS_MAX)));
    }

    #[test]
    fn a_network_is_not_silently_widened() {
        assert_eq!(network("10.20.0.0/16").map(|net| net.to_string()).as_deref(), Ok("10.20.0.0/16"));
        assert_eq!(network("::1").map(|net| net.to_string()).as_deref(), Ok("::1/128"));
        assert_eq!(network("10.1.2.3/8").expect_err("host bits"), "10.0.0.0/8 if that whole network is meant");
        assert!(network("10.0.0.0/33").is_err());
    }

    #[test]
    fn a_share_leaves_something() {
        assert_eq!([share("0"), share("0.05"), share("0.999")], [Some(0.0), Some(0.05), Some(0.999)]);
        for wrong in ["1", "1.0", "-0.1", "5%", "NaN", "inf", ""] {
            assert_eq!(share(wrong), None, "{wrong}");
        }
    }
}

//! Moments as text: RFC 3339 in UTC, and in the zone that the provider's console and support use.

use jiff::tz::{TimeZone, offset};

use crate::domain::Timestamp;

fn moment(moment: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

pub(crate) fn utc(at: Timestamp) -> String {
    format!("{:.3}", moment(at))
}

/// In UTC+8, to the second, with the zone.
pub(super) fn china(at: Timestamp) -> String {
    moment(at).to_zoned(TimeZone::fixed(offset(8))).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Both, for a line of text.
pub(super) fn both(at: Timestamp) -> String {
    format!("{} ({})", utc(at), china(at))
}

/// The same of a moment that is written already.
pub(super) fn both_of(written: &str) -> String {
    match written.parse::<jiff::Timestamp>() {
        Ok(at) => both(Timestamp::from_millis(at.as_millisecond())),
        Err(_) => written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_both_zones() {
        let at = Timestamp::from_millis(1_795_363_200_250);
        assert_eq!(both(at), "2026-11-22T16:00:00.250Z (2026-11-23T00:00:00+08:00)");
        assert_eq!(both_of("2026-11-22T16:00:00.250Z"), both(at));
        assert_eq!(both_of("soon"), "soon");
    }
}

//! The cloud's days and dates: quota days turn and times are written at UTC+8, signatures are dated in UTC, and HTTP
//! headers have their own form.

use jiff::civil::DateTime;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::tz::Offset;

use crate::domain::Timestamp;

const BEIJING: Offset = Offset::constant(8);
const BEIJING_MILLIS: i64 = 8 * 60 * 60 * 1000;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
const TEXT_FORM: &str = "%Y-%m-%d %H:%M:%S";

/// The quota day that `now` lies in, counted from the epoch.
pub(crate) fn quota_day(now: Timestamp) -> i64 {
    (now.as_millis() + BEIJING_MILLIS).div_euclid(DAY_MILLIS)
}

/// The midnight at UTC+8 that ends the quota day of `now`.
pub(crate) fn quota_reset(now: Timestamp) -> Timestamp {
    Timestamp::from_millis((quota_day(now) + 1) * DAY_MILLIS - BEIJING_MILLIS)
}

/// `YYYY-MM-DD HH:MM:SS` at UTC+8, as every time in the API is written.
pub(crate) fn text(moment: Timestamp) -> String {
    BEIJING.to_datetime(instant(moment)).strftime(TEXT_FORM).to_string()
}

/// Reads what [`text`] writes.
pub(crate) fn parse_text(text: &str) -> Option<Timestamp> {
    let local = DateTime::strptime(TEXT_FORM, text).ok()?;
    let instant = BEIJING.to_timestamp(local).ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

/// `YYYY-MM-DD` in UTC, as a credential scope is dated.
pub(crate) fn utc_date(epoch_seconds: i64) -> Option<String> {
    let instant = jiff::Timestamp::from_second(epoch_seconds).ok()?;
    Some(Offset::UTC.to_datetime(instant).date().to_string())
}

/// The form of `Date` and `Last-Modified`.
pub(crate) fn http_date(moment: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&instant(moment)).unwrap_or_default()
}

pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let instant = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

/// A clock outside the years jiff knows is a broken clock; its dates are then the epoch's.
fn instant(moment: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_day_turns_at_midnight_eight_hours_east() {
        // 2026-11-22 15:59:59.999 and 16:00:00 UTC.
        let before = Timestamp::from_millis(1_795_363_199_999);
        let after = Timestamp::from_millis(1_795_363_200_000);
        assert_eq!(quota_day(before) + 1, quota_day(after));
        assert_eq!(quota_reset(before), after);
        assert_eq!(text(after), "2026-11-23 00:00:00");
    }

    #[test]
    fn times_read_back_as_written() {
        let moment = Timestamp::from_millis(1_533_045_796_000);
        assert_eq!(parse_text(&text(moment)), Some(moment));
        assert_eq!(parse_http_date(&http_date(moment)), Some(moment));
        assert_eq!(parse_text("2026-13-01 00:00:00"), None);
        assert_eq!(parse_text("2026-01-01"), None);
    }

    #[test]
    fn dates_have_the_forms_of_their_protocols() {
        assert_eq!(utc_date(1_735_689_599).as_deref(), Some("2024-12-31"));
        assert_eq!(http_date(Timestamp::from_millis(1_735_689_600_000)), "Wed, 01 Jan 2025 00:00:00 GMT");
    }
}

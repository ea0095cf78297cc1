//! The provider's times have no zone; all of them are UTC+8 (its task ids and their `CreateTime` agree only so).

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, offset};

use crate::domain::Timestamp;

const ZONE: Offset = offset(8);
const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// The second in which `moment` lies.
pub(super) fn format_time(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(moment.as_secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    ZONE.to_datetime(moment).strftime(FORMAT).to_string()
}

/// The first whole second at or after `moment`.
pub(super) fn format_rounded_up(moment: Timestamp) -> String {
    format_time(moment + Duration::from_millis(999))
}

pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let moment = ZONE.to_timestamp(DateTime::strptime(FORMAT, text.trim()).ok()?).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_task_id_and_its_create_time_name_the_same_second() {
        // Task 1533045796-i60rfmzm of the provider's own sample begins with its epoch second.
        assert_eq!(format_time(Timestamp::from_millis(1_533_045_796_000)), "2018-07-31 22:03:16");
        assert_eq!(parse("2018-07-31 22:03:16"), Some(Timestamp::from_millis(1_533_045_796_000)));
    }

    #[test]
    fn the_end_of_a_window_is_not_cut_off() {
        let moment = Timestamp::from_millis(1_533_045_796_001);
        assert_eq!(format_time(moment), "2018-07-31 22:03:16");
        assert_eq!(format_rounded_up(moment), "2018-07-31 22:03:17");
        assert_eq!(format_rounded_up(Timestamp::from_millis(1_533_045_796_000)), "2018-07-31 22:03:16");
    }

    #[test]
    fn nonsense_is_no_time() {
        for text in ["", "yesterday", "2018-13-01 00:00:00", "2018-07-31T22:03:16Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

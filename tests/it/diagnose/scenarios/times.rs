//! Times that a scenario writes relative to the moment at which a step is taken: `{soon}`, `{now}`, `{now-5m}`, `{now+2h}`.

use refreshd::clock::{Clock, SystemClock};
use serde_json::Value;

/// What `{soon}` is ahead: enough to send a job, little enough to wait for.
const SOON_SECONDS: i64 = 8;

/// Puts times for their places. Below `headers` they are written as HTTP writes dates, elsewhere as RFC 3339.
pub(super) fn fill(value: &mut Value) {
    let now =
        jiff::Timestamp::from_millisecond(SystemClock::default().now().as_millis()).expect("a moment of our times");
    fill_from(value, now, false);
}

fn fill_from(value: &mut Value, now: jiff::Timestamp, in_header: bool) {
    match value {
        Value::String(text) => *text = filled(text, now, in_header),
        Value::Array(values) => values.iter_mut().for_each(|value| fill_from(value, now, in_header)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, value)| fill_from(value, now, in_header || name == "headers"));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A place that names no time is left as it stands.
fn filled(text: &str, now: jiff::Timestamp, in_header: bool) -> String {
    let Some((before, rest)) = text.split_once('{') else { return text.to_owned() };
    let Some((place, after)) = rest.split_once('}') else { return text.to_owned() };
    let after = filled(after, now, in_header);
    let Some(seconds) = seconds_from_now(place) else { return format!("{before}{{{place}}}{after}") };
    let moment = now + jiff::SignedDuration::from_secs(seconds);
    let written = if in_header { moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string() } else { moment.to_string() };
    format!("{before}{written}{after}")
}

fn seconds_from_now(place: &str) -> Option<i64> {
    if place == "soon" {
        return Some(SOON_SECONDS);
    }
    let distance = place.strip_prefix("now")?;
    if distance.is_empty() {
        return Some(0);
    }
    let unit = match distance.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number: i64 = distance[..distance.len() - 1].parse().ok()?;
    distance.starts_with(['+', '-']).then_some(number * unit)
}

#[test]
fn a_time_is_written_as_its_place_wants_it() {
    let now: jiff::Timestamp = "2026-12-01T08:00:00Z".parse().expect("a moment");
    let mut body = serde_json::json!({
        "deadline": "{soon}",
        "not_before": "{now+2h}",
        "list": [{"headers": {"Last-Modified": "{now-5m}", "X-A": "a {now} b {none} {now-x}"}}],
    });
    fill_from(&mut body, now, false);
    let expected = serde_json::json!({
        "deadline": "2026-12-01T08:00:08Z",
        "not_before": "2026-12-01T10:00:00Z",
        "list": [{"headers": {
            "Last-Modified": "Tue, 01 Dec 2026 07:55:00 GMT",
            "X-A": "a Tue, 01 Dec 2026 08:00:00 GMT b {none} {now-x}",
        }}],
    });
    assert_eq!(body, expected);
}

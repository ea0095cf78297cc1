//! Times, spans and figures as a tired person reads them.

use std::time::Duration;

use crate::domain::Timestamp;

/// `2026-11-22 16:00 UTC`.
pub(super) fn moment(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.as_millis())
        .map_or_else(|_| "an unknown time".to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// The two largest units: `3 d 4 h`, `3 h 20 min`, `4 min`, `12 s`, `350 ms`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let two = |many: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{many} {unit}"),
        _ => format!("{many} {unit} {rest} {small}"),
    };
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// `12,345`.
pub(super) fn figure(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Somebody else's words, on one line and not too many.
pub(super) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    if line.chars().count() <= CHARS_MAX {
        return line.to_owned();
    }
    format!("{}…", line.chars().take(CHARS_MAX).collect::<String>())
}

/// A target as one argument of a command that a person pastes into a shell, whole and harmless.
pub(super) fn argument(target: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-%~+,@=".contains(c);
    if target.chars().all(plain) { target.to_owned() } else { format!("'{}'", target.replace('\'', "'\\''")) }
}

/// The moment of an HTTP date.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_their_two_largest_units() {
        for (seconds, text) in [
            (12, "12 s"),
            (250, "4 min"),
            (12_000, "3 h 20 min"),
            (7_200, "2 h"),
            (273_700, "3 d 4 h"),
            (86_400, "1 d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(350)), "350 ms");
    }

    #[test]
    fn a_pasted_target_is_one_argument_and_does_nothing() {
        assert_eq!(argument("https://h.example/a%20b~c"), "https://h.example/a%20b~c");
        assert_eq!(argument("https://h.example/?a=1&b"), "'https://h.example/?a=1&b'");
        assert_eq!(argument("https://h.example/;$(x)'y"), "'https://h.example/;$(x)'\\''y'");
    }

    #[test]
    fn dates_figures_and_quotes() {
        let at = http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        assert_eq!((at.as_secs(), moment(at).as_str()), (784_111_777, "1994-11-06 08:49 UTC"));
        assert_eq!(http_date("yesterday"), None);
        assert_eq!([figure(7), figure(1_000), figure(1_234_567)], ["7", "1,000", "1,234,567"]);
        assert_eq!(quoted(" a\nb "), "a b");
    }
}

//! The two ways in which Prometheus reads text. OpenMetrics is what the client library writes; the older format, which
//! every tool understands, has the same samples under heads that name them in full.

use std::fmt;

use axum::http::{HeaderMap, header};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::families::Families;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricsFormat {
    Plain,
    OpenMetrics,
}

impl MetricsFormat {
    /// OpenMetrics only for a client that names it: `*/*` says nothing.
    pub(super) fn asked_for(headers: &HeaderMap) -> Self {
        let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accepted.any(|value| value.contains("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Plain
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    pub(super) fn written(self, families: Families) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("refreshd");
        registry.register_collector(Box::new(families));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(match self {
            Self::Plain => plain(&text),
            Self::OpenMetrics => text,
        })
    }
}

/// OpenMetrics names the family in its heads, the older format the sample: `_total` and `_info` belong there to the name.
/// What the older one has no word for is left out.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut help = "";
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(_), Some(reason)) => help = reason,
            (Some("#"), Some("TYPE"), Some(family), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    other => ("", other),
                };
                plain.push_str(&format!("# HELP {family}{suffix} {help}\n# TYPE {family}{suffix} {kind}\n"));
            }
            (Some("#"), ..) => {}
            _ => {
                plain.push_str(line);
                plain.push('\n');
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_format_names_each_sample_in_its_head() {
        let text = "# HELP a_jobs Jobs of a.\n# TYPE a_jobs counter\na_jobs_total{b=\"# c\"} 2\n\
                    # HELP a_build What runs.\n# TYPE a_build info\na_build_info{v=\"1\"} 1\n\
                    # HELP a_age_seconds Age.\n# TYPE a_age_seconds gauge\n# UNIT a_age_seconds seconds\n\
                    a_age_seconds 3.5\n# EOF\n";
        let expected = "# HELP a_jobs_total Jobs of a.\n# TYPE a_jobs_total counter\na_jobs_total{b=\"# c\"} 2\n\
                        # HELP a_build_info What runs.\n# TYPE a_build_info gauge\na_build_info{v=\"1\"} 1\n\
                        # HELP a_age_seconds Age.\n# TYPE a_age_seconds gauge\na_age_seconds 3.5\n";
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn whoever_names_openmetrics_gets_it() {
        let request = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            MetricsFormat::asked_for(&headers)
        };
        assert_eq!(request("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), MetricsFormat::OpenMetrics);
        assert_eq!(request("text/plain;version=0.0.4;q=1,*/*;q=0.1"), MetricsFormat::Plain);
        assert_eq!(MetricsFormat::asked_for(&HeaderMap::new()), MetricsFormat::Plain);
    }
}

//! Which figures there are, what they are called, and what they are told apart by: never by a URL, a job, a token or a
//! tenant, of which there is no end.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::domain::{Lane, Operation, Priority, Timestamp, Verification};
use crate::service::{CounterKey, MetricsSnapshot, Pool};

/// The figures of one moment, ready to be written.
#[derive(Debug)]
pub(super) struct Families(pub(super) MetricsSnapshot);

type Labels = Vec<(&'static str, String)>;

impl Collector for Families {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut page = EncodedPage(encoder);
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        page.0.encode_descriptor("build", "What runs.", None, MetricType::Info)?.encode_info(&version)?;
        self.counted(&mut page)?;
        self.lanes(&mut page)?;
        self.pools(&mut page)?;
        self.accounts(&mut page)?;
        self.findings(&mut page)
    }
}

impl Families {
    fn counted(&self, page: &mut EncodedPage<'_>) -> Result<(), fmt::Error> {
        let counts = &self.0.counts;
        let of = |what: &CounterKey| counts.get(what).copied().unwrap_or(0);
        // From the beginning, so that the first one is seen as a rise.
        let jobs = Operation::ALL
            .iter()
            .map(|operation| (vec![("operation", operation.to_string())], of(&CounterKey::Job(*operation))));
        page.counter("jobs_accepted", "Jobs accepted, by operation.", jobs)?;
        let submissions = counts.iter().filter_map(|(what, count)| match what {
            CounterKey::Submission { account, operation, answer } => {
                let labels = vec![
                    ("account", account.to_string()),
                    ("operation", operation.to_string()),
                    ("answer", (*answer).to_owned()),
                ];
                Some((labels, *count))
            }
            _ => None,
        });
        page.counter("submissions", "Calls that carried targets to the provider, by its answer.", submissions)?;
        let targets = counts.iter().filter_map(|(what, count)| match what {
            CounterKey::Target { account, operation, done } => {
                let result = if *done { "done" } else { "failed" };
                let labels = vec![
                    ("account", account.to_string()),
                    ("operation", operation.to_string()),
                    ("result", result.to_owned()),
                ];
                Some((labels, *count))
            }
            _ => None,
        });
        page.counter("targets", "Targets of tasks that ended at the provider, by result.", targets)?;
        let verdicts = [Verification::Fresh, Verification::Stale, Verification::Unknown]
            .map(|seen| (vec![("verification", seen.to_string())], of(&CounterKey::Verdict(seen))));
        page.counter("verifications", "Jobs whose verification ended with a look at the edge.", verdicts)
    }

    fn lanes(&self, page: &mut EncodedPage<'_>) -> Result<(), fmt::Error> {
        let lanes = || self.0.lanes.iter();
        let due = lanes().flat_map(|lane| {
            Priority::ALL.iter().zip(lane.due).map(|(priority, due)| {
                let mut labels = lane_labels(&lane.lane);
                labels.push(("priority", priority.to_string()));
                (labels, due)
            })
        });
        page.gauge("lane_due_items", "Items that may leave with the lane's next calls, by priority.", due)?;
        let figure = |count: fn(&crate::store::LaneRecord) -> u64| {
            self.0.lanes.iter().map(move |lane| (lane_labels(&lane.lane), count(lane)))
        };
        page.gauge("lane_delayed_items", "Items that wait for a moment.", figure(|lane| lane.delayed))?;
        page.gauge("lane_blocked_items", "Prefetches that wait for their purge.", figure(|lane| lane.blocked))?;
        page.gauge("lane_calls_in_flight", "Calls without an answer.", figure(|lane| lane.in_flight.into()))?;
        page.gauge("lane_paused", "1 if a person holds the lane back.", figure(|lane| lane.paused.is_some().into()))?;
        let oldest = lanes().filter_map(|lane| Some((lane_labels(&lane.lane), seconds(lane.oldest?))));
        page.gauge("lane_oldest_due_timestamp_seconds", "When the longest waiting due item was asked for.", oldest)
    }

    fn pools(&self, page: &mut EncodedPage<'_>) -> Result<(), fmt::Error> {
        let figure = |count: fn(&Pool) -> u64| {
            let labels = |pool: &Pool| vec![("account", pool.account.to_string()), ("pool", pool.name.to_string())];
            self.0.pools.iter().map(move |pool| (labels(pool), count(pool)))
        };
        page.gauge("quota_limit_targets", "Targets that a day's quota has.", figure(|pool| pool.total))?;
        page.gauge(
            "quota_available_targets",
            "Targets that are left of today's quota.",
            figure(|pool| pool.available),
        )?;
        page.gauge("quota_reserved_targets", "Of these, only for urgent jobs.", figure(|pool| pool.reserved))?;
        page.gauge("quota_sent_targets", "Targets that this daemon drew today.", figure(|pool| pool.used))?;
        let labels = |pool: &Pool| vec![("account", pool.account.to_string()), ("pool", pool.name.to_string())];
        let resets = self.0.pools.iter().map(|pool| (labels(pool), seconds(pool.resets_at)));
        page.gauge("quota_reset_timestamp_seconds", "The end of the day that the figures are of.", resets)
    }

    fn accounts(&self, page: &mut EncodedPage<'_>) -> Result<(), fmt::Error> {
        let accounts = || self.0.accounts.iter().map(|account| (vec![("account", account.name.to_string())], account));
        let paused = accounts().map(|(labels, account)| (labels, u64::from(account.paused.is_some())));
        page.gauge("account_paused", "1 if no call of the account is made but gentle tries.", paused)?;
        let refused = accounts().map(|(labels, account)| (labels, account.refused_actions.len() as u64));
        page.gauge("account_refused_actions", "Actions that the provider refuses the account.", refused)?;
        let skew = accounts().filter_map(|(labels, account)| Some((labels, account.skew_millis? as f64 / 1000.0)));
        page.gauge("account_clock_skew_seconds", "The provider's clock less this machine's.", skew)
    }

    fn findings(&self, page: &mut EncodedPage<'_>) -> Result<(), fmt::Error> {
        let standing = || {
            self.0.standing.iter().map(|(what, since)| {
                let mut labels = vec![
                    ("account", what.account.to_string()),
                    ("check", what.check.to_string()),
                    ("severity", what.result.to_string()),
                ];
                labels.extend(what.host.clone().map(|host| ("host", host)));
                (labels, since)
            })
        };
        let help = "Findings of the patrol that stand, by host where a route names it.";
        page.gauge("findings", help, standing().map(|(labels, since)| (labels, since.findings)))?;
        let since = standing().map(|(labels, since)| (labels, seconds(since.at)));
        page.gauge("finding_since_timestamp_seconds", "Since when the first of these findings stands.", since)?;
        let patrolled = self.0.patrolled_at.map(|at| (Labels::new(), seconds(at)));
        page.gauge("patrol_ended_timestamp_seconds", "When the patrol's last round ended.", patrolled)
    }
}

/// Families, one below the other.
struct EncodedPage<'a>(DescriptorEncoder<'a>);

impl EncodedPage<'_> {
    fn counter<V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) -> Result<(), fmt::Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn gauge<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) -> Result<(), fmt::Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            // A figure that there is one of has no braces.
            match labels.is_empty() {
                true => family.encode_gauge(&value)?,
                false => family.encode_family(&labels)?.encode_gauge(&value)?,
            }
        }
        Ok(())
    }
}

fn lane_labels(lane: &Lane) -> Labels {
    let mut labels = vec![
        ("account", lane.account.to_string()),
        ("operation", lane.operation.to_string()),
        ("kind", lane.kind.to_string()),
        ("area", lane.area.to_string()),
    ];
    labels.extend(lane.mode.map(|mode| ("mode", mode.to_string())));
    labels
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

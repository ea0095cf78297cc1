//! The verifier: looks at the edge once the provider says that a job is done, until it is seen fresh or the deadline
//! for it ends. Done and fresh are two facts.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};

use super::drive::{Service, Step};
use super::{Parts, Patience};
use crate::clock;
use crate::domain::{Backoff, ItemId, Target, TargetKind, Timestamp, Verification, judge};
use crate::probe::{Prober, Sight};
use crate::store::{DueVerification, JobRef, Sample, Seen, Store, StoreError};
use crate::wake::Wakes;

/// Jobs looked at side by side.
const JOBS_MAX: u32 = 4;
/// Targets of one job that are looked at: all of a small job, an even sample of a large one.
const SAMPLE_MAX: u32 = 100;
/// Probes of one job at once, so that a look is not a load.
const PROBES_MAX: usize = 8;
const LOOK_AGAIN: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(30) };

pub(super) struct Verifier {
    store: Arc<dyn Store>,
    prober: Arc<dyn Prober>,
    wakes: Wakes,
    patience: Patience,
    open: HashSet<JobRef>,
}

pub(super) struct Call {
    due: DueVerification,
    samples: Vec<Sample>,
}

/// What one target looked like, for all items that asked for it.
pub(super) struct Viewed {
    target: Target,
    items: Vec<ItemId>,
    verification: Verification,
    reason: String,
    /// Another look may see more.
    again: bool,
}

impl Verifier {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            store: parts.store.clone(),
            prober: parts.prober.clone(),
            wakes: parts.wakes.clone(),
            patience: parts.patience,
            open: HashSet::new(),
        }
    }

    /// The job's verdict if it is final at `now`, otherwise when to look again.
    fn conclude(
        &self,
        due: &DueVerification,
        viewed: &[Viewed],
        now: Timestamp,
    ) -> Result<(Verification, String), Timestamp> {
        let of = |wanted| viewed.iter().filter(move |view| view.verification == wanted).count();
        let summary = |verification, rest: &str| {
            (verification, format!("{} of {} targets seen fresh{rest}", of(Verification::Fresh), viewed.len()))
        };
        if !viewed.is_empty() && of(Verification::Fresh) == viewed.len() {
            return Ok(summary(Verification::Fresh, ""));
        }
        let deadline = due.finished_at + self.patience.verify_deadline;
        if now < deadline && viewed.iter().any(|view| view.again) {
            return Err((now + LOOK_AGAIN.wait(due.looks + 1, clock::jitter())).min(deadline));
        }
        let worst = if of(Verification::Stale) > 0 { Verification::Stale } else { Verification::Unknown };
        let example = viewed
            .iter()
            .find(|view| view.verification == worst)
            .map_or("nothing could be looked at", |view| &view.reason);
        Ok(summary(worst, &format!("; {worst}: {example}")))
    }
}

#[async_trait]
impl Service for Verifier {
    type Call = Call;
    type Answer = (DueVerification, Vec<Viewed>);

    const NAME: &'static str = "verifier";

    async fn step(&mut self, now: Timestamp) -> Result<Step<Call>, StoreError> {
        let (due, next_at) = self.store.due_verifications(JOBS_MAX, now).await?;
        let mut calls = Vec::new();
        for due in due {
            if self.open.insert(due.job) {
                let samples = self.store.sample(due.job, SAMPLE_MAX).await?;
                calls.push(Call { due, samples });
            }
        }
        Ok(Step { calls, next_at })
    }

    fn perform(&self, Call { due, samples }: Call) -> BoxFuture<'static, Self::Answer> {
        let prober = self.prober.clone();
        async move {
            let views = by_target(samples).into_iter().map(|(target, items)| view(prober.clone(), target, items));
            let mut viewed: Vec<Viewed> = stream::iter(views).buffer_unordered(PROBES_MAX).collect().await;
            judge_directories(&mut viewed);
            (due, viewed)
        }
        .boxed()
    }

    async fn record(&mut self, (due, viewed): &Self::Answer, now: Timestamp) -> Result<(), StoreError> {
        let verdicts = viewed
            .iter()
            .flat_map(|view| view.items.iter().map(|item| (*item, view.verification, view.reason.clone())))
            .collect();
        let end = self.conclude(due, viewed, now);
        if let Ok((verification, summary)) = &end {
            tracing::info!(job.id = %due.id, verification = %verification, "{summary}");
        }
        self.store.record_verification(due.job, Seen { verdicts, end }, now).await?;
        self.open.remove(&due.job);
        self.wakes.jobs.ring();
        Ok(())
    }
}

/// A directory whose own page tells nothing is as fresh as the URLs of the same job below it.
fn judge_directories(viewed: &mut [Viewed]) {
    let urls: Vec<(String, Verification)> = viewed
        .iter()
        .filter(|view| view.target.kind() == TargetKind::Url)
        .map(|view| (view.target.to_string(), view.verification))
        .collect();
    for view in viewed {
        if view.target.kind() != TargetKind::Directory || view.verification != Verification::Unknown {
            continue;
        }
        let below: Vec<_> = urls.iter().filter(|(url, _)| url.starts_with(view.target.as_str())).collect();
        if !below.is_empty() {
            let fresh = below.iter().filter(|(_, seen)| *seen == Verification::Fresh).count();
            let stale = below.iter().any(|(_, seen)| *seen == Verification::Stale);
            view.verification = match (fresh == below.len(), stale) {
                (true, _) => Verification::Fresh,
                (false, true) => Verification::Stale,
                (false, false) => Verification::Unknown,
            };
            view.reason = format!("{}: {fresh} of {} URLs of this job below it are fresh", view.target, below.len());
        }
    }
}

/// A refresh has two items for a URL; its edge is looked at once.
fn by_target(samples: Vec<Sample>) -> BTreeMap<Target, Vec<ItemId>> {
    let mut targets: BTreeMap<Target, Vec<ItemId>> = BTreeMap::new();
    for sample in samples {
        targets.entry(sample.target).or_default().push(sample.item);
    }
    targets
}

async fn view(prober: Arc<dyn Prober>, target: Target, items: Vec<ItemId>) -> Viewed {
    let (verification, reason, again) = match prober.look(&target).await {
        Sight::Blind { reason, again } => (Verification::Unknown, reason, again),
        // An error page for a directory says nothing of what lies below it.
        Sight::Seen { origin, .. } if target.kind() == TargetKind::Directory && origin.status >= 300 => {
            let reason = format!("the directory itself answers {}, and no URL below it is known", origin.status);
            (Verification::Unknown, reason, false)
        }
        Sight::Seen { edge, origin } => {
            let verdict = judge(&edge, &origin);
            let again = verdict.verification != Verification::Fresh;
            (verdict.verification, verdict.reason, again)
        }
    };
    Viewed { items, verification, reason: format!("{target}: {reason}"), again, target }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewed(kind: TargetKind, raw: &str, verification: Verification) -> Viewed {
        let target = Target::parse(kind, raw).expect("valid");
        Viewed { target, items: Vec::new(), verification, reason: String::new(), again: false }
    }

    #[test]
    fn a_directory_is_as_fresh_as_the_urls_below_it() {
        use Verification::{Fresh, Stale, Unknown};
        for (below, expected) in [(Fresh, Fresh), (Stale, Stale), (Unknown, Unknown)] {
            let mut views = vec![
                viewed(TargetKind::Directory, "https://h.example/img/", Unknown),
                viewed(TargetKind::Url, "https://h.example/img/a", below),
                viewed(TargetKind::Url, "https://h.example/img/b", Fresh),
                viewed(TargetKind::Url, "https://h.example/elsewhere", Stale),
            ];
            judge_directories(&mut views);
            assert_eq!(views[0].verification, expected);
        }
        let mut alone = vec![viewed(TargetKind::Directory, "https://h.example/img/", Unknown)];
        judge_directories(&mut alone);
        assert_eq!(alone[0].verification, Unknown);
    }
}

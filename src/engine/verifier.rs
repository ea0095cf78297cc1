//! The verifier: looks at the edge once the provider says that a job is done, until it is seen fresh or the deadline
//! for it ends. Done and fresh are two facts.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::drive::{Service, Step};
use super::view::{Blind, Sides, Viewer};
use super::{Parts, Patience};
use crate::clock;
use crate::domain::{Backoff, ItemId, Target, TargetKind, Timestamp, Verdict, Verification, judge};
use crate::store::{DueVerification, JobRef, Sample, Seen, Store, StoreError};
use crate::wake::Wakes;

/// Jobs looked at side by side.
const JOBS_MAX: u32 = 16;
/// Targets of one job that are looked at: all of a small job, an even sample of a large one.
const SAMPLE_MAX: u32 = 100;
/// Probes of one job at once, so that a look is not a load.
const PROBES_MAX: usize = 8;
/// Probes that the jobs share. With the one that each job has for itself, and whose turn nobody can hold up, that makes 32
/// at once.
const SHARED_PROBES_MAX: usize = 16;
/// A look at a job takes no longer, whatever its hosts do: others wait for its place.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// So much time has even the last look before the deadline, or the one after it.
const LOOK_MIN: Duration = Duration::from_secs(5);
/// So long both sides of one target may take.
const VIEW_MAX: Duration = Duration::from_secs(25);
const LOOK_AGAIN: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(30) };

pub(super) struct Verifier {
    store: Arc<dyn Store>,
    viewer: Arc<Viewer>,
    wakes: Wakes,
    patience: Patience,
    open: HashSet<JobRef>,
    shared: Arc<Semaphore>,
}

pub(super) struct Call {
    due: DueVerification,
    samples: Vec<Sample>,
    /// How long the look may take.
    time: Duration,
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
            viewer: Arc::new(Viewer::new(parts.prober.clone(), parts.vantage.clone())),
            wakes: parts.wakes.clone(),
            patience: parts.patience,
            open: HashSet::new(),
            shared: Arc::new(Semaphore::new(SHARED_PROBES_MAX)),
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
            if !self.open.contains(&due.job) {
                let samples = self.store.sample(due.job, SAMPLE_MAX).await?;
                calls.push(Call {
                    time: look_time(due.finished_at + self.patience.verify_deadline, now),
                    due,
                    samples,
                });
            }
        }
        // Only now, when they are sure to be made: a job left in here by an error would never be looked at again.
        self.open.extend(calls.iter().map(|call| call.due.job));
        Ok(Step { calls, next_at })
    }

    fn perform(&self, Call { due, samples, time }: Call) -> BoxFuture<'static, Self::Answer> {
        let lanes = Arc::new(Lanes { own: Semaphore::new(1), shared: self.shared.clone() });
        let viewer = self.viewer.clone();
        async move {
            let mut viewed = look(by_target(samples), viewer, lanes, time).await;
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

/// What is left until the deadline, within bounds.
fn look_time(deadline: Timestamp, now: Timestamp) -> Duration {
    deadline.since(now).clamp(LOOK_MIN, LOOK_MAX)
}

/// Where a job's probes take their turns.
struct Lanes {
    own: Semaphore,
    shared: Arc<Semaphore>,
}

impl Lanes {
    async fn turn(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        tokio::select! {
            biased;
            turn = self.shared.acquire() => turn,
            turn = self.own.acquire() => turn,
        }
    }
}

/// Looks at the targets for so long; what was not seen by then is unknown for now.
async fn look(
    mut targets: BTreeMap<Target, Vec<ItemId>>,
    viewer: Arc<Viewer>,
    lanes: Arc<Lanes>,
    time: Duration,
) -> Vec<Viewed> {
    let views = targets.clone().into_iter().map(|(target, items)| view(viewer.clone(), lanes.clone(), target, items));
    let mut views = stream::iter(views).buffer_unordered(PROBES_MAX);
    let mut viewed = Vec::new();
    let all = async {
        while let Some(view) = views.next().await {
            targets.remove(&view.target);
            viewed.push(view);
        }
    };
    if tokio::time::timeout(time, all).await.is_err() {
        tracing::debug!(targets = targets.len(), "a look at a job ended before all of these were seen");
    }
    viewed.extend(targets.into_iter().map(|(target, items)| {
        let reason = format!("{target}: not seen within {} s, the time for one look at the job", time.as_secs());
        Viewed { target, items, verification: Verification::Unknown, reason, again: true }
    }));
    viewed
}

async fn view(viewer: Arc<Viewer>, lanes: Arc<Lanes>, target: Target, items: Vec<ItemId>) -> Viewed {
    // An error would say that the lanes were closed, which nobody does.
    let _turn = lanes.turn().await;
    let (verification, reason, again) = match viewer.view(&target, VIEW_MAX).await {
        Sides::Blind(Blind { reason, again }) => (Verification::Unknown, reason, again),
        // An error page for a directory says nothing of what lies below it.
        Sides::Seen { origin, .. } if target.kind() == TargetKind::Directory && origin.status >= 300 => {
            let reason = format!("the directory itself answers {}, and no URL below it is known", origin.status);
            (Verification::Unknown, reason, false)
        }
        Sides::Seen { edges, origin } => {
            let verdicts = edges.iter().map(|edge| judge(edge, &origin));
            let verdict = worst(verdicts.collect());
            let again = verdict.verification != Verification::Fresh;
            (verdict.verification, verdict.reason, again)
        }
    };
    Viewed { items, verification, reason: format!("{target}: {reason}"), again, target }
}

/// What is stale at one edge is stale.
fn worst(verdicts: Vec<Verdict>) -> Verdict {
    let weight = |verdict: &Verdict| match verdict.verification {
        Verification::Stale => 2,
        Verification::Unknown => 1,
        Verification::Fresh | Verification::None | Verification::Pending => 0,
    };
    verdicts.into_iter().max_by_key(weight).expect("every host has an edge to look at")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::engine::Vantage;
    use crate::probe::{Ask, ConnectFault, NameLook, Prober, Sighting};

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

    /// Hosts named `hangs.example` never answer; all others do, at once.
    #[derive(Default)]
    struct HalfDead {
        open: AtomicUsize,
        most: AtomicUsize,
    }

    /// One probe less, also when it is given up.
    struct Ended<'a>(&'a AtomicUsize);

    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[async_trait]
    impl Prober for HalfDead {
        async fn look(&self, ask: &Ask, _within: Duration) -> Sighting {
            if ask.host == "hangs.example" {
                let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
                self.most.fetch_max(open, Ordering::Relaxed);
                let _ended = Ended(&self.open);
                std::future::pending::<()>().await;
            }
            let mut seen = Sighting::begun(ask.clone(), Timestamp::from_millis(0));
            seen.connect = Some(Err(ConnectFault::Denied([127, 0, 0, 1].into())));
            seen
        }

        async fn resolve(&self, _host: &str, _within: Duration) -> NameLook {
            unreachable!("the verifier has no use for it")
        }
    }

    fn targets(host: &str) -> BTreeMap<Target, Vec<ItemId>> {
        let url = |n| Target::parse(TargetKind::Url, &format!("https://{host}/{n}")).expect("valid");
        (0..100).map(|n| (url(n), vec![ItemId(n)])).collect()
    }

    /// Far more than a look at targets that answer takes, and soon over for those that do not.
    const TIME: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_hanging_origin_holds_up_neither_its_own_job_nor_another() {
        let prober = Arc::new(HalfDead::default());
        let shared = Arc::new(Semaphore::new(SHARED_PROBES_MAX));
        let look_at = |host: &'static str| {
            let lanes = Arc::new(Lanes { own: Semaphore::new(1), shared: shared.clone() });
            let origins = [(host.to_owned(), ([127, 0, 0, 1], 80).into())].into();
            let vantage = Arc::new(Vantage { origins, ..Vantage::default() });
            let viewer = Arc::new(Viewer::new(prober.clone(), vantage));
            tokio::time::timeout(TIME * 5, look(targets(host), viewer, lanes, TIME))
        };
        let hanging: Vec<_> = (1..JOBS_MAX).map(|_| tokio::spawn(look_at("hangs.example"))).collect();
        tokio::task::yield_now().await;
        let viewed = look_at("answers.example").await.expect("an end");
        assert!(viewed.len() == 100 && viewed.iter().all(|view| !view.again), "others are looked at meanwhile");
        for look in hanging {
            let viewed = look.await.expect("no panic").expect("an end");
            assert_eq!(viewed.len(), 100);
            let unseen = |view: &Viewed| view.verification == Verification::Unknown && view.again;
            assert!(viewed.iter().all(|view| unseen(view) && view.reason.contains("not seen within 1 s")));
            assert!(viewed.iter().all(|view| view.items.len() == 1));
        }
        let most = prober.most.load(Ordering::Relaxed);
        assert!((20..=SHARED_PROBES_MAX + JOBS_MAX as usize).contains(&most), "{most} probes at once");
    }

    #[test]
    fn a_look_takes_what_is_left_until_the_deadline_within_bounds() {
        let finished = Timestamp::from_millis(1_000_000);
        let deadline = finished + Duration::from_secs(600);
        for (seconds_left, expected) in [(600, 30), (31, 30), (12, 12), (4, 5), (0, 5)] {
            let now = deadline - Duration::from_secs(seconds_left);
            assert_eq!(look_time(deadline, now), Duration::from_secs(expected));
        }
        assert_eq!(look_time(deadline, deadline + Duration::from_secs(60)), LOOK_MIN, "one last look");
    }
}

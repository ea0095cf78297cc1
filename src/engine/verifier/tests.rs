//! The verifier's own laws: how a directory is verified, when a verdict is final, and that a silent host blocks no other.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::concurrency::JOBS_MAX;
use super::*;
use crate::domain::{ItemId, Proof, TargetKind};
use crate::probe::{ConnectError, DnsResult, ProbeRequest, ProbeResult, Prober};

fn observation(kind: TargetKind, raw: &str, verification: Verification) -> TargetObservation {
    let target = Target::parse(kind, raw).expect("valid");
    let requesters = Requesters { items: vec![ItemId(1)], lanes: Vec::new() };
    TargetObservation::new(target, requesters, verification, String::new())
}

#[test]
fn a_directory_is_as_fresh_as_the_urls_below_it() {
    use Verification::{Fresh, Stale, Unknown};
    for (own, below, expected) in [
        (Unknown, Fresh, Fresh),
        (Unknown, Stale, Stale),
        (Unknown, Unknown, Unknown),
        (Fresh, Stale, Stale),
        (Fresh, Fresh, Fresh),
        (Stale, Fresh, Stale),
    ] {
        let mut observations = vec![
            observation(TargetKind::Directory, "https://h.example/img/", own),
            observation(TargetKind::Url, "https://h.example/img/a", below),
            observation(TargetKind::Url, "https://h.example/img/b", Fresh),
            observation(TargetKind::Url, "https://h.example/elsewhere", Stale),
        ];
        directories::judge(&mut observations);
        assert_eq!(observations[0].verification, expected, "{own} {below}");
    }
    let mut single = vec![observation(TargetKind::Directory, "https://h.example/img/", Unknown)];
    directories::judge(&mut single);
    assert_eq!(single[0].verification, Unknown);
}

#[test]
fn a_url_that_nobody_asked_for_now_speaks_for_its_directory_only_if_it_was_seen() {
    use Verification::{Fresh, Stale, Unknown};
    for (verification, expected) in [(Fresh, Fresh), (Stale, Stale), (Unknown, Unknown)] {
        let mut below = observation(TargetKind::Url, "https://h.example/img/a", verification);
        below.items.clear();
        let mut observations = vec![observation(TargetKind::Directory, "https://h.example/img/", Unknown), below];
        directories::judge(&mut observations);
        assert_eq!(observations[0].verification, expected);
    }
}

/// Hosts named `hangs.example` never answer; all others do, at once.
#[derive(Default)]
struct HalfDead {
    open: AtomicUsize,
    most: AtomicUsize,
}

/// Counts a probe as ended, also when it is dropped.
struct EndCounter<'a>(&'a AtomicUsize);

impl Drop for EndCounter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Prober for HalfDead {
    async fn probe(&self, ask: &ProbeRequest, _within: Duration) -> ProbeResult {
        if ask.host == "hangs.example" {
            let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(open, Ordering::Relaxed);
            let _ended = EndCounter(&self.open);
            std::future::pending::<()>().await;
        }
        let mut result = ProbeResult::begun(ask.clone(), Timestamp::from_millis(0));
        result.connect = Some(Err(ConnectError::Denied([127, 0, 0, 1].into())));
        result
    }

    async fn resolve(&self, _host: &str, _within: Duration) -> DnsResult {
        unreachable!("the verifier does not call it")
    }
}

fn targets(host: &str) -> BTreeMap<Target, Requesters> {
    let url = |n| Target::parse(TargetKind::Url, &format!("https://{host}/{n}")).expect("valid");
    (0..100).map(|n| (url(n), Requesters { items: vec![ItemId(n)], lanes: Vec::new() })).collect()
}

/// Far more than targets that answer take, and short for those that do not.
const TIME: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_hanging_origin_holds_up_neither_its_own_job_nor_another() {
    let prober = Arc::new(HalfDead::default());
    let shared = Arc::new(Semaphore::new(SHARED_PROBES_MAX));
    let probe_host = |host: &'static str| {
        let origins = [(host.to_owned(), ([127, 0, 0, 1], 80).into())].into();
        let policy = Arc::new(VerifyPolicy { origins, ..VerifyPolicy::default() });
        let observer = Arc::new(Observer::new(prober.clone(), policy, Arc::new(AccountsLookup(Arc::default()))));
        let round = ProbeRound {
            observer,
            permits: ProbePermits::new(shared.clone()),
            finished_at: Timestamp::from_millis(0),
            time: TIME,
        };
        async move { tokio::time::timeout(TIME * 5, round.probe_all(targets(host))).await }
    };
    let hanging: Vec<_> = (1..JOBS_MAX).map(|_| tokio::spawn(probe_host("hangs.example"))).collect();
    tokio::task::yield_now().await;
    let observations = probe_host("answers.example").await.expect("an end");
    assert!(
        observations.len() == 100 && observations.iter().all(|observation| !observation.again),
        "others are probed meanwhile"
    );
    for round in hanging {
        let observations = round.await.expect("no panic").expect("an end");
        assert_eq!(observations.len(), 100);
        let is_unknown =
            |observation: &TargetObservation| observation.verification == Verification::Unknown && observation.again;
        assert!(
            observations
                .iter()
                .all(|observation| is_unknown(observation) && observation.reason.contains("no response within 1 s"))
        );
        assert!(observations.iter().all(|observation| observation.items.len() == 1));
    }
    let most = prober.most.load(Ordering::Relaxed);
    assert!((20..=SHARED_PROBES_MAX + JOBS_MAX).contains(&most), "{most} probes at once");
}

#[test]
fn whoever_holds_a_place_to_the_last_second_is_slow_whatever_else_was_seen() {
    let look = crate::domain::HttpObservation { status: 200, ..crate::domain::HttpObservation::default() };
    let side = crate::domain::ObservedResponse { at: Timestamp::from_millis(0), address: None, look };
    let proof = Proof { origin: side, edges: Vec::new() };
    let mut answering = observation(TargetKind::Url, "https://live.example/a", Verification::Fresh);
    answering.proof = Some(proof);
    let silent = || observation(TargetKind::Url, "https://dead.example/a", Verification::Unknown);
    let seconds = Duration::from_secs;
    assert!(!is_silent(&[silent()], seconds(1), PROBE_TIME_MAX), "it failed at once");
    assert!(is_silent(&[silent()], seconds(4), PROBE_TIME_MAX));
    let both = [answering, silent()];
    assert!(!is_silent(&both, seconds(4), PROBE_TIME_MAX));
    assert!(is_silent(&both, PROBE_TIME_MAX, PROBE_TIME_MAX));
}

#[test]
fn a_look_takes_what_is_left_until_the_deadline_within_bounds() {
    let finished = Timestamp::from_millis(1_000_000);
    let deadline = finished + Duration::from_secs(600);
    for (seconds_left, expected) in [(600, 30), (31, 30), (12, 12), (4, 5), (0, 5)] {
        let now = deadline - Duration::from_secs(seconds_left);
        assert_eq!(probe_time(deadline, now), Duration::from_secs(expected));
    }
    assert_eq!(probe_time(deadline, deadline + Duration::from_secs(60)), PROBE_TIME_MIN, "one last round");
}

//! The verifier's own laws: what stands for a directory, when a verdict stands, and that nobody who hangs holds up others.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::concurrency::JOBS_MAX;
use super::*;
use crate::domain::{ItemId, Proof, TargetKind};
use crate::probe::{ConnectError, DnsResult, ProbeRequest, ProbeResult, Prober};

fn viewed(kind: TargetKind, raw: &str, verification: Verification) -> TargetObservation {
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
        let mut views = vec![
            viewed(TargetKind::Directory, "https://h.example/img/", own),
            viewed(TargetKind::Url, "https://h.example/img/a", below),
            viewed(TargetKind::Url, "https://h.example/img/b", Fresh),
            viewed(TargetKind::Url, "https://h.example/elsewhere", Stale),
        ];
        directories::judge(&mut views);
        assert_eq!(views[0].verification, expected, "{own} {below}");
    }
    let mut alone = vec![viewed(TargetKind::Directory, "https://h.example/img/", Unknown)];
    directories::judge(&mut alone);
    assert_eq!(alone[0].verification, Unknown);
}

#[test]
fn a_url_that_nobody_asked_for_now_speaks_for_its_directory_only_if_it_was_seen() {
    use Verification::{Fresh, Stale, Unknown};
    for (verification, expected) in [(Fresh, Fresh), (Stale, Stale), (Unknown, Unknown)] {
        let mut observation = viewed(TargetKind::Url, "https://h.example/img/a", verification);
        observation.items.clear();
        let mut views = vec![viewed(TargetKind::Directory, "https://h.example/img/", Unknown), observation];
        directories::judge(&mut views);
        assert_eq!(views[0].verification, expected);
    }
}

/// Hosts named `hangs.example` never answer; all others do, at once.
#[derive(Default)]
struct HalfDead {
    open: AtomicUsize,
    most: AtomicUsize,
}

/// One probe less, also when it is given up.
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
        let mut seen = ProbeResult::begun(ask.clone(), Timestamp::from_millis(0));
        seen.connect = Some(Err(ConnectError::Denied([127, 0, 0, 1].into())));
        seen
    }

    async fn resolve(&self, _host: &str, _within: Duration) -> DnsResult {
        unreachable!("the verifier has no use for it")
    }
}

fn targets(host: &str) -> BTreeMap<Target, Requesters> {
    let url = |n| Target::parse(TargetKind::Url, &format!("https://{host}/{n}")).expect("valid");
    (0..100).map(|n| (url(n), Requesters { items: vec![ItemId(n)], lanes: Vec::new() })).collect()
}

/// Far more than a look at targets that answer takes, and soon over for those that do not.
const TIME: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_hanging_origin_holds_up_neither_its_own_job_nor_another() {
    let prober = Arc::new(HalfDead::default());
    let shared = Arc::new(Semaphore::new(SHARED_PROBES_MAX));
    let look_at = |host: &'static str| {
        let origins = [(host.to_owned(), ([127, 0, 0, 1], 80).into())].into();
        let policy = Arc::new(VerifyPolicy { origins, ..VerifyPolicy::default() });
        let viewer = Arc::new(Observer::new(prober.clone(), policy, Arc::new(AccountsLookup(Arc::default()))));
        let round = ProbeRound { viewer, turns: ProbePermits::new(shared.clone()), ended: Duration::ZERO, time: TIME };
        async move { tokio::time::timeout(TIME * 5, round.look(targets(host))).await }
    };
    let hanging: Vec<_> = (1..JOBS_MAX).map(|_| tokio::spawn(look_at("hangs.example"))).collect();
    tokio::task::yield_now().await;
    let viewed = look_at("answers.example").await.expect("an end");
    assert!(viewed.len() == 100 && viewed.iter().all(|view| !view.again), "others are looked at meanwhile");
    for look in hanging {
        let viewed = look.await.expect("no panic").expect("an end");
        assert_eq!(viewed.len(), 100);
        let unseen = |view: &TargetObservation| view.verification == Verification::Unknown && view.again;
        assert!(viewed.iter().all(|view| unseen(view) && view.reason.contains("not seen within 1 s")));
        assert!(viewed.iter().all(|view| view.items.len() == 1));
    }
    let most = prober.most.load(Ordering::Relaxed);
    assert!((20..=SHARED_PROBES_MAX + JOBS_MAX).contains(&most), "{most} probes at once");
}

#[test]
fn whoever_holds_a_place_to_the_last_second_is_slow_whatever_else_was_seen() {
    let look = crate::domain::HttpObservation { status: 200, ..crate::domain::HttpObservation::default() };
    let side = crate::domain::ObservedResponse { at: Timestamp::from_millis(0), address: None, look };
    let proof = Proof { origin: side, edges: Vec::new() };
    let mut seen = viewed(TargetKind::Url, "https://live.example/a", Verification::Fresh);
    seen.proof = Some(proof);
    let unseen = || viewed(TargetKind::Url, "https://dead.example/a", Verification::Unknown);
    let seconds = Duration::from_secs;
    assert!(!is_silent(&[unseen()], seconds(1), LOOK_MAX), "it said so at once");
    assert!(is_silent(&[unseen()], seconds(4), LOOK_MAX));
    let both = [seen, unseen()];
    assert!(!is_silent(&both, seconds(4), LOOK_MAX));
    assert!(is_silent(&both, LOOK_MAX, LOOK_MAX));
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

//! Laws 1, 2 and 4 with the real binary: whatever was acknowledged survives `kill -9` at any moment and ends once, and what
//! was sent is not sent again, though the cloud loses answers meanwhile.

use std::time::Duration;

use refreshd::clock::Stopwatch;
use refreshd::sandbox::{Fault, FaultRule, Sandbox, TaskView};
use tokio_util::sync::CancellationToken;

use crate::support::acknowledged_jobs;
use crate::support::acknowledged_jobs::Acknowledged;
use crate::support::crashing_daemon::{Chance, Victim, all_end, generous_sandbox, lost, no_limit_was_broken};
use crate::support::load_generator::{Posters, post_one};
use crate::support::{Books, World, http, slow};

const KILLS: u32 = 100;
const KILLS_SLOW: u32 = 500;
const POSTERS: u32 = 4;

/// How long a daemon lives, and whether that counts from its start or from when it is ready.
fn life(chance: &mut Chance) -> (Duration, bool) {
    match chance.next() % 10 {
        // In the middle of starting.
        0..=2 => (chance.millis(0, 200), false),
        // While it accepts.
        3..=7 => (chance.millis(0, 120), true),
        // While it sends: the first call leaves a second after the start.
        _ => (chance.millis(950, 1450), true),
    }
}

/// A cloud on a bad day: calls that were carried out without an answer, calls that were not, slow answers so that kills
/// find calls under way, and every task listed late, but within the grace. Primes, so that faults meet in all ways.
fn bad_day() -> Vec<FaultRule> {
    let mut rules = Vec::new();
    for action in ["PurgeUrlsCache", "PurgePathCache", "PushUrlsCache"] {
        let rule = |fault, every| FaultRule::new(action, fault).every(every);
        let gateway = Fault::Status { status: 502, body: "bad gateway".to_owned(), after: true };
        rules.push(rule(Fault::LoseAnswer, 7));
        rules.push(rule(Fault::DropRequest, 19));
        rules.push(rule(gateway, 23));
        rules.push(rule(Fault::Slow { delay: Duration::from_millis(300) }, 2));
        rules.push(FaultRule::new(action, Fault::LateListing { delay: Duration::from_millis(700) }));
    }
    rules.push(FaultRule::new("DescribePurgeTasks", Fault::LoseAnswer).every(29));
    rules
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_an_acknowledged_job_or_sends_one_twice() {
    let (mut chance, watch) = (Chance::from_seed(), Stopwatch::start());
    let shutdown = CancellationToken::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (sandbox, key) = generous_sandbox(&shutdown).await;
    sandbox.cloud().set_faults(bad_day());
    let victim = Victim::new(&sandbox, &key, folder.path(), folder.path());
    let http = http();
    let posters = Posters::start(POSTERS, "kill", &victim.base, &http, &sandbox);
    for _ in 0..if slow() { KILLS_SLOW } else { KILLS } {
        let (life, from_ready) = life(&mut chance);
        let mut daemon = victim.start();
        if from_ready {
            victim.ready(&http).await;
        }
        tokio::time::sleep(life).await;
        daemon.kill();
    }
    let killed = watch.elapsed();

    let mut daemon = victim.start();
    victim.ready(&http).await;
    let posted = posters.finish().await;
    let acknowledged = posted.acknowledged;
    assert!(acknowledged.len() >= 100, "only {} jobs were acknowledged: no load, no proof", acknowledged.len());
    let healed = watch.elapsed();
    all_end(&http, &victim.base, &acknowledged).await;
    let ended = watch.elapsed();
    no_limit_was_broken(&sandbox);
    daemon.kill();
    let database = folder.path().join("refreshd.db");
    let tasks = sandbox.cloud().tasks().await;
    let mut violations = acknowledged_jobs::violations(&database, &acknowledged, Some(&tasks), true).await;
    violations.extend(
        acknowledged_jobs::surplus(&database, &acknowledged).await.into_iter().map(|id| format!("{id} was kept twice")),
    );
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let told = told(&database, &sandbox).await;
    eprintln!(
        "{} jobs, {} posts without an answer, {} of them kept; {told}; killed after {killed:.1?}, healed {healed:.1?}, ended {ended:.1?}, all {:.1?}",
        acknowledged.len(),
        posted.unanswered,
        posted.replayed,
        watch.elapsed()
    );
    shutdown.cancel();
}

/// The control: a list that holds more than the daemon keeps makes the check fail, for the right jobs.
#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_was_not_kept_is_seen() {
    let world = World::start().await;
    let base = world.url("");
    let url = |n: u32| vec![format!("https://www.example.com/{n}")];
    let kept = post_one(world.http(), &base, url(1)).await.expect("an acknowledgement");
    let cut = post_one(world.http(), &base, url(2)).await.expect("an acknowledgement");
    let cut = Acknowledged { items: 2, ..cut };
    let gone = Acknowledged { id: format!("job_{:032x}", 1), items: 1 };
    let faults = lost(world.http(), &base, &[kept, cut.clone(), gone.clone()]).await;
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("a target is lost") && faults[0].contains(&cut.id), "{faults:?}");
    assert!(faults[1].contains("is lost") && faults[1].contains(&gone.id), "{faults:?}");
    world.end().await;
}

/// The control of the ledger: a job that was kept twice, one that never ends, and one whose targets went out twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_kept_or_sent_twice_is_seen() {
    let mut world = World::start().await;
    let post = |n: u32| {
        let (http, base) = (world.http().clone(), world.url(""));
        async move { post_one(&http, &base, vec![format!("https://www.example.com/{n}")]).await.expect("kept") }
    };
    let (one, twin) = (post(1).await, post(1).await);
    all_end(world.http(), &world.url(""), &[one.clone(), twin.clone()]).await;
    let body = serde_json::json!({"operation": "purge", "urls": ["https://www.example.com/2"], "not_before": "2200-01-01T00:00:00Z"});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    let open = Acknowledged { id, items: 1 };
    world.stop_daemon().await;

    let database = world.folder().join("refreshd.db");
    let mut tasks = world.sandbox.cloud().tasks().await;
    let told = acknowledged_jobs::violations(&database, &[one.clone(), twin.clone()], Some(&tasks), true).await;
    assert_eq!(told, Vec::<String>::new());
    let known = tasks[0].clone();
    let stray = TaskView { id: "1-1".to_owned(), ..known.clone() };
    tasks.extend([known.clone(), known, stray]);
    let told = acknowledged_jobs::violations(&database, &[one.clone(), open.clone()], Some(&tasks), true).await;
    for expected in ["items that never ended", "task 1-1 is no submission's", "given to the cloud"] {
        assert!(told.iter().any(|fault| fault.contains(expected)), "{expected}: {told:?}");
    }
    assert_eq!(acknowledged_jobs::surplus(&database, &[one, open]).await, [twin.id]);
    world.end().await;
}

/// What was put to the proof. Without lost answers there was none.
async fn told(database: &std::path::Path, sandbox: &Sandbox) -> String {
    let books = Books::open(database);
    let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(books.rows());
    let ambiguous =
        count("select count(distinct submission_id) from events where kind = 'ambiguous'").await.expect("events");
    let unlisted = count(
        "select count(*) from submissions as s join failures as f on f.id = s.failure_id \
         where s.state = 'released' and f.code = 'not_listed'",
    );
    let unlisted = unlisted.await.expect("submissions");
    assert!(ambiguous > 0, "no answer was lost: no proof");
    let killed = count("select count(*) from failures where code = 'daemon_stopped'").await.expect("failures");
    let tasks = sandbox.cloud().tasks().await.len();
    format!("{tasks} tasks, {ambiguous} lost answers, {killed} of them by a kill and {unlisted} not listed")
}

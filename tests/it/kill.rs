//! Law 1 with the real binary: whatever was acknowledged survives `kill -9` at any moment, and ends.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::support::ledger::{self, Acknowledged};
use crate::support::victim::{
    Chance, Posters, Victim, all_end, generous_sandbox, lost, no_limit_was_broken, no_target_was_sent_twice, post_one,
};
use crate::support::{World, http, slow};

const KILLS: u32 = 100;
const KILLS_SLOW: u32 = 500;
const POSTERS: u32 = 6;

/// How long a daemon lives, and whether that counts from its start or from when it is ready.
fn life(chance: &mut Chance) -> (Duration, bool) {
    match chance.next() % 8 {
        // In the middle of starting.
        0 | 1 => (chance.millis(0, 250), false),
        // While it accepts.
        2..=5 => (chance.millis(0, 300), true),
        // The whole walk: the first call leaves a second after the start.
        _ => (chance.millis(700, 1900), true),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_an_acknowledged_job() {
    let mut chance = Chance::from_seed();
    let shutdown = CancellationToken::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (sandbox, key) = generous_sandbox(&shutdown).await;
    let victim = Victim::new(&sandbox, &key, folder.path(), folder.path());
    let http = http();
    let posters = Posters::start(POSTERS, "kill", &victim.base, &http);
    for _ in 0..if slow() { KILLS_SLOW } else { KILLS } {
        let (life, from_ready) = life(&mut chance);
        let mut daemon = victim.start();
        if from_ready {
            victim.ready(&http).await;
        }
        tokio::time::sleep(life).await;
        daemon.kill();
    }
    let acknowledged = posters.stop().await;

    let mut daemon = victim.start();
    victim.ready(&http).await;
    assert!(acknowledged.len() >= 100, "only {} jobs were acknowledged: no load, no proof", acknowledged.len());
    all_end(&http, &victim.base, &acknowledged).await;
    no_target_was_sent_twice(&sandbox).await;
    no_limit_was_broken(&sandbox);
    daemon.kill();
    let tasks = sandbox.cloud().tasks().await;
    let violations = ledger::violations(&folder.path().join("refreshd.db"), &acknowledged, Some(&tasks), true).await;
    assert!(violations.is_empty(), "{}", violations.join("\n"));
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

//! The jobs of a history: small ones over few targets, so that they overlap.

use std::collections::BTreeSet;
use std::time::Duration;

use refreshd::domain::{TenantName, Timestamp};
use refreshd::service::{Caller, JobInput};

use super::environment::{DIRECTORIES, PATHS, SITES};
use super::rng::Dice;

pub(super) fn caller(tenant: usize) -> Caller {
    Caller { tenant: TenantName::new(["blue", "green", "red"][tenant]), ..Caller::local() }
}

pub(super) fn drawn(now: Timestamp, dice: &mut Dice) -> JobInput {
    if dice.percent(8) {
        return pile(dice);
    }
    let operation = *dice.one(&["purge", "purge", "prefetch", "refresh", "refresh"]);
    let mut input = JobInput { operation: operation.to_owned(), verify: Some(dice.percent(20)), ..JobInput::default() };
    let urls = if dice.percent(85) { 1 + dice.below(10) } else { 0 };
    input.urls = targets(urls, &PATHS, dice);
    let directories = if operation == "prefetch" || (urls > 0 && dice.percent(65)) { 0 } else { 1 + dice.below(3) };
    input.directories = targets(directories, &DIRECTORIES, dice);
    if input.urls.is_empty() && operation != "purge" {
        input.urls = targets(1, &PATHS, dice);
    }
    if !input.directories.is_empty() && dice.percent(30) {
        input.mode = Some("invalidate".to_owned());
    }
    input.area = dice
        .weighed(&[(6, None), (1, Some("mainland")), (1, Some("overseas")), (1, Some("global"))])
        .map(str::to_owned);
    input.priority = dice.weighed(&[(4, None), (1, Some("urgent")), (1, Some("bulk"))]).map(str::to_owned);
    if dice.percent(12) {
        input.not_before = Some(written(now + dice.secs(1, 900)));
    }
    if dice.percent(15) {
        input.deadline = Some(written(now + Duration::from_secs(901) + dice.secs(0, 1800)));
    }
    input
}

/// Targets of a pile in one directory.
const PILED: usize = 16;

/// So many targets that the call rate limits them.
fn pile(dice: &mut Dice) -> JobInput {
    let (_, hosts) = dice.weighed_site();
    let first = dice.below(50);
    let urls = (first..first + 20 + dice.below(60))
        .map(|number| format!("https://{}/pile/{}/{number:03}", hosts[0], number / PILED));
    JobInput { operation: "purge".to_owned(), urls: urls.collect(), verify: Some(false), ..JobInput::default() }
}

/// The items of this input as (operation, target), in order.
pub(super) fn items(input: &JobInput) -> Vec<(String, String)> {
    let operations: &[&str] = match input.operation.as_str() {
        "refresh" => &["purge", "prefetch"],
        "prefetch" => &["prefetch"],
        _ => &["purge"],
    };
    let each = |operation: &&str, targets: &[String]| -> Vec<(String, String)> {
        targets.iter().map(|target| ((*operation).to_owned(), target.clone())).collect()
    };
    let mut items: Vec<_> = operations.iter().flat_map(|operation| each(operation, &input.urls)).collect();
    items.extend(each(&"purge", &input.directories));
    items.sort();
    items
}

fn targets(count: usize, paths: &[&str], dice: &mut Dice) -> Vec<String> {
    let (_, hosts) = *dice.weighed_site();
    let mut targets = BTreeSet::new();
    for _ in 0..count {
        // Mostly the host that all tenants use.
        let host = if dice.percent(60) { hosts[0] } else { *dice.one(hosts) };
        targets.insert(format!("https://{host}/{}", dice.one(paths)));
    }
    targets.into_iter().collect()
}

impl Dice {
    fn weighed_site(&mut self) -> &'static (&'static str, &'static [&'static str]) {
        &SITES[usize::from(self.percent(25))]
    }
}

fn written(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.as_millis()).expect("a moment of our times").to_string()
}

//! Where the provider's documents are silent, a switch of the sandbox plays each answer (docs/unconfirmed.md): the daemon does
//! its work under all of them, also the part that leans most on the provider, looking up what became of a lost call.

use std::time::Duration;

use futures_util::future::join_all;
use refreshd::sandbox::{
    DayLimitRule, DirectorySlashRule, Fault, FaultRule, MixedBatchRule, RateRule, RateScope, Switches,
};
use serde_json::json;

use crate::support::World;

type Change = fn(&mut Switches);

/// Every answer that is not the sandbox's default.
const OTHER_ANSWERS: [(&str, Change); 17] = [
    ("call_rate", |switches| switches.call_rate = RateRule::Window),
    ("call_rate_scope", |switches| switches.call_rate_scope = RateScope::SecretId),
    ("list_limit_max", |switches| switches.list_limit_max = 20),
    ("list_newest_first", |switches| switches.list_newest_first = true),
    ("listing_delay", |switches| switches.listing_delay = Duration::from_secs(3)),
    ("history_window_max", |switches| switches.history_window_max = Duration::from_secs(600)),
    ("history_retention", |switches| switches.history_retention = Duration::from_secs(600)),
    ("rows_per_area", |switches| switches.rows_per_area = true),
    ("status_capitalised", |switches| switches.status_capitalised = true),
    ("duplicates_charged", |switches| switches.duplicates_charged = true),
    ("failed_rows_refunded", |switches| switches.failed_rows_refunded = true),
    ("day_limit", |switches| switches.day_limit = DayLimitRule::Partial),
    ("mixed_batch", |switches| switches.mixed_batch = MixedBatchRule::FailRow),
    ("directory_slash", |switches| switches.directory_slash = DirectorySlashRule::Refuse),
    ("star_in_path_refused", |switches| switches.star_in_path_refused = true),
    ("type_error_code", |switches| "InvalidParameterValue".clone_into(&mut switches.type_error_code)),
    ("overseas_quota_hidden", |switches| switches.overseas_quota_hidden = true),
];

/// A purge of URLs and a directory, of which the first answer is lost.
async fn worked(name: &str, change: Change) {
    let world = World::with(|options| change(&mut options.switches), "").await;
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", Fault::LoseAnswer).times(1)]);
    let urls: Vec<String> = (0..30).map(|number| format!("https://www.example.com/u{number}")).collect();
    let directories = ["https://static.example.com/img/"];
    let body = json!({"operation": "purge", "urls": urls, "directories": directories, "verify": false});
    let accepted = world.post(&body).await;
    assert_eq!(accepted.status, 202, "{name}: {}", accepted.body);
    let job = world.proved(accepted.body["id"].as_str().expect("an id")).await;
    assert_eq!(job["status"], "succeeded", "{name}: {job}");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 1, "{name}: nothing was sent twice");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_is_done_whatever_the_provider_turns_out_to_be() {
    for answers in OTHER_ANSWERS.chunks(6) {
        join_all(answers.iter().map(|(name, change)| worked(name, *change))).await;
    }
}

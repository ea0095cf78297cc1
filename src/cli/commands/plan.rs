//! `--dry-run`: prints what the daemon would do with a job.

use super::lanes::{full_name, reason_text};
use crate::api::routes::plan::wire::{LanePlanAnswer, LeavesAnswer, PlanAnswer};
use crate::api::wire::JobBody;
use crate::cli::client::ApiClient;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::report::{field, to_the_second};
use crate::cli::output::{terminal, warnings};

/// Targets that are printed for a person.
const TARGETS_MAX: usize = 10;

pub(crate) async fn run(body: &JobBody, json: bool) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let plan: PlanAnswer = client.post(&["v1", "plan"], body).await.map_err(|error| error.describe_pointers(body))?;
    if json {
        terminal::print_json(&plan)?;
    } else {
        terminal::print(&plan_text(&plan, body))?;
    }
    Ok(exit::SUCCEEDED)
}

fn plan_text(plan: &PlanAnswer, body: &JobBody) -> String {
    let mut text = format!("{}, {}: a plan; nothing was sent or stored\n", plan.operation, plan.priority);
    let merged = if plan.merged > 0 { format!(" ({} equal ones merged)", plan.merged) } else { String::new() };
    text.push_str(&field("targets", &format!("{}{merged}", plan.targets_total)));
    for target in plan.targets.iter().take(TARGETS_MAX) {
        // A target stands alone at the end of its line, however long, so that it can be copied.
        let kind = if target.kind == "url" { "" } else { "directory " };
        text.push_str(&format!("  {kind}{}\n", target.target));
    }
    let more =
        usize::try_from(plan.targets_total).unwrap_or(usize::MAX).saturating_sub(TARGETS_MAX.min(plan.targets.len()));
    if more > 0 {
        text.push_str(&format!("  and {more} more (--json prints the first {})\n", plan.targets.len()));
    }
    for warning in warnings::of_body(&plan.warnings, body) {
        text.push_str(&field("warning", &warning));
    }
    text + &plan.lanes.iter().map(lane_text).collect::<String>()
}

fn lane_text(lane: &LanePlanAnswer) -> String {
    let name = full_name(&lane.account, &lane.operation, &lane.kind, &lane.area, lane.mode.as_deref());
    let calls = if lane.batches == 1 { "call" } else { "calls" };
    let mut text = format!("\n{name}\n");
    text.push_str(&field("  sends", &format!("{} in {} {calls}", target_count(lane.targets), lane.batches)));
    text.push_str(&leaves_text(&lane.leaves));
    for pool in &lane.pools {
        let reserved =
            if pool.reserved > 0 { format!(", {} of them only for urgent work", pool.reserved) } else { String::new() };
        let cost = format!(
            "{} of {}, which has {} left{reserved}; resets {}",
            pool.cost,
            pool.pool,
            pool.available,
            to_the_second(&pool.resets_at)
        );
        text.push_str(&field("  takes", &cost));
    }
    text
}

fn leaves_text(leaves: &LeavesAnswer) -> String {
    let mut text = match &leaves.waiting {
        None => field("  leaves", "now"),
        Some(waiting) => field("  waits", &reason_text(waiting)),
    };
    if leaves.ahead > 0 {
        text.push_str(&field("  ahead", &format!("at most {} items", leaves.ahead)));
    }
    let estimate = |moment: Option<&String>| moment.map_or_else(|| "unknown yet".to_owned(), |at| to_the_second(at));
    if !leaves.now {
        text.push_str(&field("  starts", &estimate(leaves.starts_at.as_ref())));
    }
    text + &field("  all sent", &estimate(leaves.done_sending_at.as_ref()))
}

fn target_count(targets: u64) -> String {
    if targets == 1 { "1 target".to_owned() } else { format!("{targets} targets") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::routes::lanes::wire::WhyAnswer;
    use crate::api::routes::plan::wire::{PlannedTarget, PoolCostAnswer};
    use crate::api::wire::WarningAnswer;

    fn purge() -> LanePlanAnswer {
        let pool = |name: &str, available| PoolCostAnswer {
            pool: name.to_owned(),
            cost: 12_000,
            available,
            reserved: 500,
            resets_at: "2026-11-22T16:00:00.000Z".to_owned(),
        };
        LanePlanAnswer {
            account: "main".to_owned(),
            operation: "purge".to_owned(),
            kind: "url".to_owned(),
            area: "own".to_owned(),
            mode: None,
            targets: 12_000,
            batches: 12,
            pools: vec![pool("purge-url-mainland", 9_000), pool("purge-url-overseas", 10_000)],
            leaves: LeavesAnswer {
                now: true,
                waiting: None,
                ahead: 37,
                starts_at: Some("2026-11-22T14:00:00.000Z".to_owned()),
                done_sending_at: Some("2026-11-22T16:00:00.000Z".to_owned()),
            },
        }
    }

    #[test]
    fn a_plan_fits_80_columns() {
        let detail = "the prefetch goes when the purge of the same URL is done".to_owned();
        let prefetch = LanePlanAnswer {
            operation: "prefetch".to_owned(),
            pools: Vec::new(),
            leaves: LeavesAnswer {
                now: false,
                waiting: Some(WhyAnswer { reason: "purge_first".to_owned(), detail, until: None }),
                ahead: 0,
                starts_at: None,
                done_sending_at: None,
            },
            ..purge()
        };
        let target = |n| PlannedTarget { target: format!("https://www.example.com/{n}.js"), kind: "url".to_owned() };
        let warning = WarningAnswer {
            code: "query_ignored".to_owned(),
            detail: "The CDN keeps one copy whatever the query. Perhaps meant: https://www.example.com/0.js".to_owned(),
            pointer: "/urls/0".to_owned(),
        };
        let plan = PlanAnswer {
            operation: "refresh".to_owned(),
            priority: "normal".to_owned(),
            targets: (0..1_000).map(target).collect(),
            targets_total: 12_000,
            merged: 2,
            lanes: vec![purge(), prefetch],
            warnings: vec![warning],
            promoted: Vec::new(),
            coalesced: None,
        };
        let body = JobBody { urls: vec!["https://www.example.com/0.js?v=1".to_owned()], ..JobBody::default() };
        let text = plan_text(&plan, &body);
        insta::assert_snapshot!(text, @r"
        refresh, normal: a plan; nothing was sent or stored
        targets       12000 (2 equal ones merged)
          https://www.example.com/0.js
          https://www.example.com/1.js
          https://www.example.com/2.js
          https://www.example.com/3.js
          https://www.example.com/4.js
          https://www.example.com/5.js
          https://www.example.com/6.js
          https://www.example.com/7.js
          https://www.example.com/8.js
          https://www.example.com/9.js
          and 11990 more (--json prints the first 1000)
        warning       https://www.example.com/0.js?v=1: The CDN keeps one copy whatever
                      the query. Perhaps meant: https://www.example.com/0.js

        main/purge/url/own
          sends       12000 targets in 12 calls
          leaves      now
          ahead       at most 37 items
          all sent    2026-11-22T16:00:00Z
          takes       12000 of purge-url-mainland, which has 9000 left, 500 of them only
                      for urgent work; resets 2026-11-22T16:00:00Z
          takes       12000 of purge-url-overseas, which has 10000 left, 500 of them
                      only for urgent work; resets 2026-11-22T16:00:00Z

        main/prefetch/url/own
          sends       12000 targets in 12 calls
          waits       purge_first: the prefetch goes when the purge of the same URL is
                      done
          starts      unknown yet
          all sent    unknown yet
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

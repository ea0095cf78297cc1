//! What is said has to be short, whole and of use, whatever the fault.

use super::causes_ranked::HEALTHY;
use super::fixtures::*;
use super::origin_and_edge_faults::BEHIND_THE_EDGE;
use super::single_faults::BEFORE_THE_EDGE;
use crate::diagnose::Evidence;
use crate::diagnose::checks::run;
use crate::domain::CheckResult;

fn worlds() -> impl Iterator<Item = (&'static str, Evidence)> {
    let faults = BEFORE_THE_EDGE.iter().chain(BEHIND_THE_EDGE).map(|(what, _, change)| (*what, world(change)));
    faults.chain(HEALTHY.iter().map(|(what, change)| (*what, world(change))))
}

#[test]
fn every_text_is_one_or_two_short_sentences() {
    let mut wrong = Vec::new();
    for (what, evidence) in worlds() {
        for check in run(&evidence) {
            let texts = [Some(&check.seen), check.action.as_ref()];
            for text in texts.into_iter().flatten() {
                let odd = text.contains("  ") || text.contains("..") || text.contains(" .") || text.contains('\n');
                let ends = text.ends_with('.') || text.ends_with('`');
                if text.chars().count() > 240 || odd || !ends {
                    wrong.push(format!("{what}, {}: {text}", check.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_failed_says_what_to_do_and_for_what_it_stands() {
    for (what, evidence) in worlds() {
        for check in run(&evidence) {
            let failed = check.result == CheckResult::Fail;
            assert!(!failed || (check.action.is_some() && check.cause.is_some()), "{what}: {check:?}");
            assert!(check.result != CheckResult::Ok || check.cause.is_none(), "{what}: {check:?}");
        }
        for cause in causes(&evidence) {
            assert!(
                !cause.checks.is_empty() && !cause.action.is_empty() && cause.summary.ends_with('.'),
                "{what}: {cause:?}"
            );
        }
    }
}

//! Which fault rules strike a call, and what they ask for.

use std::time::Duration;

use super::api::error::CloudError;
use super::domain_config::domain::Area;
use wire::{Fault, FaultRule};

mod compression;
mod delivery;
pub(super) mod http;
mod places;
pub(super) mod wire;

#[derive(Debug, Default)]
pub(super) struct FaultSet {
    rules: Vec<CountedRule>,
}

#[derive(Debug)]
struct CountedRule {
    rule: FaultRule,
    matched: u64,
    applied: u64,
}

impl FaultSet {
    pub(super) fn replace(&mut self, rules: Vec<FaultRule>) {
        self.rules = rules.into_iter().map(|rule| CountedRule { rule, matched: 0, applied: 0 }).collect();
    }

    pub(super) fn rules(&self) -> Vec<FaultRule> {
        self.rules.iter().map(|counted| counted.rule.clone()).collect()
    }

    /// Counts a call against every rule and gathers what strikes it. Several rules can strike one call.
    pub(super) fn matched_faults(&mut self, action: &str, targets: &[&str]) -> MatchedFaults {
        let faults = self.rules.iter_mut().filter_map(|counted| counted.matched_faults(action, targets));
        MatchedFaults(faults.collect())
    }
}

impl CountedRule {
    fn matched_faults(&mut self, action: &str, targets: &[&str]) -> Option<Fault> {
        let rule = &self.rule;
        let is_of_action = rule.action == "*" || rule.action == action;
        let is_of_host = rule.host.as_ref().is_none_or(|host| targets.iter().any(|target| is_on(target, host)));
        if !is_of_action || !is_of_host {
            return None;
        }
        self.matched += 1;
        let is_due = rule.every.is_none_or(|every| self.matched.is_multiple_of(every));
        let is_left = rule.times.is_none_or(|times| self.applied < times);
        if !is_due || !is_left {
            return None;
        }
        self.applied += 1;
        Some(rule.fault.clone())
    }
}

fn is_on(target: &str, host: &str) -> bool {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    rest.split('/').next().is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// The faults that strike one call.
#[derive(Debug, Default)]
pub(super) struct MatchedFaults(Vec<Fault>);

/// How an answer is spoiled after the call has been carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResponseFault {
    Lost,
    Garbage,
    Truncated,
    Endless,
    Gateway(GatewayAnswer),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GatewayAnswer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl MatchedFaults {
    pub(super) fn drops_request(&self) -> bool {
        self.0.contains(&Fault::DropRequest)
    }

    /// A gateway's answer that keeps the call from the cloud.
    pub(super) fn gateway_before(&self) -> Option<GatewayAnswer> {
        self.0.iter().find_map(|fault| gateway_answer(fault, false))
    }

    pub(super) fn error(&self) -> Option<CloudError> {
        self.0.iter().find_map(|fault| match fault {
            Fault::Refuse { code, message } => Some(CloudError::new(code.clone(), message.clone())),
            _ => None,
        })
    }

    pub(super) fn response_fault(&self) -> Option<ResponseFault> {
        self.0.iter().find_map(|fault| match fault {
            Fault::LoseAnswer => Some(ResponseFault::Lost),
            Fault::Garbage => Some(ResponseFault::Garbage),
            Fault::Truncate => Some(ResponseFault::Truncated),
            Fault::EndlessBody => Some(ResponseFault::Endless),
            _ => gateway_answer(fault, true).map(ResponseFault::Gateway),
        })
    }

    pub(super) fn answer_delay(&self) -> Duration {
        self.0.iter().map(|fault| if let Fault::Slow { delay } = fault { *delay } else { Duration::ZERO }).sum()
    }

    pub(super) fn skew_seconds(&self) -> i64 {
        self.0.iter().map(|fault| if let Fault::Skew { seconds } = fault { *seconds } else { 0 }).sum()
    }

    /// What the faults do to the tasks that this call makes.
    pub(super) fn row_faults(&self) -> RowFaults {
        let mut row_faults = RowFaults::default();
        for fault in &self.0 {
            match fault {
                Fault::LateListing { delay } => row_faults.listing_delay = row_faults.listing_delay.max(*delay),
                Fault::NeverDone => row_faults.never_done = true,
                Fault::NoEffect => row_faults.no_effect = true,
                Fault::KeepsCopy { area } => row_faults.keeps_copy = Some(area.area()),
                Fault::NodeKeepsCopy { node } => row_faults.node_keeps_copy = Some(*node),
                Fault::SlowTask { delay } => row_faults.task_delay = row_faults.task_delay.max(*delay),
                Fault::TaskFails { fraction, target: None } => row_faults.fraction = fraction.unwrap_or(1.0),
                Fault::TaskFails { target: Some(target), .. } => row_faults.targets.push(target.clone()),
                _ => {}
            }
        }
        row_faults
    }

    /// The kinds that applied, for the call log.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(name).collect()
    }
}

/// What is wrong with a task from its birth.
#[derive(Debug, Default)]
pub(super) struct RowFaults {
    pub(super) listing_delay: Duration,
    pub(super) never_done: bool,
    pub(super) no_effect: bool,
    /// Where the edge keeps its copies although the rows end `done`.
    pub(super) keeps_copy: Option<Area>,
    /// The node that keeps its copies although the rows end `done`.
    pub(super) node_keeps_copy: Option<usize>,
    /// How much later than usual the rows end.
    pub(super) task_delay: Duration,
    /// The share of rows that fail, told by the URL, so that a second try fails for the same ones.
    pub(super) fraction: f64,
    pub(super) targets: Vec<String>,
}

fn gateway_answer(fault: &Fault, after_call: bool) -> Option<GatewayAnswer> {
    match fault {
        Fault::Status { status, body, after } if *after == after_call => {
            Some(GatewayAnswer { status: *status, body: body.clone() })
        }
        _ => None,
    }
}

fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Refuse { .. } => "refuse",
        Fault::LoseAnswer => "lose_answer",
        Fault::DropRequest => "drop_request",
        Fault::Status { .. } => "status",
        Fault::Garbage => "garbage",
        Fault::Truncate => "truncate",
        Fault::Slow { .. } => "slow",
        Fault::EndlessBody => "endless_body",
        Fault::LateListing { .. } => "late_listing",
        Fault::Skew { .. } => "skew",
        Fault::TaskFails { .. } => "task_fails",
        Fault::NeverDone => "never_done",
        Fault::NoEffect => "no_effect",
        Fault::KeepsCopy { .. } => "keeps_copy",
        Fault::NodeKeepsCopy { .. } => "node_keeps_copy",
        Fault::SlowTask { .. } => "slow_task",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applies(rule: FaultRule, calls: &[&str]) -> Vec<bool> {
        let mut faults = FaultSet::default();
        faults.replace(vec![rule]);
        calls
            .iter()
            .map(|action| faults.matched_faults(action, &["https://www.example.com/a"]).drops_request())
            .collect()
    }

    #[test]
    fn a_rule_strikes_its_action_so_often_and_each_so_many() {
        let calls = ["A", "B", "A", "A", "A", "A"];
        let rule = |action| FaultRule::new(action, Fault::DropRequest);
        assert_eq!(applies(rule("A"), &calls), [true, false, true, true, true, true]);
        assert_eq!(applies(rule("*").times(2), &calls), [true, true, false, false, false, false]);
        assert_eq!(applies(rule("A").every(2), &calls), [false, false, true, false, true, false]);
        assert_eq!(applies(rule("A").every(2).times(1), &calls), [false, false, true, false, false, false]);
    }

    #[test]
    fn a_rule_for_a_host_leaves_other_calls_alone() {
        let rule = |host| FaultRule::new("*", Fault::DropRequest).host(host);
        assert_eq!(applies(rule("WWW.example.com"), &["A"]), [true]);
        assert_eq!(applies(rule("example.com"), &["A"]), [false]);
    }
}

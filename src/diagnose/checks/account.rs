//! May the account do it, is its key good, is there quota, is the clock right, and was it a limit?

use std::time::Duration;

use super::super::evidence::Evidence;
use super::super::{AccountSnapshot, PoolSnapshot};
use crate::diagnose::JobContext;
use crate::diagnose::format::{figure, moment, quoted, span};
use crate::domain::{CauseId, Check, CheckId, Confidence, ErrorClass, Failure, ItemState, WaitingReason};

/// The provider refuses signatures that are further off.
const SKEW_MAX_MILLIS: u64 = 300_000;
const SKEW_WARN_MILLIS: u64 = 60_000;
/// A call that was slowed down longer ago does not slow down what waits now.
const THROTTLED_LATELY: Duration = Duration::from_secs(10 * 60);

pub(super) fn permission(evidence: &Evidence) -> Check {
    let causes = [CauseId::NoPermission, CauseId::BadCredentials, CauseId::AccountSuspended];
    if let Some(refusal) = evidence.refusal().filter(|refusal| causes.contains(&refusal.cause)) {
        return refused(evidence, refusal.cause, &refusal.failure);
    }
    let Some(account) = &evidence.case.circumstances.account else {
        return Check::unknown(CheckId::Permission, "No account serves this host, so nothing was tried.");
    };
    if let Some(failure) = &account.paused {
        let seen = format!("Account {} is stopped now: {} ({}).", account.name, failure.code, quoted(&failure.message));
        return Check::warn(CheckId::Permission, seen).hints_at(evidence.guide.cause(failure)).act(failure.advice());
    }
    if let Some(check) = action_refused(evidence, account) {
        return check;
    }
    Check::ok(CheckId::Permission, format!("Nothing was refused to account {}.", account.name))
}

fn refused(evidence: &Evidence, cause: CauseId, failure: &Failure) -> Check {
    let guide = evidence.guide;
    let host = evidence.host();
    let action = evidence.request().and_then(|request| guide.action(request.operation, request.kind));
    let (what, cure, page) = match cause {
        CauseId::BadCredentials => (
            "does not accept the account's key",
            "Check in the console (Access Management > API Keys) that the key exists and is enabled, and set secret_id and secret_key anew.".to_owned(),
            guide.pages.errors,
        ),
        CauseId::AccountSuspended => (
            "has suspended the account or its CDN service",
            "Settle overdue bills or start the CDN service again in the console (Billing Center; CDN > Overview); the work is kept.".to_owned(),
            guide.pages.errors,
        ),
        _ if evidence.unread_quota() == Some(failure) => (
            "does not let the key read the day quota, and nothing is sent before that is known",
            "Grant the key's user the actions that read quotas in the console (Access Management > Policies); the work is kept.".to_owned(),
            guide.pages.permissions,
        ),
        _ => (
            "does not permit it",
            format!("Grant the key's user {} for {host} in the console (Access Management > Policies); the work is kept and tried again.",
                action.map_or_else(|| "the refresh actions".to_owned(), |action| format!("cdn:{action}"))),
            guide.pages.permissions,
        ),
    };
    let cure = guide.cure(&failure.code).map_or(cure, str::to_owned);
    let seen = format!("The provider {what}: {} ({}).", failure.code, quoted(&failure.message));
    Check::fail(CheckId::Permission, cause, Confidence::Certain, seen).act(cure).page(page)
}

/// One action is refused while others pass: a policy that names some actions and forgot others.
fn action_refused(evidence: &Evidence, account: &AccountSnapshot) -> Option<Check> {
    let guide = evidence.guide;
    // A task that could not be followed to its end is as open as one that goes on.
    let not_followed = |request: &JobContext| {
        request.failure.as_ref().is_some_and(|failure| failure.class == ErrorClass::ProviderTimeout)
    };
    let request = evidence.request().filter(|request| !request.state.is_final() || not_followed(request));
    let own = request.and_then(|request| guide.action(request.operation, request.kind));
    let needed = |action: &str| match request {
        None => guide.actions.iter().any(|(.., text)| *text == action),
        // Reading actions are needed for following a task.
        Some(_) => Some(action) == own || !guide.actions.iter().any(|(.., entry)| *entry == action),
    };
    let (action, failure) = account
        .refused_actions
        .iter()
        .find(|(action, _)| needed(action))
        .or_else(|| account.refused_actions.first())?;
    let seen = format!("The action {action} is refused to account {}: {}.", account.name, failure.code);
    let cure = format!("Grant cdn:{action} to the key's user in the console (Access Management > Policies).");
    let check = if needed(action) && request.is_some() {
        Check::fail(CheckId::Permission, guide.cause(failure), Confidence::Certain, seen)
    } else if needed(action) {
        Check::fail(CheckId::Permission, guide.cause(failure), Confidence::Likely, seen)
    } else {
        Check::warn(CheckId::Permission, seen)
    };
    Some(check.act(cure).page(guide.pages.permissions))
}

pub(super) fn quota(evidence: &Evidence) -> Check {
    let page = evidence.guide.pages.quota;
    let refused = evidence.refused_for(&[CauseId::QuotaSpent]);
    let waits = evidence.request().and_then(|request| request.waiting.as_ref());
    let waits = waits.filter(|hold| hold.reason == WaitingReason::DayQuota && evidence.is_open());
    let pools = &evidence.case.circumstances.pools;
    let emptiest = pools.iter().min_by_key(|pool| (pool.available * 1_000).checked_div(pool.total).unwrap_or(u64::MAX));
    let text = emptiest.map(|pool| pool_text(pool, evidence));
    let action = |pool: Option<&PoolSnapshot>| match pool {
        Some(pool) => format!(
            "Wait until {}, or raise the quota in the console (CDN > Purge and Prefetch > Quota); `refreshd quota` shows it.",
            moment(pool.resets_at)
        ),
        None => "Wait for the daily reset, or raise the quota in the console; `refreshd quota` shows it.".to_owned(),
    };
    if refused.is_none() && pools.is_empty() && waits.is_some() {
        let seen = "It waits for the provider to tell what is left of the day quota, which it has not done yet.";
        return Check::unknown(CheckId::Quota, seen).page(page);
    }
    if refused.is_some() || waits.is_some() {
        let spare = emptiest.is_some_and(|pool| pool.available > 0) && refused.is_none();
        let why = match (&refused, waits) {
            (Some(failure), _) => format!("refused with {}", failure.code),
            (None, Some(hold)) => quoted(&hold.detail),
            (None, None) => String::new(),
        };
        let seen = format!("The day quota holds it back: {why}. {}", text.unwrap_or_default());
        let reserved = "What is left is kept for urgent work (quota.reserve); send it with `--priority urgent`, or wait for the reset.";
        let action = if spare { reserved.to_owned() } else { action(emptiest) };
        return Check::fail(CheckId::Quota, CauseId::QuotaSpent, Confidence::Certain, seen.trim_end())
            .act(action)
            .page(page);
    }
    let (Some(pool), Some(message)) = (emptiest, text) else {
        return Check::unknown(CheckId::Quota, "The account's quota has not been read yet.");
    };
    if pool.available == 0 {
        let check = Check::warn(CheckId::Quota, message).act(action(Some(pool))).page(page);
        // What is still to be sent will wait for it, whatever else is said now.
        let expired = evidence.request().is_some_and(|request| request.state == ItemState::Expired);
        return if evidence.is_open() || expired { check.hints_at(CauseId::QuotaSpent) } else { check };
    }
    if pool.available.saturating_mul(20) < pool.total {
        return Check::warn(CheckId::Quota, message).act(action(Some(pool))).page(page);
    }
    Check::ok(CheckId::Quota, message)
}

fn pool_text(pool: &PoolSnapshot, evidence: &Evidence) -> String {
    let spent = pool.total.saturating_sub(pool.available);
    let others = spent.saturating_sub(pool.ours);
    format!(
        "{} of {} {} {}s ({}) are left today; refreshd sent {}, others {}. Reset {}, in {}.",
        figure(pool.available),
        figure(pool.total),
        pool.kind,
        pool.operation,
        pool.area,
        figure(pool.ours.min(spent)),
        figure(others),
        moment(pool.resets_at),
        span(pool.resets_at.since(evidence.at))
    )
}

pub(super) fn clock(evidence: &Evidence) -> Check {
    let pages = &evidence.guide.pages;
    let skew = evidence.case.circumstances.account.as_ref().and_then(|account| account.skew_millis);
    let off = skew.map(|millis| (millis.unsigned_abs(), if millis > 0 { "behind" } else { "ahead of" }));
    let far = off.is_some_and(|(by, _)| by > SKEW_MAX_MILLIS);
    let text = match off {
        Some((by, way)) => format!("This machine's clock is {} {way} the provider's", span(Duration::from_millis(by))),
        None => "How far this machine's clock is off is not known".to_owned(),
    };
    let ntp = "Set the clock by NTP (`timedatectl set-ntp true`) and check it with `timedatectl status`.";
    if let Some(failure) = evidence.refused_for(&[CauseId::ClockSkew, CauseId::BadSignature]) {
        let signature = evidence.guide.cause(&failure) == CauseId::BadSignature;
        let cause = if signature && !far { CauseId::BadSignature } else { CauseId::ClockSkew };
        let seen = format!("The provider refused the signature with {}. {text}.", failure.code);
        let action = match cause {
            CauseId::BadSignature => {
                "Set secret_key anew (a stray space or a key of another secret_id spoils every signature), and let no proxy rewrite the calls."
            }
            _ => ntp,
        };
        return Check::fail(CheckId::Clock, cause, Confidence::Certain, seen).act(action).page(pages.signature);
    }
    match off {
        _ if far && evidence.request().is_some() && evidence.is_open() => {
            let seen = format!("{text}; the provider refuses signatures more than 5 min off.");
            Check::fail(CheckId::Clock, CauseId::ClockSkew, Confidence::Likely, seen).act(ntp).page(pages.signature)
        }
        _ if far => {
            let seen = format!("{text}; calls pass only because refreshd corrects for it.");
            Check::warn(CheckId::Clock, seen).hints_at(CauseId::ClockSkew).act(ntp).page(pages.signature)
        }
        Some((by, _)) if by > SKEW_WARN_MILLIS => {
            let seen = format!("{text}; from 5 min on the provider refuses every call.");
            Check::warn(CheckId::Clock, seen).hints_at(CauseId::ClockSkew).act(ntp).page(pages.signature)
        }
        Some(_) => Check::ok(CheckId::Clock, format!("{text}, and no signature was refused.")),
        None => Check::unknown(CheckId::Clock, "The provider has not answered yet, so its clock is not known."),
    }
}

pub(super) fn limits(evidence: &Evidence) -> Check {
    let page = evidence.guide.pages.errors;
    let action = "Nothing to do: refreshd has slowed down and goes on by itself; `refreshd lanes` shows the rate. Look for other users of this account if it lasts.";
    if let Some(failure) = evidence.refused_for(&[CauseId::Throttled]) {
        let seen =
            format!("The provider answered \"too many calls\": {} ({}).", failure.code, quoted(&failure.message));
        return Check::fail(CheckId::Limits, CauseId::Throttled, Confidence::Certain, seen).act(action).page(page);
    }
    let waiting = evidence.request().and_then(|request| request.waiting.as_ref()).filter(|_| evidence.is_open());
    match waiting.map(|hold| (hold.reason, &hold.detail)) {
        Some((WaitingReason::Throttled, detail)) => {
            let seen = format!("It waits because calls were answered with \"too many\": {}.", quoted(detail));
            return Check::fail(CheckId::Limits, CauseId::Throttled, Confidence::Certain, seen).act(action).page(page);
        }
        Some((WaitingReason::Rate, detail)) => {
            let seen = format!("It waits for its turn within the call rate: {}.", quoted(detail));
            return Check::warn(CheckId::Limits, seen).hints_at(CauseId::Throttled).act(action).page(page);
        }
        _ => {}
    }
    let throttled_at = evidence.case.circumstances.account.as_ref().and_then(|account| account.throttled_at);
    match throttled_at.map(|at| evidence.at.since(at)) {
        Some(ago) if ago < THROTTLED_LATELY => {
            let seen = format!("The provider answered \"too many calls\" {} ago.", span(ago));
            Check::warn(CheckId::Limits, seen).hints_at(CauseId::Throttled).act(action).page(page)
        }
        _ => Check::ok(CheckId::Limits, "No call was answered with \"too many\" lately."),
    }
}

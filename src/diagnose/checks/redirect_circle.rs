//! Redirects that come back to where they began.

use super::super::evidence::{Evidence, RedirectObservation, answer as answered};
use crate::domain::{RedirectDestination, Target};
use crate::probe::{HttpResult, ProbeResult, Scheme};
use crate::provider::PullProtocol;

/// Where the origin's redirect leads, if visitors who follow it come back and never get content.
pub(super) fn circular_redirect(evidence: &Evidence, origin: &ProbeResult, look: &HttpResult) -> Option<String> {
    let target = &evidence.case.target;
    let location = location(look)?;
    let to = RedirectDestination::of(target, &location)?;
    let secure = target.as_str().starts_with("https:");
    let returns = if to.is_same_page(target) {
        // To https, while the CDN asks by http. By the same scheme a page may add or drop a query, which probes do not show.
        let shows_all = !location.contains('?') && !target.as_str().contains('?');
        (secure && origin.ask.scheme == Scheme::Http) || shows_all
    } else if secure && to.differs_in_scheme_only(target) {
        // Back to http, where the CDN asks by https again.
        origin.ask.scheme == Scheme::Https && asks_by_https(evidence)
    } else {
        false
    };
    (returns || returns_by_next_page(evidence, target)).then(|| to.as_str().to_owned())
}

/// Whether the page that the edge's redirect leads to redirects back, or to itself.
fn returns_by_next_page(evidence: &Evidence, target: &Target) -> bool {
    let Some(RedirectObservation { to: next, edge, .. }) = &evidence.moved else { return false };
    let back = answered(edge).and_then(location).and_then(|location| RedirectDestination::of(next, &location));
    back.is_some_and(|back| back.is_same_page(target) || back.is_same_page(next))
}

fn location(look: &HttpResult) -> Option<String> {
    look.header("location").filter(|_| (300..400).contains(&look.status))
}

/// Whether the CDN asks the origin by https whatever the visitor used.
fn asks_by_https(evidence: &Evidence) -> bool {
    let origin = evidence.facts().and_then(|facts| facts.origin.as_ref());
    origin.and_then(|origin| origin.protocol.as_ref()) == Some(&PullProtocol::Https)
}

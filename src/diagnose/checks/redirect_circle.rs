//! Redirects that come back to where they began.

use super::super::evidence::{Evidence, RedirectObservation, answer as answered};
use crate::probe::{HttpResult, ProbeResult, Scheme};
use crate::provider::PullProtocol;

/// A redirect to the very URL that was asked for never ends: typically to https, while the CDN asks by http.
pub(super) fn circular_redirect(evidence: &Evidence, origin: &ProbeResult, look: &HttpResult) -> Option<String> {
    let target = evidence.case.target.as_str();
    let to = look.header("location").filter(|_| (300..400).contains(&look.status))?;
    let to = absolute(target, &to)?;
    // Looks keep no query of a redirect.
    let bare = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
    if bare(&to) == bare(target) {
        // A page may add a query to its own URL, and be well with it.
        let adds_query = to.contains('?') && origin.ask.scheme == scheme_of(target);
        return (!adds_query).then_some(to);
    }
    // From https back to http, where the CDN asks by https again.
    let rest = |url: &str| url.split_once("://").map(|(_, rest)| rest.to_owned());
    if origin.ask.scheme == Scheme::Https
        && to.starts_with("http:")
        && rest(&to) == rest(target)
        && asks_by_https(evidence)
    {
        return Some(to);
    }
    let RedirectObservation { to: next, edge, .. } = evidence.moved.as_ref()?;
    let look = answered(edge).filter(|look| (300..400).contains(&look.status))?;
    let back = absolute(next.as_str(), &look.header("location")?)?;
    (bare(&back) == bare(target) || bare(&back) == bare(next.as_str())).then_some(to)
}

/// Whether the CDN asks the origin by https whatever the visitor used.
fn asks_by_https(evidence: &Evidence) -> bool {
    let origin = evidence.facts().and_then(|facts| facts.origin.as_ref());
    origin.and_then(|origin| origin.protocol.as_ref()) == Some(&PullProtocol::Https)
}

fn scheme_of(target: &str) -> Scheme {
    if target.starts_with("https:") { Scheme::Https } else { Scheme::Http }
}

/// A redirect's goal in full, as seen from `base`.
fn absolute(base: &str, location: &str) -> Option<String> {
    let url = url::Url::parse(base).ok()?.join(location).ok()?;
    Some(url.to_string())
}

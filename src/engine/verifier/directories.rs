//! How a directory is verified: by URLs of the same job below it, by paths that an operator configured, and by URLs of earlier
//! jobs. A directory's own page often says nothing.

use std::sync::Arc;

use super::observation::TargetObservation;
use super::policy::VerifyPolicy;
use crate::domain::{Target, TargetKind, Verification};
use crate::store::{Store, StoreError, VerificationSample};

/// Directories of one job for which further URLs are probed, and URLs of each.
const DIRECTORIES_MAX: usize = 10;
const BELOW_MAX: u32 = 5;

/// URLs to probe for the directories among the samples.
pub(super) async fn below(
    samples: &[VerificationSample],
    policy: &VerifyPolicy,
    store: &Arc<dyn Store>,
) -> Result<Vec<Target>, StoreError> {
    let mut targets = Vec::new();
    let directories =
        samples.iter().map(|sample| &sample.target).filter(|target| target.kind() == TargetKind::Directory);
    for directory in directories.take(DIRECTORIES_MAX) {
        let named = configured(directory, policy);
        if named.is_empty() {
            targets.extend(store.recent_urls_below(directory, BELOW_MAX).await?);
        }
        targets.extend(named);
    }
    targets.sort();
    targets.dedup();
    Ok(targets)
}

fn configured(directory: &Target, policy: &VerifyPolicy) -> Vec<Target> {
    let scheme = directory.as_str().split("://").next().unwrap_or("https");
    let paths = policy.directories.get(directory.host()).into_iter().flatten();
    let urls = paths.map(|path| Target::parse(TargetKind::Url, &format!("{scheme}://{}{path}", directory.host())));
    urls.flatten().filter(|url| url.as_str().starts_with(directory.as_str())).collect()
}

/// A directory is as fresh as the URLs below it, and as its own page where that was observed.
pub(super) fn judge(observations: &mut [TargetObservation]) {
    let urls: Vec<(String, Verification, bool)> = observations
        .iter()
        .filter(|observation| observation.target.kind() == TargetKind::Url)
        .map(|observation| (observation.target.to_string(), observation.verification, observation.items.is_empty()))
        .collect();
    for observation in observations.iter_mut().filter(|observation| observation.target.kind() == TargetKind::Directory)
    {
        // A URL of an earlier job counts only if it was observed: it may be gone for other reasons.
        let below: Vec<_> = urls
            .iter()
            .filter(|(url, verification, extra)| {
                url.starts_with(observation.target.as_str()) && !(*extra && *verification == Verification::Unknown)
            })
            .collect();
        if below.is_empty() {
            continue;
        }
        let fresh = below.iter().filter(|(_, verification, _)| *verification == Verification::Fresh).count();
        let stale = below.iter().find(|(_, verification, _)| *verification == Verification::Stale);
        observation.verification = match (observation.verification, stale) {
            (Verification::Stale, _) => continue,
            (_, Some(_)) => Verification::Stale,
            (_, None) if fresh == below.len() => Verification::Fresh,
            (_, None) => Verification::Unknown,
        };
        observation.again = observation.verification != Verification::Fresh;
        observation.reason =
            format!("{}: {fresh} of {} known URLs below it are fresh", observation.target, below.len());
        // A URL of an earlier job may be another tenant's, so the text does not name it.
        match stale {
            Some((url, _, false)) => observation.reason.push_str(&format!("; {url} is stale")),
            Some((_, _, true)) => observation.reason.push_str("; a URL of an earlier job is stale"),
            None => {}
        }
    }
}

//! What stands for a directory: URLs of the same job below it, paths that an operator named, and URLs that earlier jobs
//! named. A directory's own page often tells nothing.

use std::sync::Arc;

use super::observation::TargetObservation;
use super::policy::VerifyPolicy;
use crate::domain::{Target, TargetKind, Verification};
use crate::store::{Store, StoreError, VerificationSample};

/// Directories of one job for which further URLs are looked for, and URLs for each.
const DIRECTORIES_MAX: usize = 10;
const BELOW_MAX: u32 = 5;

/// URLs to look at for the directories among the samples.
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

/// A directory is as fresh as what was seen below it, and as its own page where that tells something.
pub(super) fn judge(viewed: &mut [TargetObservation]) {
    let urls: Vec<(String, Verification, bool)> = viewed
        .iter()
        .filter(|view| view.target.kind() == TargetKind::Url)
        .map(|view| (view.target.to_string(), view.verification, view.items.is_empty()))
        .collect();
    for view in viewed.iter_mut().filter(|view| view.target.kind() == TargetKind::Directory) {
        // Of a URL that nobody asked for now, only what was seen counts: it may be gone for reasons of its own.
        let below: Vec<_> = urls
            .iter()
            .filter(|(url, seen, extra)| {
                url.starts_with(view.target.as_str()) && !(*extra && *seen == Verification::Unknown)
            })
            .collect();
        if below.is_empty() {
            continue;
        }
        let fresh = below.iter().filter(|(_, seen, _)| *seen == Verification::Fresh).count();
        let stale = below.iter().find(|(_, seen, _)| *seen == Verification::Stale);
        view.verification = match (view.verification, stale) {
            (Verification::Stale, _) => continue,
            (_, Some(_)) => Verification::Stale,
            (_, None) if fresh == below.len() => Verification::Fresh,
            (_, None) => Verification::Unknown,
        };
        view.again = view.verification != Verification::Fresh;
        view.reason = format!("{}: {fresh} of {} known URLs below it are fresh", view.target, below.len());
        // A URL of an earlier job may be another tenant's: it is looked at, and not named.
        match stale {
            Some((url, _, false)) => view.reason.push_str(&format!("; {url} is stale")),
            Some((_, _, true)) => view.reason.push_str("; one that this job did not name is stale"),
            None => {}
        }
    }
}

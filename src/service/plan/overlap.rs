//! What a planned job would be coalesced with: equal targets that wait already, and directories above its URLs (law 5).

use std::collections::{BTreeSet, HashSet};

use crate::domain::{Target, TargetKind, Timestamp, directories_above};
use crate::service::{Service, ServiceError};
use crate::store::{JobPart, PartState};

/// Targets that are looked for among those that wait; for more of them nobody waits.
const LOOKED_MAX: usize = 10_000;

/// What a job would be coalesced with.
pub(crate) struct Overlap {
    /// Directories that would be purged in the place of URLs below them.
    pub(crate) promoted: Vec<Target>,
    /// Of each part, in order, what would need a place of its own.
    pub(crate) remaining: Vec<JobPart>,
    /// How many would not. None: too many to look for.
    pub(crate) coalesced: Option<u64>,
}

impl Service {
    pub(crate) async fn overlap(&self, parts: &[JobPart], now: Timestamp) -> Result<Overlap, ServiceError> {
        let mut overlap = Overlap { promoted: Vec::new(), remaining: Vec::new(), coalesced: Some(0) };
        for part in parts.iter().filter(|part| part.state == PartState::Due) {
            overlap.promoted.extend(
                self.engine_status.promoted_directories(&part.lane, &part.targets, self.store.as_ref(), now).await?,
            );
        }
        if parts.iter().map(|part| part.targets.len()).sum::<usize>() > LOOKED_MAX {
            overlap.coalesced = None;
            overlap.remaining = parts.to_vec();
            return Ok(overlap);
        }
        for part in parts {
            let shared: HashSet<Target> = self.shared(part, parts, &overlap.promoted).await?.into_iter().collect();
            let alone = part.targets.iter().filter(|target| !shared.contains(target)).cloned().collect();
            overlap.coalesced = overlap.coalesced.map(|so_far| so_far + shared.len() as u64);
            overlap.remaining.push(JobPart { targets: alone, ..part.clone() });
        }
        Ok(overlap)
    }

    /// Targets of the part that would share a place with an equal one, or be covered by a directory, pending or of the same job.
    async fn shared(
        &self,
        part: &JobPart,
        parts: &[JobPart],
        promoted: &[Target],
    ) -> Result<Vec<Target>, ServiceError> {
        // What leaves later meets others.
        if part.state != PartState::Due {
            return Ok(Vec::new());
        }
        let mut shared = self.store.pending_targets(&part.lane, &part.targets).await?;
        let Some(lane) = part.lane.covering_directory_lane() else { return Ok(shared) };
        let above: BTreeSet<&str> = part.targets.iter().flat_map(|url| directories_above(url.as_str())).collect();
        let above: Vec<Target> =
            above.into_iter().filter_map(|text| Target::parse(TargetKind::Directory, text).ok()).collect();
        let mut carriers = self.store.pending_targets(&lane, &above).await?;
        carriers.extend(parts.iter().filter(|other| other.lane == lane).flat_map(|other| other.targets.clone()));
        let carriers: HashSet<&str> = carriers.iter().chain(promoted).map(Target::as_str).collect();
        let rides = |url: &&Target| directories_above(url.as_str()).any(|above| carriers.contains(above));
        shared.extend(part.targets.iter().filter(rides).cloned());
        Ok(shared)
    }
}

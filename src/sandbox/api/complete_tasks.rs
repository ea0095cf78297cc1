//! Ends the rows whose time has come, in the order of their times, and does to the edge what they promised.
//! There are no timers: every look at the cloud settles first, so that a clock moved by hand is enough.

use std::sync::Arc;

use http::HeaderMap;
use tokio::task::JoinSet;

use super::task::{Flush, RowIndex, RowOutcome, RowStatus, TaskKind, TaskRow};
use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::Area;
use crate::sandbox::edge;
use crate::sandbox::edge::cache::EdgeObjectKey;
use crate::sandbox::edge::{EdgeRequest, LoadError};
use crate::sandbox::state::{Cloud, State};

/// How many prefetches ask the origin side by side.
const PREFETCHES_AT_ONCE: usize = 64;

impl Cloud {
    /// Settles everything that is due at the clock's present moment.
    pub(crate) async fn settle_due(self: &Arc<Self>) {
        let _guard = self.settling.lock().await;
        // Whoever settled before us may have gone away while the origin was asked.
        self.state().tasks.requeue_fetching();
        loop {
            let prefetches = self.state().settle_up_to_prefetches(self.now());
            if prefetches.is_empty() {
                return;
            }
            let mut fetches = JoinSet::new();
            for (index, visits) in prefetches {
                let cloud = Arc::clone(self);
                fetches.spawn(async move { (index, prefetch(&cloud, &visits).await) });
            }
            for (index, status) in fetches.join_all().await {
                self.state().settle(index, status, self.now());
            }
            self.state().tasks.clear_fetching();
        }
    }
}

/// The worst of what the areas' visits come to.
async fn prefetch(cloud: &Cloud, visits: &[EdgeRequest]) -> RowStatus {
    let mut status = RowStatus::Done;
    for visit in visits {
        match edge::load(cloud, visit).await {
            Ok(loaded) if loaded.object.status.as_u16() < 400 => {}
            Ok(_) => status = RowStatus::Invalid,
            Err(LoadError::Origin(_) | LoadError::NoSuchDomain) => return RowStatus::Fail,
        }
    }
    status
}

/// One visit for each place with copies that the row covers.
fn visits(row: &TaskRow, nodes: usize) -> Vec<EdgeRequest> {
    let visit = |area: Area, node: usize| EdgeRequest {
        area,
        node,
        scheme: row.scheme,
        host: row.host.clone(),
        path: row.path.clone(),
        visitor: HeaderMap::new(),
    };
    row.area.parts().iter().flat_map(|area| (0..=nodes).map(|node| visit(*area, node))).collect()
}

impl State {
    /// Settles due rows until the next ones are prefetches, and returns those to be made now. What is due after them
    /// waits for them: a purge must not overtake a prefetch of the same object.
    fn settle_up_to_prefetches(&mut self, now: Timestamp) -> Vec<(RowIndex, Vec<EdgeRequest>)> {
        let mut prefetches = Vec::new();
        while let Some(index) = self.tasks.next_due(now) {
            let (task, row) = self.tasks.at(index);
            let fetches = task.kind == TaskKind::Push && row.outcome == RowOutcome::Succeeds;
            if prefetches.len() == PREFETCHES_AT_ONCE || (!fetches && !prefetches.is_empty()) {
                break;
            }
            if fetches {
                prefetches.push((index, visits(row, self.caches.nodes)));
                self.tasks.begin_fetching();
                continue;
            }
            let status = if row.outcome == RowOutcome::Fails { RowStatus::Fail } else { RowStatus::Done };
            self.tasks.take_due();
            self.settle(index, status, now);
        }
        prefetches
    }

    fn settle(&mut self, index: RowIndex, status: RowStatus, now: Timestamp) {
        self.tasks.settle(index, status);
        let (task, row) = self.tasks.at(index);
        if status == RowStatus::Fail && self.switches.failed_rows_refunded {
            self.quota.refund(task.kind, row.area, task.made_at, now);
        }
        if status != RowStatus::Done || task.kind == TaskKind::Push {
            return;
        }
        let Some(domain) = self.domains.owner_of(&row.host) else { return };
        let key = match task.kind {
            TaskKind::PurgePath => EdgeObjectKey {
                host: row.host.clone(),
                path: row.path.clone(),
                folded: false,
                scheme: domain.cache_key.scheme.switch.is_on().then_some(row.scheme),
            },
            TaskKind::PurgeUrl | TaskKind::Push => domain.cache_key.object_key(row.scheme, &row.host, &row.path),
        };
        for area in row.area.parts() {
            for node in (0..=self.caches.nodes).filter(|node| reaches(row.outcome, *area, *node)) {
                let cache = self.caches.of(*area, node);
                match (task.kind, task.flush) {
                    (TaskKind::PurgePath, Flush::Delete) => cache.purge_below(&key),
                    (TaskKind::PurgePath, Flush::Flush) => cache.revalidate_below(&key),
                    (TaskKind::PurgeUrl | TaskKind::Push, _) => cache.purge_url(&key),
                }
            }
        }
    }
}

/// Whether a row of this outcome changes what the node has of the area's copies.
fn reaches(outcome: RowOutcome, area: Area, node: usize) -> bool {
    match outcome {
        RowOutcome::Succeeds => true,
        RowOutcome::DoneWithoutEffectIn(unchanged) => unchanged != area,
        RowOutcome::DoneWithoutEffectAt(unchanged) => unchanged != node,
        RowOutcome::Fails | RowOutcome::DoneWithoutEffect | RowOutcome::NeverEnds => false,
    }
}

//! Ends the rows whose time has come, in the order of their times, and does to the edge what they promised.
//! There are no timers: every look at the cloud settles first, so that a clock moved by hand is enough.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::cache::ObjectKey;
use super::cloud::{Cloud, State};
use super::edge::{self, LoadFault};
use super::task::{Fate, Flush, RowPlace, RowStatus, TaskKind};
use crate::domain::Timestamp;

/// How many prefetches ask the origin side by side.
const PREFETCHES_AT_ONCE: usize = 64;

impl Cloud {
    /// Settles everything that is due at the clock's present moment.
    pub(super) async fn settle_due(self: &Arc<Self>) {
        let _turn = self.settling.lock().await;
        // Whoever settled before us may have gone away while the origin was asked.
        self.state().tasks.give_back_in_hand();
        loop {
            let prefetches = self.state().settle_up_to_prefetches(self.now());
            if prefetches.is_empty() {
                return;
            }
            let mut fetches = JoinSet::new();
            for (place, host, path) in prefetches {
                let cloud = Arc::clone(self);
                fetches.spawn(async move { (place, prefetch(&cloud, &host, &path).await) });
            }
            for (place, status) in fetches.join_all().await {
                self.state().settle(place, status, self.now());
            }
            self.state().tasks.empty_hand();
        }
    }
}

async fn prefetch(cloud: &Cloud, host: &str, path: &str) -> RowStatus {
    match edge::load(cloud, host, path).await {
        Ok(loaded) if loaded.object.status.as_u16() < 400 => RowStatus::Done,
        Ok(_) => RowStatus::Invalid,
        Err(LoadFault::OriginUnreachable | LoadFault::NoSuchDomain) => RowStatus::Fail,
    }
}

impl State {
    /// Settles due rows until the next ones are prefetches, and returns those to be made now. What is due after them
    /// waits for them: a purge must not overtake a prefetch of the same object.
    fn settle_up_to_prefetches(&mut self, now: Timestamp) -> Vec<(RowPlace, String, String)> {
        let mut prefetches = Vec::new();
        while let Some(place) = self.tasks.next_due(now) {
            let (task, row) = self.tasks.at(place);
            let fetches = task.kind == TaskKind::Push && row.fate == Fate::Works;
            if prefetches.len() == PREFETCHES_AT_ONCE || (!fetches && !prefetches.is_empty()) {
                break;
            }
            if fetches {
                prefetches.push((place, row.host.clone(), row.path.clone()));
                self.tasks.take_in_hand();
                continue;
            }
            let status = if row.fate == Fate::Fails { RowStatus::Fail } else { RowStatus::Done };
            self.tasks.take_due();
            self.settle(place, status, now);
        }
        prefetches
    }

    fn settle(&mut self, place: RowPlace, status: RowStatus, now: Timestamp) {
        self.tasks.settle(place, status);
        let (task, row) = self.tasks.at(place);
        if status == RowStatus::Fail && self.switches.failed_rows_refunded {
            self.quota.refund(task.kind, row.area, task.made_at, now);
        }
        if status != RowStatus::Done || row.fate != Fate::Works {
            return;
        }
        let key = ObjectKey { host: row.host.clone(), path: row.path.clone() };
        match (task.kind, task.flush) {
            (TaskKind::PurgeUrl, _) => self.cache.purge_url(&key),
            (TaskKind::PurgePath, Flush::Delete) => self.cache.purge_below(&key),
            (TaskKind::PurgePath, Flush::Flush) => self.cache.revalidate_below(&key),
            (TaskKind::Push, _) => {}
        }
    }
}

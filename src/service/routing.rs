//! Where a job's targets go: to which account, and, where no area was asked for, to which area of the domain's own.

use std::collections::{BTreeMap, HashMap};

use super::Service;
use crate::domain::{AccountName, Area, Routes, Target, Timestamp};
use crate::engine::EngineStatus;

/// Targets by account and by the area of their own, if that is one that has to be named.
pub(super) type TargetsByDestination = BTreeMap<(AccountName, Option<Area>), Vec<Target>>;

pub(super) struct Router<'a> {
    pub(super) input: Area,
    pub(super) routes: &'a Routes,
    pub(super) outlook: &'a EngineStatus,
    pub(super) now: Timestamp,
}

impl Service {
    pub(super) fn areas(&self, area: Area, now: Timestamp) -> Router<'_> {
        Router { input: area, routes: &self.routes, outlook: &self.engine_status, now }
    }
}

impl Router<'_> {
    /// The same targets in the same order are always cut alike: a refresh counts on it.
    pub(super) fn places(&self, targets: &[Target]) -> TargetsByDestination {
        let mut hosts: HashMap<&str, Option<(AccountName, Option<Area>)>> = HashMap::new();
        let mut places = TargetsByDestination::new();
        for target in targets {
            let place = hosts.entry(target.host()).or_insert_with(|| self.place(target.host()));
            if let Some(place) = place {
                places.entry(place.clone()).or_default().push(target.clone());
            }
        }
        places
    }

    /// The account that serves the host, and the area of its domain if that is to be named. None: no account does.
    pub(super) fn place(&self, host: &str) -> Option<(AccountName, Option<Area>)> {
        let account = self.routes.account_for(host)?.clone();
        let domain = (self.input == Area::Own).then(|| self.outlook.domain(host)).flatten();
        Some((account, domain.and_then(|cached_domain| cached_domain.own_area(self.now))))
    }
}

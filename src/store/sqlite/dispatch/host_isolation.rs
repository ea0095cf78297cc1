//! Whose targets go in one call: hosts that are proved together, others apart and few to a call, so that a refusal is soon
//! traced to its host.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::SqliteConnection;

use super::batch::{Candidate, PRIORITIES};
use super::eligibility::Deferral;
use crate::domain::LaneId;
use crate::store::StoreError;
use crate::store::sqlite::codec::columns;

/// Hosts in one call of which nothing is known. A thousand cost thirty-two calls, and to find a bad one among them ten more.
const UNPROVED_MAX: usize = 32;
/// The cohort of those who were taken out of open company, behind all that are named after submissions.
pub(crate) const UNPROVED: i64 = 1 << 52;

/// The heads of one cohort, sorted out.
pub(crate) struct IsolatedBatch {
    /// Who may go together now.
    pub(crate) heads: Vec<Candidate>,
    /// Items moved to another isolation group; if any, the lane is scanned again.
    pub(crate) deferrals: Vec<Deferral>,
    /// Somebody of them is unproved, or they were apart already.
    pub(crate) apart: bool,
    /// How many of each priority are left behind because there are hosts enough.
    pub(crate) remaining: [usize; PRIORITIES],
    /// Urgent work is left behind: nobody else may take its place.
    pub(crate) urgent_only: bool,
}

/// Sorts out heads that nothing else holds back.
pub(crate) async fn isolate_unproved_hosts(
    heads: Vec<Candidate>,
    isolation_group: i64,
    lane: LaneId,
    db: &mut SqliteConnection,
) -> Result<IsolatedBatch, StoreError> {
    // Halves of a refused batch stay as they were cut.
    if ![0, UNPROVED].contains(&isolation_group) || heads.is_empty() {
        return Ok(IsolatedBatch {
            heads,
            deferrals: Vec::new(),
            apart: isolation_group > 0,
            remaining: [0; PRIORITIES],
            urgent_only: false,
        });
    }
    let hosts: BTreeSet<&str> = heads.iter().map(|head| head.target.host()).collect();
    let proved: Vec<String> = sqlx::query_scalar(sql!("proved_hosts.sql"))
        .bind(lane.0)
        .bind(columns::json(&hosts)?)
        .fetch_all(&mut *db)
        .await?;
    let proved: HashSet<String> = proved.into_iter().collect();
    let is_mixed = !proved.is_empty() && proved.len() < hosts.len();
    if isolation_group == 0 && is_mixed {
        let (heads, unproved): (Vec<Candidate>, Vec<Candidate>) =
            heads.into_iter().partition(|head| proved.contains(head.target.host()));
        let deferrals = unproved.iter().map(|head| (head.item, columns::DUE, UNPROVED, None, None)).collect();
        return Ok(IsolatedBatch { heads, deferrals, apart: false, remaining: [0; PRIORITIES], urgent_only: false });
    }
    let (heads, counts) = few_unproved(heads, &proved);
    let apart = isolation_group > 0 || proved.is_empty();
    let urgent_only = counts[0] > 0 || urgent_elsewhere(isolation_group, lane, db).await?;
    Ok(IsolatedBatch { heads, deferrals: Vec::new(), apart, remaining: counts, urgent_only })
}

/// Of the unproved hosts only the first few, and how many of each priority are left behind.
fn few_unproved(heads: Vec<Candidate>, proved: &HashSet<String>) -> (Vec<Candidate>, [usize; PRIORITIES]) {
    let mut admitted: BTreeMap<String, bool> = BTreeMap::new();
    let mut unproved = 0;
    let mut counts = [0; PRIORITIES];
    let heads = heads.into_iter().filter(|head| {
        let host = head.target.host();
        let may = *admitted.entry(host.to_owned()).or_insert_with(|| {
            let is_proved = proved.contains(host);
            unproved += usize::from(!is_proved);
            is_proved || unproved <= UNPROVED_MAX
        });
        counts[head.class()] += usize::from(!may);
        may
    });
    (heads.collect(), counts)
}

/// Whether urgent items wait in the other group, normal or unproved.
async fn urgent_elsewhere(isolation_group: i64, lane: LaneId, db: &mut SqliteConnection) -> Result<bool, StoreError> {
    let other = if isolation_group == 0 { UNPROVED } else { 0 };
    Ok(sqlx::query_scalar(sql!("has_urgent_items.sql")).bind(lane.0).bind(other).fetch_one(db).await?)
}

//! DescribePurgeQuota and DescribePushQuota.

use serde_json::{Value, json};

use super::Done;
use super::task::TaskKind;
use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::Area;
use crate::sandbox::state::Cloud;

pub(super) fn describe(cloud: &Cloud, lists: &[(&str, TaskKind)], now: Timestamp) -> Done {
    let state = &mut *cloud.state();
    let hidden = state.switches.overseas_quota_hidden;
    let mut pools = state.quota.view(now);
    pools.retain(|pool| !(hidden && pool.area == Area::Overseas));
    let list = |kind: TaskKind| -> Vec<Value> {
        let of_kind = pools.iter().filter(|pool| pool.kind == kind);
        of_kind
            .map(|pool| {
                json!({
                    "Area": pool.area.as_str(),
                    "Batch": pool.batch,
                    "Total": pool.total,
                    "Available": pool.available(),
                })
            })
            .collect()
    };
    let fields = lists.iter().map(|(name, kind)| ((*name).to_owned(), Value::from(list(*kind)))).collect();
    Done { fields, ..Done::default() }
}

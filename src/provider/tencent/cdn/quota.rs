//! The day-quota pools: one for each kind and area ("Quota management").

use super::reader::CdnReader;
use super::wire::{AreaQuota, NoParameters, QuotaResponse};
use crate::domain::{Area, ItemOperation, Lane, PoolName, PoolReading, TargetKind};
use crate::provider::{ApiAction, ReadError};

/// A domain whose area is not known may be in both, and `global` spends in both.
pub(in super::super) fn pools(lane: &Lane) -> Vec<PoolName> {
    let areas = match lane.area {
        Area::Own | Area::Global => vec![Area::Mainland, Area::Overseas],
        Area::Mainland | Area::Overseas => vec![lane.area],
    };
    areas.into_iter().map(|area| pool_name(lane.operation, lane.kind, area)).collect()
}

fn pool_name(operation: ItemOperation, kind: TargetKind, area: Area) -> PoolName {
    PoolName(format!("{operation}-{kind}-{area}"))
}

pub(in super::super) async fn quota(
    reader: &CdnReader<'_>,
    operation: ItemOperation,
) -> Result<Vec<PoolReading>, ReadError> {
    let action = match operation {
        ItemOperation::Purge => ApiAction("DescribePurgeQuota"),
        ItemOperation::Prefetch => ApiAction("DescribePushQuota"),
    };
    let quotas: QuotaResponse = reader.call(action, &NoParameters {}).await?;
    let kinds = match operation {
        ItemOperation::Purge => vec![(TargetKind::Url, quotas.url_purge), (TargetKind::Directory, quotas.path_purge)],
        ItemOperation::Prefetch => vec![(TargetKind::Url, quotas.url_push)],
    };
    let areas =
        kinds.into_iter().flat_map(|(kind, areas)| areas.unwrap_or_default().into_iter().map(move |area| (kind, area)));
    Ok(areas.filter_map(|(kind, area)| reading(operation, kind, &area)).collect())
}

/// Nothing if a figure is missing or the area is new to us: a pool is better asked for again than guessed.
fn reading(operation: ItemOperation, kind: TargetKind, quota: &AreaQuota) -> Option<PoolReading> {
    let area = quota.area.as_deref()?;
    let area = [Area::Mainland, Area::Overseas].into_iter().find(|entry| entry.as_str().eq_ignore_ascii_case(area))?;
    let figure = |value: Option<i64>| value.map(|value| u64::try_from(value).unwrap_or(0));
    Some(PoolReading {
        name: pool_name(operation, kind, area),
        operation,
        kind,
        area,
        total: figure(quota.total)?,
        available: figure(quota.available)?,
        // A batch of nothing would stop the lane without a word; the total says whether anything may go.
        batch: u32::try_from(quota.batch?.max(1)).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AccountName;
    use crate::provider::Provider;
    use crate::provider::tencent::tests::scripted_server::{CallCounter, Script, ok};

    /// The readings as `name total available batch`, of an answer with these fields.
    async fn read(operation: ItemOperation, fields: &str) -> Vec<String> {
        let (script, limiter) = (Script::start([ok(fields)]).await, CallCounter::default());
        let readings = script.client().quota(operation, &limiter).await.expect("a quota");
        assert_eq!((limiter.calls(), script.bodies()), (1, vec!["{}".to_owned()]));
        let reading =
            readings.iter().map(|pool| format!("{} {} {} {}", pool.name, pool.total, pool.available, pool.batch));
        reading.collect()
    }

    #[tokio::test]
    async fn the_published_samples_are_read() {
        let purge = concat!(
            r#","UrlPurge":[{"Batch":1000,"Total":10000,"Available":9999,"Area":"mainland"},"#,
            r#"{"Batch":1000,"Total":10000,"Available":10000,"Area":"Overseas"}],"#,
            r#""PathPurge":[{"Batch":39,"Total":100,"Available":7,"Area":"mainland"},"#,
            r#"{"Batch":20,"Total":100,"Available":100,"Area":"overseas"}]"#
        );
        let expected = [
            "purge-url-mainland 10000 9999 1000",
            "purge-url-overseas 10000 10000 1000",
            "purge-directory-mainland 100 7 39",
            "purge-directory-overseas 100 100 20",
        ];
        assert_eq!(read(ItemOperation::Purge, purge).await, expected);
        let push = r#","UrlPush":[{"Batch":1000,"Total":10000,"Available":1,"Area":"mainland"}]"#;
        assert_eq!(read(ItemOperation::Prefetch, push).await, ["prefetch-url-mainland 10000 1 1000"]);
    }

    #[tokio::test]
    async fn what_is_missing_or_strange_is_left_out_and_the_rest_is_read() {
        assert!(read(ItemOperation::Purge, r#","UrlPurge":null"#).await.is_empty());
        let odd = concat!(
            r#","UrlPush":[{"Batch":0,"Total":10,"Available":-3,"Area":"overseas"},{"Area":"mars","Total":1,"#,
            r#""Available":1,"Batch":1},{"Area":"mainland","Total":null,"Available":1,"Batch":1},{}]"#
        );
        assert_eq!(read(ItemOperation::Prefetch, odd).await, ["prefetch-url-overseas 10 0 1"]);
    }

    #[test]
    fn a_lane_draws_on_every_pool_that_it_may_spend_from() {
        let names = |area| {
            let (operation, kind) = (ItemOperation::Purge, TargetKind::Directory);
            let lane = Lane { account: AccountName::new("main"), operation, kind, area, mode: None };
            pools(&lane).into_iter().map(|pool| pool.0).collect::<Vec<_>>()
        };
        for both in [Area::Own, Area::Global] {
            assert_eq!(names(both), ["purge-directory-mainland", "purge-directory-overseas"]);
        }
        assert_eq!(names(Area::Mainland), ["purge-directory-mainland"]);
        assert_eq!(names(Area::Overseas), ["purge-directory-overseas"]);
    }
}

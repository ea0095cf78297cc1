//! Pools as the contract has them.

use super::wire::PoolAnswer;
use crate::api::routes::jobs::convert::time;
use crate::service::PoolDetails;

pub(crate) fn pool(PoolDetails { pool, undecided, runs_out_at }: &PoolDetails) -> PoolAnswer {
    PoolAnswer {
        account: pool.account.to_string(),
        pool: pool.name.to_string(),
        operation: pool.operation.to_string(),
        kind: pool.kind.to_string(),
        area: pool.area.to_string(),
        total: pool.total,
        available: pool.available,
        reserved: pool.reserved,
        used: pool.used,
        undecided: *undecided,
        batch: pool.batch,
        resets_at: time(pool.resets_at),
        exhausted_at: pool.exhausted_at.map(time),
        forecast: runs_out_at.map(time),
        read_at: time(pool.read_at),
    }
}

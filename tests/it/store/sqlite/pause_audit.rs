//! What is kept of who held a lane back, also when it goes on again and over a restart.

use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{LanePause, Store};
use sqlx::Row;

use super::{database, fresh};
use crate::store::fixtures::{at, claim, keep, lane_of, purge};

#[tokio::test]
async fn who_paused_and_resumed_a_lane_when_and_why_is_kept() {
    let fresh = fresh().await;
    let store = fresh.store();
    let kept = keep(store, purge(0..1), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    for (n, reason) in [(10, Some("a drill")), (20, None)] {
        let pause = LanePause { by: format!("a{n}"), at: at(n), reason: reason.map(str::to_owned) };
        store.pause_lane(lane, pause).await.expect("an outcome");
        store.resume_lane(lane, &format!("b{n}"), at(n + 1)).await.expect("an outcome");
    }
    let rows = sqlx::query("select * from lane_pauses order by id").fetch_all(fresh.store.books.rows()).await;
    let told = rows.expect("rows").into_iter().map(|row| {
        let (by, resumed_by): (String, String) = (row.get("paused_by"), row.get("resumed_by"));
        let (from, to): (i64, i64) = (row.get("paused_at"), row.get("resumed_at"));
        (by, from - at(0).as_millis(), row.get::<Option<String>, _>("reason"), resumed_by, to - at(0).as_millis())
    });
    let expected = [(10, Some("a drill".to_owned())), (20, None)]
        .map(|(n, reason)| (format!("a{n}"), n, reason, format!("b{n}"), n + 1));
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_pause_outlives_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&database(&folder)).await.expect("a store");
    let kept = keep(&store, purge(0..1), at(1)).await;
    let lane = lane_of(&store, &kept, 0).await;
    let pause = LanePause { by: "a".to_owned(), at: at(2), reason: None };
    store.pause_lane(lane, pause.clone()).await.expect("an outcome");
    store.drain(std::time::Duration::from_secs(30)).await;
    drop(store);
    let mut again = SqliteStore::open(&database(&folder)).await;
    for _ in 0..600 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        again = SqliteStore::open(&database(&folder)).await;
    }
    let again = again.expect("the store again");
    assert_eq!(again.lane_depths().await.expect("lanes")[0].paused, Some(pause));
    assert_eq!(claim(&again, lane, 10, at(3)).await, None);
}

//! A full disk: said as such, nothing acknowledged is lost, and the same store goes on when there is room again.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use refreshd::domain::Priority;
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{Creation, Guarded, Job, NewJob, Store, StoreError};
use tempfile::TempDir;

use crate::store::fixtures::{at, batch, job, keep, lane_of, purge, settle, states, travelling};
use crate::support::Books;

/// A file system of a few megabytes in memory, gone with this value.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None where it cannot be had; says so.
    #[expect(clippy::print_stdout, reason = "a skipped test says that it is skipped")]
    fn mount() -> Option<Self> {
        if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() != 0) {
            println!("skipped: mounting a small disk needs root");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            other => {
                println!("skipped: this root may not mount a small disk: {other:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all room but so many bytes.
    fn fill(&self, left: usize) {
        let mut filler = File::create(self.path().join("filler")).expect("a file");
        let block = vec![0; 4096];
        let mut written = 0;
        while filler.write_all(&block).is_ok() {
            written += block.len();
        }
        filler.set_len(written.saturating_sub(left) as u64).expect("room");
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).expect("room");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

async fn create_until_full(store: &SqliteStore, acknowledged: &mut Vec<Job>, urls: u32) {
    for _ in 0..10_000 {
        match store.create_job(purge(0..urls), at(1)).await {
            Ok(Creation::Created(job)) => acknowledged.push(*job),
            Err(StoreError::DiskFull(_)) => return,
            other => panic!("{other:?}"),
        }
    }
    panic!("the disk does not fill");
}

async fn all_there(path: &Path, store: &SqliteStore, acknowledged: &[Job]) {
    for kept in acknowledged {
        let found = job(store, kept).await;
        assert_eq!(found.counts.total(), kept.counts.total());
        assert_eq!(states(store, kept).await.len(), kept.counts.total() as usize);
    }
    assert_eq!(store.jobs(None, None, 100_000).await.expect("jobs").len(), acknowledged.len(), "and no other job");
    Books::open(path).balance("a full disk").await;
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_left_without_a_restart() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("refreshd.db");
    let store = SqliteStore::open(&path).await.expect("a store");
    let mut acknowledged = vec![keep(&store, purge(0..3), at(1)).await];
    let lane = lane_of(&store, &acknowledged[0], 0).await;
    let sent = travelling(&store, lane, 1, at(1)).await;
    for (round, urls) in [1, 300, 10].into_iter().enumerate() {
        disk.fill(64 * 1024 * round);
        create_until_full(&store, &mut acknowledged, urls).await;
        // While it is full, every change is refused as what it is, in a group or alone.
        let again = || store.create_job(purge(0..500), at(2));
        for refused in [again().await, again().await] {
            assert!(matches!(refused, Err(StoreError::DiskFull(_))), "{refused:?}");
        }
        let (one, two) = tokio::join!(again(), again());
        assert!(
            matches!((&one, &two), (Err(StoreError::DiskFull(_)), Err(StoreError::DiskFull(_)))),
            "{one:?} {two:?}"
        );
        assert_eq!(job(&store, &acknowledged[0]).await.id, acknowledged[0].id, "readers go on");
        disk.free();
        acknowledged.push(keep(&store, NewJob { priority: Priority::Urgent, ..purge(0..20) }, at(3)).await);
        all_there(&path, &store, &acknowledged).await;
        batch(&store, lane, 2, at(4)).await;
    }
    assert_eq!(settle(&store, sent.submission, &[], at(5)).await, Guarded::Done);
    store.drain(std::time::Duration::from_secs(5)).await;
    drop(store);
    let again = SqliteStore::open(&path).await.expect("a store");
    all_there(&path, &again, &acknowledged).await;
}

/// Nobody has read yet, so that the writer's connection is the only one: to open it again takes room as well.
#[tokio::test]
async fn a_full_disk_is_told_as_such_when_the_file_cannot_be_opened_again() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("refreshd.db");
    let store = SqliteStore::open(&path).await.expect("a store");
    let mut acknowledged = vec![keep(&store, purge(0..3), at(1)).await];
    for round in 0..3 {
        disk.fill(4096 * round);
        create_until_full(&store, &mut acknowledged, 20).await;
        for _ in 0..3 {
            let refused = store.create_job(purge(0..500), at(2)).await;
            assert!(matches!(refused, Err(StoreError::DiskFull(_))), "{refused:?}");
        }
        disk.free();
        acknowledged.push(keep(&store, purge(0..20), at(3)).await);
    }
    all_there(&path, &store, &acknowledged).await;
}

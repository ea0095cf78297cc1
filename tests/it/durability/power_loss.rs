//! Law 1 without power: what was acknowledged is on stable storage, not in a cache. An ext4 image is shut down without
//! a flush under load, as if its plug were pulled. Needs root, loop devices and e2fsprogs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::crashing_daemon::{Chance, Victim, all_end, generous_sandbox, lost, no_target_was_sent_twice};
use crate::support::load_generator::Posters;
use crate::support::{http, slow};

const CUTS: u32 = 5;
const CUTS_SLOW: u32 = 20;
const POSTERS: u32 = 6;
/// Tries that the control gets: if none of them loses anything, pulling this plug proves nothing.
const CONTROL_TRIES: u32 = 5;
const IMAGE_BYTES: u64 = 256 * 1024 * 1024;

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH` on the folder that is the first word. In Python, because an
/// ioctl is unsafe in Rust, which this crate forbids.
const PULL_THE_PLUG: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";

/// A file system of its own in a file, mounted as long as this lives.
struct Disk {
    folder: TempDir,
    is_mounted: bool,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut disk = Self { folder, is_mounted: false };
        let image = std::fs::File::create(disk.image()).expect("an image");
        image.set_len(IMAGE_BYTES).expect("a sparse image");
        std::fs::create_dir(disk.path()).expect("a folder to mount on");
        run("mkfs.ext4", &["-q", "-F", &text(&disk.image())]);
        disk.mount();
        disk
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("ext4.img")
    }

    /// Where it is mounted.
    fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn mount(&mut self) {
        run("mount", &["-o", "loop", &text(&self.image()), &text(&self.path())]);
        self.is_mounted = true;
    }

    /// Nothing that is not on stable storage by now gets there.
    fn cut(&self) {
        run("python3", &["-c", PULL_THE_PLUG, &text(&self.path())]);
    }

    /// Power is back: the journal is replayed.
    async fn restore(&mut self) {
        // Whoever just died or closed may hold its files for a moment yet.
        for _ in 0..100 {
            let ended = Command::new("umount").arg(self.path()).output().expect("umount");
            self.is_mounted = !ended.status.success();
            if !self.is_mounted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!self.is_mounted, "{} is still in use", self.path().display());
        self.mount();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            // Lazily, in case a daemon still dies. The loop device goes with its mount.
            let _ = Command::new("umount").args(["-l", &text(&self.path())]).status();
        }
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn run(program: &str, words: &[&str]) {
    let ended = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(ended.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// Mounting takes root. Without root the test says so; as root it must run.
#[expect(clippy::print_stderr, reason = "what is not run is said")]
fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process of Linux");
    let root = status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
    if !root {
        eprintln!("not run: mounting a disk whose plug can be pulled takes root");
    }
    root
}

#[tokio::test(flavor = "multi_thread")]
async fn no_power_cut_loses_an_acknowledged_job() {
    if !is_root() {
        return;
    }
    let mut chance = Chance::from_seed();
    let shutdown = CancellationToken::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (sandbox, key) = generous_sandbox(&shutdown).await;
    let mut disk = Disk::new();
    let victim = Victim::new(&sandbox, &key, folder.path(), &disk.path());
    let http = http();
    let mut acknowledged = Vec::new();
    for round in 0..if slow() { CUTS_SLOW } else { CUTS } {
        let mut daemon = victim.start();
        victim.ready(&http).await;
        let faults = lost(&http, &victim.base, &acknowledged).await;
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
        let posters = Posters::start(POSTERS, &format!("cut{round}-"), &victim.base, &http, &sandbox);
        tokio::time::sleep(chance.millis(200, 2000)).await;
        disk.cut();
        // Long enough for an acknowledgement that does not wait for the disk.
        tokio::time::sleep(chance.millis(0, 100)).await;
        daemon.kill();
        let promised = posters.abandon().await;
        assert!(!promised.is_empty(), "nothing was acknowledged: no load, no proof");
        acknowledged.extend(promised);
        disk.restore().await;
    }
    let mut daemon = victim.start();
    victim.ready(&http).await;
    all_end(&http, &victim.base, &acknowledged).await;
    no_target_was_sent_twice(&sandbox).await;
    eprintln!("{} jobs were acknowledged", acknowledged.len());
    daemon.kill();
    shutdown.cancel();
}

/// The control: without a sync at each commit the same cut loses what was committed, so the cut is one.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_sync_at_each_commit_the_same_cut_loses() {
    if !is_root() {
        return;
    }
    let mut disk = Disk::new();
    let mut last = (0, 0);
    for attempt in 0..CONTROL_TRIES {
        last = write_and_cut(&mut disk, &format!("{attempt}.db"), SqliteSynchronous::Normal).await;
        if last.1 < last.0 {
            break;
        }
    }
    assert!(last.1 < last.0, "a NORMAL writer kept all {} commits: this cut proves nothing", last.0);
    let (committed, kept) = write_and_cut(&mut disk, "full.db", SqliteSynchronous::Full).await;
    assert_eq!(kept, committed, "a FULL writer lost commits");
}

/// Commits rows one by one, pulls the plug, and tells how many were committed and how many are there afterwards.
async fn write_and_cut(disk: &mut Disk, file: &str, synchronous: SqliteSynchronous) -> (i64, i64) {
    const ROWS: i64 = 200;
    let options = SqliteConnectOptions::new()
        .filename(disk.path().join(file))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous);
    let mut writer = options.connect().await.expect("a database");
    sqlx::query("create table kept (row integer primary key) strict").execute(&mut writer).await.expect("a table");
    for row in 0..ROWS {
        sqlx::query("insert into kept values ($1)").bind(row).execute(&mut writer).await.expect("a commit");
    }
    disk.cut();
    // It cannot end well without its disk.
    let _ = tokio::time::timeout(Duration::from_secs(5), writer.close_hard()).await;
    disk.restore().await;
    let kept = match options.create_if_missing(false).connect().await {
        Ok(mut reader) => {
            let kept = sqlx::query_scalar("select count(*) from kept").fetch_one(&mut reader).await;
            reader.close().await.expect("a close");
            // The table itself can be lost.
            kept.unwrap_or(0)
        }
        Err(_) => 0,
    };
    (ROWS, kept)
}

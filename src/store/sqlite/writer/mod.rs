//! The one task that changes the database. It commits what has arrived in one transaction and never waits for more.
//! Nothing can cancel it, so no change is ever left half-made on its connection.

pub(super) mod command;
pub(super) mod id_cache;
pub(super) mod multi_insert;

use std::collections::VecDeque;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::mpsc;

use super::jobs::create;
use super::jobs::create::{PendingInsert, TransactionScope};
use super::open;
use crate::store::{Creation, StoreError};
use command::AnyChange;
use id_cache::IdCache;

/// Commands that can wait for the writer. Further callers wait until there is room.
const INBOX_MAX: usize = 4096;
/// New items in one transaction, so that a pile of large bodies does not hold up everyone's commit.
const GROUP_ITEMS_MAX: usize = 200_000;

pub(super) enum WriterCommand {
    Create(Box<PendingInsert>),
    Change(Box<dyn AnyChange>),
}

pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// None after a fault, until the next group opens a new one.
    connection: Option<SqliteConnection>,
    names: IdCache,
    inbox: mpsc::Receiver<WriterCommand>,
}

/// What is committed together.
#[derive(Default)]
struct CommandGroup {
    creating: Vec<PendingInsert>,
    changes: Vec<Box<dyn AnyChange>>,
    items: usize,
}

impl Writer {
    pub(super) fn spawn(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
    ) -> (mpsc::Sender<WriterCommand>, tokio::task::JoinHandle<()>) {
        let (sender, inbox) = mpsc::channel(INBOX_MAX);
        let writer = Self { options, connection: Some(connection), names: IdCache::default(), inbox };
        (sender, tokio::spawn(writer.run()))
    }

    async fn run(mut self) {
        while let Some(first) = self.inbox.recv().await {
            let mut group = CommandGroup::default();
            group.push(first);
            while group.items < GROUP_ITEMS_MAX && group.len() < INBOX_MAX {
                let Ok(next) = self.inbox.try_recv() else { break };
                group.push(next);
            }
            self.commit(group).await;
        }
    }

    async fn commit(&mut self, mut group: CommandGroup) {
        let error = match self.apply_group(&mut group).await {
            Ok(creations) => return group.confirm(creations),
            Err(error) => error,
        };
        self.reset_connection().await;
        // One command cannot be to blame for a full disk, nor another one than the only one.
        if matches!(error, StoreError::DiskFull(_)) || group.len() == 1 {
            tracing::warn!(error = ?error, commands = group.len(), "a group of changes was not committed");
            return group.fail(&error);
        }
        tracing::warn!(error = ?error, commands = group.len(), "a group of changes failed; replaying one by one");
        let mut replay = GroupReplay::new(group);
        match self.replay_singly(&mut replay).await {
            Ok(()) => replay.confirm(),
            Err(error) => {
                self.reset_connection().await;
                tracing::warn!(error = ?error, "the replay was not committed");
                replay.fail(&error);
            }
        }
    }

    /// The whole group in one transaction, new jobs set-wise.
    async fn apply_group(&mut self, group: &mut CommandGroup) -> Result<Vec<Creation>, StoreError> {
        let (db, names) = self.ready().await?;
        if group.changes.is_empty() && create::are_small_and_known(&group.creating, names) {
            return create::create_jobs(&group.creating, names, TransactionScope::SelfContained, db).await;
        }
        sqlx::query("begin immediate").execute(&mut *db).await?;
        let creations = group.apply(names, db).await?;
        sqlx::query("commit").execute(db).await?;
        Ok(creations)
    }

    /// Each command under a savepoint of its own, so that only the one to blame fails; one transaction, and one sync, for
    /// all that are left. An error means that nothing was stored: SQLite gave up the transaction.
    async fn replay_singly(&mut self, replay: &mut GroupReplay) -> Result<(), StoreError> {
        let (db, names) = self.ready().await?;
        sqlx::query("begin immediate").execute(&mut *db).await?;
        while let Some(single) = replay.groups.front_mut() {
            sqlx::query("savepoint command").execute(&mut *db).await?;
            let applied = single.apply(names, db).await;
            if applied.is_err() {
                // What the command named is gone with it, and what is still there is found again.
                *names = IdCache::default();
                if sqlx::query("rollback to command").execute(&mut *db).await.is_err() {
                    return applied.map(|_| ());
                }
            }
            sqlx::query("release command").execute(&mut *db).await?;
            replay.next(applied);
        }
        sqlx::query("commit").execute(db).await?;
        Ok(())
    }

    async fn ready(&mut self) -> Result<(&mut SqliteConnection, &mut IdCache), StoreError> {
        if self.connection.is_none() {
            self.connection = Some(open::connect_writer(&self.options).await?);
        }
        match &mut self.connection {
            Some(connection) => Ok((connection, &mut self.names)),
            None => Err(StoreError::Closed),
        }
    }

    /// After a fault neither the connection nor what we remember of uncommitted rows can be trusted: a full disk at
    /// commit leaves sqlx believing in a transaction that SQLite has already rolled back.
    async fn reset_connection(&mut self) {
        self.names = IdCache::default();
        if let Some(connection) = self.connection.take() {
            open::discard(connection).await;
        }
    }
}

/// A failed group, command by command: what was applied and waits for the commit, and what is left to do.
struct GroupReplay {
    applied: Vec<(CommandGroup, Vec<Creation>)>,
    groups: VecDeque<CommandGroup>,
}

impl GroupReplay {
    fn new(group: CommandGroup) -> Self {
        Self { applied: Vec::new(), groups: group.singles() }
    }

    /// The first of those that are left was applied, or fails alone.
    fn next(&mut self, applied: Result<Vec<Creation>, StoreError>) {
        let Some(single) = self.groups.pop_front() else { return };
        match applied {
            Ok(creations) => self.applied.push((single, creations)),
            Err(error) => {
                tracing::warn!(error = ?error, "a change was not made");
                single.fail(&error);
            }
        }
    }

    fn confirm(self) {
        for (single, creations) in self.applied {
            single.confirm(creations);
        }
    }

    fn fail(self, error: &StoreError) {
        for single in self.applied.into_iter().map(|(single, _)| single).chain(self.groups) {
            single.fail(error);
        }
    }
}

impl CommandGroup {
    async fn apply(&mut self, names: &mut IdCache, db: &mut SqliteConnection) -> Result<Vec<Creation>, StoreError> {
        let creations = create::create_jobs(&self.creating, names, TransactionScope::Existing, db).await?;
        if self.changes.iter().any(|change| change.may_insert_events()) {
            names.expect_events(db).await?;
        }
        for change in &mut self.changes {
            change.apply(db).await?;
        }
        Ok(creations)
    }

    fn push(&mut self, order: WriterCommand) {
        match order {
            WriterCommand::Create(creating) => {
                self.items += creating.job.parts.iter().map(|part| part.targets.len()).sum::<usize>();
                self.creating.push(*creating);
            }
            WriterCommand::Change(change) => self.changes.push(change),
        }
    }

    fn len(&self) -> usize {
        self.creating.len() + self.changes.len()
    }

    fn singles(self) -> VecDeque<Self> {
        let creating = self.creating.into_iter().map(|one| Self { creating: vec![one], ..Self::default() });
        let changes = self.changes.into_iter().map(|one| Self { changes: vec![one], ..Self::default() });
        creating.chain(changes).collect()
    }

    fn confirm(self, creations: Vec<Creation>) {
        for (creating, creation) in self.creating.into_iter().zip(creations) {
            // Whoever asked may have gone away; the job is kept all the same.
            let _ = creating.reply.send(Ok(creation));
        }
        self.changes.into_iter().for_each(AnyChange::reply_success);
    }

    fn fail(self, error: &StoreError) {
        let again = || match error {
            StoreError::DiskFull(source) => StoreError::DiskFull(source.to_string().into()),
            StoreError::Database(source) => StoreError::Database(source.to_string().into()),
            StoreError::Damaged(what) => StoreError::Damaged(what.clone()),
            StoreError::Closed => StoreError::Closed,
        };
        for creating in self.creating {
            let _ = creating.reply.send(Err(again()));
        }
        for change in self.changes {
            change.reply_failure(again());
        }
    }
}

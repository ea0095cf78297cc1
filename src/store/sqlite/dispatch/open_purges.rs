//! The open purges that prefetches wait for (law 6).

use std::collections::{BTreeSet, HashMap};

use sqlx::{Row, SqliteExecutor};

use crate::domain::{Target, TargetKind, Timestamp};
use crate::store::StoreError;
use crate::store::sqlite::codec::{columns, target_key};

/// Directories above a target that are looked for, from the site's root down: a path of two thousand slashes is valid, and
/// nobody's site.
const LEVELS_MAX: usize = 128;

/// Of each target that has open purges, the item of the first.
#[derive(Default)]
pub(crate) struct OpenPurges(HashMap<(TargetKind, String), i64>);

impl OpenPurges {
    /// Adds those of these targets and of the directories above them.
    pub(crate) async fn load(
        &mut self,
        targets: impl Iterator<Item = &Target>,
        db: impl SqliteExecutor<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let texts: BTreeSet<&str> =
            targets.map(Target::as_str).flat_map(|text| directories_above(text).chain([text])).collect();
        let keys: BTreeSet<i64> = texts.into_iter().map(target_key::of).collect();
        let rows = sqlx::query(sql!("open_purges.sql"))
            .bind(columns::json(&keys)?)
            .bind(now.as_millis())
            .fetch_all(db)
            .await?;
        for row in rows {
            self.0.insert((columns::word(&row, "kind")?, row.try_get("target")?), row.try_get("first")?);
        }
        Ok(())
    }

    /// The first open purge that covers the target and was asked for before `item`. Its target has been loaded.
    pub(crate) fn before(&self, item: i64, target: &Target) -> Option<i64> {
        if self.0.is_empty() {
            return None;
        }
        let text = target.as_str();
        let above = directories_above(text).map(|above| (TargetKind::Directory, above));
        let purges = above.chain([(TargetKind::Url, text)]);
        purges
            .filter_map(|(kind, text)| self.0.get(&(kind, text.to_owned())).copied())
            .filter(|first| *first < item)
            .min()
    }
}

fn directories_above(text: &str) -> impl Iterator<Item = &str> {
    target_key::above(text).take(LEVELS_MAX)
}

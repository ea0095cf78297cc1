//! What a job asks for, and the lane of an item: what one provider call may carry together.

use std::fmt;

use super::string_enum::words;
use super::{AccountName, TargetKind};

words!(
    /// What a job asks for.
    Operation { Purge = "purge", Prefetch = "prefetch", Refresh = "refresh" }
);

words!(
    /// What one item asks of the provider. A `refresh` is one of each, in this order.
    ItemOperation { Purge = "purge", Prefetch = "prefetch" }
);

words!(
    /// How a directory purge treats what is cached below it.
    Mode {
        /// Everything is dropped.
        Delete = "delete",
        /// Everything is revalidated by Last-Modified, which can leave changed content stale.
        Invalidate = "invalidate",
    }
);

words!(
    /// Where. `Own` means the domain's own area, and is what a job that names none gets.
    Area { Own = "own", Mainland = "mainland", Overseas = "overseas", Global = "global" }
);

words!(
    /// Which items are sent first, in the order of the variants.
    Priority { Urgent = "urgent", Normal = "normal", Bulk = "bulk" }
);

/// What one call may carry together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    pub account: AccountName,
    pub operation: ItemOperation,
    pub kind: TargetKind,
    pub area: Area,
    /// Set for directories, and only for them.
    pub mode: Option<Mode>,
}

impl Lane {
    /// The lane of the directories that URLs of this lane can coalesce into (law 5).
    #[must_use]
    pub fn covering_directory_lane(&self) -> Option<Self> {
        let is_url_purge = (self.operation, self.kind) == (ItemOperation::Purge, TargetKind::Url);
        is_url_purge.then(|| Self { kind: TargetKind::Directory, mode: Some(Mode::Delete), ..self.clone() })
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.account, self.operation, self.kind, self.area)?;
        match self.mode {
            Some(mode) => write!(f, "/{mode}"),
            None => Ok(()),
        }
    }
}

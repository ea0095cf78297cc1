//! What can be looked at, one thing at a time, by whoever explains. Each look ends within its time and says how far it got.

use std::time::Duration;

use async_trait::async_trait;

use super::{Ask, NameLook, Sighting};

#[async_trait]
pub trait Eyes: Send + Sync {
    /// One GET, stage by stage.
    async fn look(&self, ask: &Ask, within: Duration) -> Sighting;

    /// What DNS says of a host.
    async fn resolve(&self, host: &str, within: Duration) -> NameLook;
}

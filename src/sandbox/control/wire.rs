//! What the control endpoint reads beside the module's own wire forms.

use serde::Deserialize;

use crate::sandbox::account::quota::PoolChange;
use crate::sandbox::api::task::TaskKind;
use crate::sandbox::domain_config::domain::Area;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallsAfter {
    #[serde(default)]
    pub(super) after: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContentKey {
    pub(super) host: String,
    pub(super) path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct DomainKey {
    pub(super) domain: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoolChangeBody {
    kind: String,
    #[serde(default)]
    area: Option<String>,
    #[serde(default)]
    total: Option<u64>,
    #[serde(default)]
    batch: Option<u64>,
    #[serde(default)]
    spend: u64,
}

impl PoolChangeBody {
    pub(super) fn change(&self) -> Result<PoolChange, String> {
        let kind = TaskKind::parse(&self.kind).ok_or("`kind` is urls, directories or prefetches")?;
        let area = Area::parse(self.area.as_deref().unwrap_or("global"));
        let area = area.ok_or("`area` is mainland, overseas or global")?;
        Ok(PoolChange { kind, area, total: self.total, batch: self.batch, spend: self.spend })
    }
}

//! How a job's warnings are written: a list of [code, detail, pointer].

use super::columns::json;
use crate::domain::Warning;
use crate::store::StoreError;

pub(crate) fn written(warnings: &[Warning]) -> Result<String, StoreError> {
    let rows = warnings.iter().map(|warning| (&warning.code, &warning.detail, &warning.pointer));
    json(&rows.collect::<Vec<_>>())
}

pub(crate) fn read(text: &str) -> Result<Vec<Warning>, StoreError> {
    let rows: Vec<(String, String, String)> =
        serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("warnings: {error}")))?;
    Ok(rows.into_iter().map(|(code, detail, pointer)| Warning { code, detail, pointer }).collect())
}

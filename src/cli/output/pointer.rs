//! Names a place in a job body by what was written there, instead of by the JSON Pointer that the daemon sends.

use serde_json::Value;

use crate::api::wire::JobBody;

/// A target as it is written in `body`; anything else as its name and value.
pub(crate) fn describe_pointer(pointer: &str, body: &JobBody) -> String {
    let element = |name: &str, targets: &[String]| {
        let index: usize = pointer.strip_prefix(name)?.parse().ok()?;
        targets.get(index).cloned()
    };
    if let Some(target) = element("/urls/", &body.urls).or_else(|| element("/directories/", &body.directories)) {
        return target;
    }
    // Without the targets: there may be many, and the pointer is to none of them.
    let rest = JobBody { urls: Vec::new(), directories: Vec::new(), ..body.clone() };
    let value = serde_json::to_value(rest).unwrap_or_default();
    let name = pointer.trim_start_matches('/');
    match value.pointer(pointer) {
        Some(Value::String(text)) => format!("{name} {text:?}"),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => format!("{name} {value}"),
        _ => name.to_owned(),
    }
}

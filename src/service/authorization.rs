//! Whether a caller may have a job done: every target, against the scopes of the token.

use super::ServiceError;
use super::caller::Caller;
use super::parse_job::{InputError, JobInput};
use crate::domain::{JobRequest, Operation, Target, TargetKind};

/// # Errors
/// The scopes that are missing, and each place of the body that takes one of them.
pub(super) fn allow(caller: &Caller, request: &JobRequest, input: &JobInput) -> Result<(), ServiceError> {
    let mut targets = request.urls.iter().chain(&request.directories);
    if targets.all(|target| caller.scopes.lacking(request.operation, target).is_empty()) {
        return Ok(());
    }
    Err(refusal(caller, request.operation, input))
}

/// Goes through the body again: distinct targets know no more where they were written.
fn refusal(caller: &Caller, operation: Operation, input: &JobInput) -> ServiceError {
    let (mut scopes, mut faults) = (Vec::new(), Vec::new());
    for (field, kind, raws) in
        [("urls", TargetKind::Url, &input.urls), ("directories", TargetKind::Directory, &input.directories)]
    {
        for (index, raw) in raws.iter().enumerate() {
            let Ok(target) = Target::parse(kind, raw) else { continue };
            for scope in caller.scopes.lacking(operation, &target) {
                let detail = format!("this takes the scope {scope} for {}", target.host());
                faults.push(InputError { pointer: format!("/{field}/{index}"), code: "scope_missing", detail });
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
    }
    ServiceError::ScopeMissing { scopes, faults }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ScopeWord;

    #[test]
    fn every_target_without_a_scope_is_named_at_its_place() {
        let caller = Caller { scopes: "purge:url@a.example prefetch".parse().expect("scopes"), ..Caller::local() };
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let input = JobInput {
            urls: texts(&["https://a.example/1", "https://b.example/2", "https://B.example/2"]),
            directories: texts(&["https://a.example/img/", "https://a.example/"]),
            ..JobInput::default()
        };
        let ServiceError::ScopeMissing { scopes, faults } = refusal(&caller, Operation::Refresh, &input) else {
            panic!("another refusal")
        };
        assert_eq!(scopes, [ScopeWord::PurgeUrl, ScopeWord::PurgeDirectory, ScopeWord::PurgeSite]);
        let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/urls/1", "/urls/2", "/directories/0", "/directories/1"]);
        assert_eq!(faults[0].detail, "this takes the scope purge:url for b.example");
    }
}

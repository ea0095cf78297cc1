//! The facts reader: what the provider knows of each account's domains, read at the start, every ten minutes, and soon after
//! it refused a host. Kept in memory: facts of before a restart would be guesses.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::driver::{EngineService, Step, catch_panic_read};
use super::{Accounts, EngineDeps};
use crate::domain::{AccountName, Timestamp};
use crate::provider::{DomainDetail, DomainFacts, DomainQuery, ReadError};
use crate::store::StoreError;

/// Domains change by hand, seldom.
const AGE_MAX: Duration = Duration::from_secs(600);
/// Nobody is asked more often than this, whatever was refused.
const INTERVAL_MIN: Duration = Duration::from_secs(60);
pub(super) struct DomainReader {
    accounts: Accounts,
    last_reads: HashMap<AccountName, LastDomainRead>,
    open: HashSet<AccountName>,
}

struct LastDomainRead {
    at: Timestamp,
    /// With what code it failed, if it did.
    failed: Option<String>,
}

impl DomainReader {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self { accounts: deps.accounts.clone(), last_reads: HashMap::new(), open: HashSet::new() }
    }

    fn due_at(&self, account: &Account, now: Timestamp) -> Timestamp {
        match self.last_reads.get(&account.name) {
            None => now,
            Some(LastDomainRead { at, failed })
                if failed.is_some() || account.domains.doubted.load(Ordering::Relaxed) =>
            {
                *at + INTERVAL_MIN
            }
            Some(LastDomainRead { at, .. }) => *at + AGE_MAX,
        }
    }
}

#[async_trait]
impl EngineService for DomainReader {
    type Call = Arc<Account>;
    type Answer = (Arc<Account>, Result<Vec<DomainFacts>, ReadError>);

    const NAME: &'static str = "facts reader";

    async fn step(&mut self, now: Timestamp) -> Result<Step<Arc<Account>>, StoreError> {
        let mut calls = Vec::new();
        let mut next_at: Option<Timestamp> = None;
        for account in self.accounts.values().filter(|account| !self.open.contains(&account.name)) {
            let due_at = self.due_at(account, now);
            if due_at <= now {
                calls.push(account.clone());
            } else {
                next_at = Some(next_at.map_or(due_at, |at| at.min(due_at)));
            }
        }
        for account in &calls {
            account.domains.doubted.store(false, Ordering::Relaxed);
            self.open.insert(account.name.clone());
            self.last_reads.entry(account.name.clone()).or_insert(LastDomainRead { at: now, failed: None }).at = now;
        }
        Ok(Step { calls, next_at })
    }

    fn perform(&self, account: Arc<Account>) -> BoxFuture<'static, Self::Answer> {
        async move {
            let read = catch_panic_read(
                Self::NAME,
                account.provider.domains(&DomainQuery::All, DomainDetail::Full, account.as_ref()),
            )
            .await;
            (account, read)
        }
        .boxed()
    }

    async fn record(&mut self, (account, read): &Self::Answer, now: Timestamp) -> Result<(), StoreError> {
        self.open.remove(&account.name);
        let last_domain_read =
            self.last_reads.entry(account.name.clone()).or_insert(LastDomainRead { at: now, failed: None });
        match read {
            Ok(domains) => {
                last_domain_read.failed = None;
                account.domains.fail(None);
                let moved = account.domains.replace(domains, now);
                tracing::debug!(account = %account.name, domains = domains.len(), "domains read");
                if !moved.is_empty() {
                    tracing::warn!(account = %account.name, domains = %moved.join(", "),
                        "domain area changed; pending items keep the old area");
                }
            }
            Err(fault) => {
                let failure = fault.failure();
                // An account whose key may not read them lacks them for good: that is told once.
                if last_domain_read.failed.as_ref() != Some(&failure.code) {
                    tracing::warn!(account = %account.name, class = %failure.class, code = %failure.code,
                        message = %failure.message, "the domains could not be read; jobs without an area ask for all areas");
                }
                last_domain_read.failed = Some(failure.code.clone());
                account.domains.fail(Some(failure.clone()));
            }
        }
        Ok(())
    }
}

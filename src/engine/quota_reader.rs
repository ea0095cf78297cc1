//! The quota reader: asks the provider what is left of each day quota, at the start, when a lane needs it, and before the
//! last reading is too old.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::driver::{EngineService, Step, catch_panic_read};
use super::{Accounts, EngineDeps};
use crate::domain::{AccountName, ErrorClass, Failure, ItemOperation, PoolReading, Timestamp};
use crate::notify::Notifiers;
use crate::provider::ReadError;
use crate::store::StoreError;

/// No quota is read more often than this, however many lanes need it.
const INTERVAL_MIN: Duration = Duration::from_secs(10);
/// A reading is renewed before it is ten minutes old, when it becomes invalid (law 3).
const AGE_MAX: Duration = Duration::from_secs(540);

pub(super) struct QuotaReader {
    accounts: Accounts,
    notifiers: Notifiers,
    last_reads: HashMap<(AccountName, ItemOperation), LastQuotaRead>,
    open: HashSet<(AccountName, ItemOperation)>,
}

#[derive(Debug, Clone, Copy)]
struct LastQuotaRead {
    at: Timestamp,
    failed: bool,
}

pub(super) struct QuotaCall {
    account: Arc<Account>,
    operation: ItemOperation,
}

impl QuotaReader {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self {
            accounts: deps.accounts.clone(),
            notifiers: deps.notifiers.clone(),
            last_reads: HashMap::new(),
            open: HashSet::new(),
        }
    }

    /// When the quota is to be read again.
    fn due_at(&self, account: &Account, operation: ItemOperation, now: Timestamp) -> Timestamp {
        match self.last_reads.get(&(account.name.clone(), operation)) {
            None => now,
            Some(read) if read.failed || account.quota_is_wanted(operation) => read.at + INTERVAL_MIN,
            Some(read) => read.at + AGE_MAX,
        }
    }
}

#[async_trait]
impl EngineService for QuotaReader {
    type Call = QuotaCall;
    type Answer = (Arc<Account>, ItemOperation, Result<Vec<PoolReading>, ReadError>);

    const NAME: &'static str = "quota reader";

    async fn step(&mut self, now: Timestamp) -> Result<Step<QuotaCall>, StoreError> {
        let mut calls = Vec::new();
        let mut next_at: Option<Timestamp> = None;
        for account in self.accounts.values() {
            for operation in ItemOperation::ALL.iter().copied() {
                let key = (account.name.clone(), operation);
                let due_at = self.due_at(account, operation, now);
                if self.open.contains(&key) {
                    continue;
                }
                if due_at <= now {
                    account.ask_quota(operation);
                    self.last_reads.insert(key.clone(), LastQuotaRead { at: now, failed: false });
                    self.open.insert(key);
                    calls.push(QuotaCall { account: account.clone(), operation });
                } else {
                    next_at = Some(next_at.map_or(due_at, |at| at.min(due_at)));
                }
            }
        }
        Ok(Step { calls, next_at })
    }

    fn perform(&self, QuotaCall { account, operation }: QuotaCall) -> BoxFuture<'static, Self::Answer> {
        async move {
            let answer = catch_panic_read(Self::NAME, account.provider.quota(operation, account.as_ref())).await;
            (account, operation, answer)
        }
        .boxed()
    }

    async fn record(&mut self, (account, operation, answer): &Self::Answer, now: Timestamp) -> Result<(), StoreError> {
        let key = (account.name.clone(), *operation);
        self.open.remove(&key);
        match answer {
            Ok(readings) if readings.is_empty() => {
                let message = "the provider's quota answer lists no quota";
                let failure = Failure::new(ErrorClass::Internal, "no_pools", message);
                tracing::warn!(account = %account.name, operation = %operation, "{message}");
                account.quota_unreadable(*operation, &failure);
                self.last_reads.insert(key, LastQuotaRead { at: now, failed: true });
            }
            Ok(readings) => {
                tracing::debug!(account = %account.name, operation = %operation, pools = readings.len(), "quota read");
                account.read_quota(*operation, readings, now);
            }
            Err(fault) => {
                let failure = fault.failure();
                tracing::warn!(account = %account.name, operation = %operation, class = %failure.class, code = %failure.code,
                    message = %failure.message, "could not read the quota; nothing is sent until it is known");
                account.quota_unreadable(*operation, failure);
                self.last_reads.insert(key, LastQuotaRead { at: now, failed: true });
            }
        }
        self.notifiers.submitter.notify();
        Ok(())
    }
}

//! Notifications that there may be something to do. Missing one is harmless, because every service also steps at a tick; a
//! service that subscribes before it steps misses none.

use tokio::sync::watch;

/// Notifies any number of subscriptions.
#[derive(Debug, Clone)]
pub struct Notifier(watch::Sender<u64>);

/// Receives a notification since it was created or last received one.
#[derive(Debug)]
pub struct Subscription(watch::Receiver<u64>);

impl Default for Notifier {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Notifier {
    pub fn notify(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

impl Subscription {
    /// Returns at once if there was a notification since the last call.
    pub async fn notified(&mut self) {
        if self.0.changed().await.is_err() {
            // The notifier is gone, so only the tick is left.
            std::future::pending::<()>().await;
        }
    }
}

/// The notifiers, one for each service or caller that waits.
#[derive(Debug, Clone, Default)]
pub struct Notifiers {
    pub submitter: Notifier,
    pub poller: Notifier,
    pub reconciler: Notifier,
    pub verifier: Notifier,
    pub quota_reader: Notifier,
    pub domain_reader: Notifier,
    pub cleaner: Notifier,
    /// Some job changed.
    pub jobs: Notifier,
}

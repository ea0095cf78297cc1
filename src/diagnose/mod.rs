//! Why a refresh failed, or had no effect: looks at everything between the request and the edge, judges each thing by
//! itself, and ranks what explains the trouble. Looking (network) and judging (pure) are apart.

pub mod cache_key;
mod case;
mod paths;

pub use case::{AccountState, Attempt, Case, Circumstances, Hold, PoolState, Request};

//! All integration tests in one binary: one link, one place for what they share.

mod store;
mod support;
mod tidy;
mod walk;

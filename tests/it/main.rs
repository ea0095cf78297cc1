//! All integration tests in one binary: one link, one place for what they share.

mod support;
mod tidy;
mod tokens;
mod walk;

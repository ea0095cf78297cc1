//! All integration tests in one binary: one link, one place for what they share.

mod client;
mod command_line;
mod support;
mod tidy;

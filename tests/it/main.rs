//! All integration tests in one binary: one link, one place for what they share.

mod bad_input;
mod client;
mod command_line;
mod kill;
mod support;
mod tidy;
mod tokens;
mod walk;

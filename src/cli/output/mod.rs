//! What the commands write to the terminal: tables, reports, warnings and the JSON lines of `--json`.

pub(super) mod pointer;
pub(super) mod report;
pub(super) mod terminal;
pub(super) mod warnings;
pub(super) mod wire;

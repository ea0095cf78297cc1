//! Who may do what, and where the daemon may connect to.

pub(crate) mod ssrf;
pub(crate) mod tokens;

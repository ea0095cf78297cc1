//! What is concluded from the edge and the origin.

pub(crate) mod edges;
pub(crate) mod nginx;
pub(crate) mod slow_hosts;

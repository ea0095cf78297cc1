//! refreshd makes a CDN serve fresh content. The map is `ARCHITECTURE.md`; each module's head says what it knows.

pub mod clock;
pub mod domain;
pub mod sandbox;

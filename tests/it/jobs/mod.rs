//! A job from acceptance to its end.

pub(crate) mod default_area;
pub(crate) mod lifecycle;

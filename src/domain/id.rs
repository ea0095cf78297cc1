//! Ids. Rows have numbers inside the daemon; a job has an unguessable public id outside.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

macro_rules! public_id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal, $fault:ident, $message:literal) => {
        /// A text that is no id of this kind.
        #[derive(Debug, Clone, PartialEq, Eq, Error)]
        #[error($message)]
        pub struct $fault;

        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            #[must_use]
            pub const fn from_u128(value: u128) -> Self {
                Self(value)
            }

            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:032x}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = $fault;

            fn from_str(text: &str) -> Result<Self, $fault> {
                text.strip_prefix($prefix).and_then(digits).map(Self).ok_or($fault)
            }
        }
    };
}

public_id!(
    /// The public name of a job: `job_` and 32 lower-case hexadecimal digits (a version 7 UUID).
    JobId,
    "job_",
    JobIdError,
    "not a job id: expected job_ and 32 hexadecimal digits"
);
public_id!(
    /// The public name of a diagnosis: `diag_` and 32 lower-case hexadecimal digits (a version 7 UUID).
    DiagnosisId,
    "diag_",
    DiagnosisIdError,
    "not a diagnosis id: expected diag_ and 32 hexadecimal digits"
);

fn digits(text: &str) -> Option<u128> {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == 32 && text.bytes().all(lower_hex);
    if fits { u128::from_str_radix(text, 16).ok() } else { None }
}

macro_rules! row_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id!(
    /// One target of one job.
    ItemId
);
row_id!(
    /// What one call may carry together.
    LaneId
);
row_id!(
    /// Our durable record of one call.
    SubmissionId
);

macro_rules! name {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        /// Cheap to clone.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            #[must_use]
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// A configured set of cloud credentials: what the provider meters.
    AccountName
);
name!(
    /// Who a token speaks for: visibility, fairness and idempotency keys are per tenant.
    TenantName
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_reads_back_as_written_and_in_one_form_only() {
        let id = JobId::from_u128(0x0192_f3a0_0000_7000_8000_0000_0000_002a);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 36);
        for wrong in
            ["", "job_", "job_12", "JOB_0192f3a000007000800000000000002a", "job_0192F3A000007000800000000000002A"]
        {
            assert_eq!(wrong.parse::<JobId>(), Err(JobIdError), "{wrong}");
        }
    }
}

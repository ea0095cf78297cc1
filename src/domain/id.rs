//! Names of things. Inside, rows are numbered; outside, a job has an unguessable public id.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a job id: expected job_ and 32 hexadecimal digits")]
pub struct IdFault;

/// The public name of a job: `job_` and 32 lower-case hexadecimal digits (a version 7 UUID).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(u128);

impl JobId {
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self(value)
    }

    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job_{:032x}", self.0)
    }
}

impl FromStr for JobId {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        let digits = text.strip_prefix("job_").ok_or(IdFault)?;
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != 32 || !digits.bytes().all(lower_hex) {
            return Err(IdFault);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| IdFault)
    }
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
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
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
            assert_eq!(wrong.parse::<JobId>(), Err(IdFault), "{wrong}");
        }
    }
}

//! The four outcomes of a check, a run and a suite.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An outcome. The order is that of TTCN-3: the worst decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What was demanded holds, whatever the uncertainty.
    Pass,
    /// Nothing can be said: the bound lies within the uncertainty, the sample is too small, or
    /// nothing was demanded.
    Inconclusive,
    /// What was demanded does not hold.
    Fail,
    /// The run itself broke, or its record contradicts itself.
    Error,
}

impl Verdict {
    /// All of them, from best to worst.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Inconclusive, Self::Fail, Self::Error];

    /// The worst of some; none of none.
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts.into_iter().max()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Error => "error",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn adding_a_verdict_never_makes_it_better(
            verdicts in prop::collection::vec(prop::sample::select(Verdict::ALL.to_vec()), 1..20),
            one_more in prop::sample::select(Verdict::ALL.to_vec()),
        ) {
            let before = Verdict::worst(verdicts.iter().copied());
            let after = Verdict::worst(verdicts.iter().copied().chain([one_more]));
            prop_assert!(after >= before);
            prop_assert!(after >= Some(one_more));
            prop_assert!(verdicts.iter().any(|verdict| Some(*verdict) == before));
        }
    }

    #[test]
    fn pass_inconclusive_fail_error_is_the_order() {
        assert!(Verdict::ALL.is_sorted());
        assert_eq!(Verdict::worst([]), None);
        assert_eq!(
            Verdict::worst([Verdict::Fail, Verdict::Pass, Verdict::Inconclusive]),
            Some(Verdict::Fail)
        );
    }
}

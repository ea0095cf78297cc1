//! The list of causes for people (`docs/causes.md`) has all of them.

use crate::domain::CauseId;

const PAGE: &str = include_str!("../../../docs/causes.md");

#[test]
fn every_cause_has_its_section_with_all_its_parts() {
    for cause in CauseId::ALL {
        let heading = format!("\n## `{cause}`\n");
        let (_, section) = PAGE.split_once(&heading).unwrap_or_else(|| panic!("no section for {cause}"));
        let section = section.split("\n## ").next().unwrap_or_default();
        for part in ["**Symptom.**", "**Evidence.**", "**How sure.**", "**Fix.**", "**Provider's page.**"] {
            assert!(section.contains(part), "{cause} lacks {part}");
        }
    }
    assert_eq!(PAGE.matches("\n## `").count(), CauseId::ALL.len(), "no cause that is not one");
}

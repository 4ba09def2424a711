//! Conditions on the branch, the tag or the ref of a run: which value a variable has, and which
//! runs and tasks of a file are run.

use drydock_http::api::object;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatchPattern;

use crate::names::PRINTABLE;

/// A condition on what a run is for: it is true if one of these includes the run's branch, tag or
/// ref, and none excludes it. Without any of them it is always true.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub branch: Option<WhenConditions>,
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub tag: Option<WhenConditions>,
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub r#ref: Option<WhenConditions>,
}

/// Patterns, in which `*` matches any number of characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenConditions {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255), regex(pattern = PRINTABLE)))]
    pub include: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255), regex(pattern = PRINTABLE)))]
    pub exclude: Vec<String>,
}

/// The names of what a run is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefNames<'a> {
    pub branch: Option<&'a str>,
    pub tag: Option<&'a str>,
    pub r#ref: Option<&'a str>,
}

impl When {
    /// Whether the condition is true for a run of `names`.
    pub fn is_met(&self, names: RefNames<'_>) -> bool {
        let all =
            [(&self.branch, names.branch), (&self.tag, names.tag), (&self.r#ref, names.r#ref)];
        let given = all.into_iter().filter_map(|(when, of)| Some((when.as_ref()?, of)));
        let mut verdicts = given.map(|(when, of)| verdict(when, of)).peekable();
        if verdicts.peek().is_none() {
            return true;
        }
        let (mut included, mut excluded) = (false, false);
        for verdict in verdicts {
            included |= verdict == Verdict::Included;
            excluded |= verdict == Verdict::Excluded;
        }
        included && !excluded
    }
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Included,
    Excluded,
    Neither,
}

/// Whether a condition matches. Without patterns to include, it matches unless one excludes.
fn verdict(when: &WhenConditions, of: Option<&str>) -> Verdict {
    let Some(of) = of else { return Verdict::Neither };
    let any = |patterns: &[String]| patterns.iter().any(|pattern| is_like(pattern, of));
    if any(&when.exclude) {
        Verdict::Excluded
    } else if when.include.is_empty() || any(&when.include) {
        Verdict::Included
    } else {
        Verdict::Neither
    }
}

/// Whether `text` matches the pattern, in which `*` matches any number of characters and every
/// other character itself. The wildcard for one character is set to `\0`, which no git ref holds.
fn is_like(pattern: &str, text: &str) -> bool {
    WildMatchPattern::<'*', '\0'>::new(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(branch: Option<(&[&str], &[&str])>, tag: Option<(&[&str], &[&str])>) -> When {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let conditions = |(include, exclude): (&[&str], &[&str])| WhenConditions {
            include: texts(include),
            exclude: texts(exclude),
        };
        When { branch: branch.map(conditions), tag: tag.map(conditions), r#ref: None }
    }

    fn branch(name: &str) -> RefNames<'_> {
        RefNames { branch: Some(name), ..RefNames::default() }
    }

    fn tag(name: &str) -> RefNames<'_> {
        RefNames { tag: Some(name), ..RefNames::default() }
    }

    #[test]
    fn a_condition_is_true_if_something_includes_the_run_and_nothing_excludes_it() {
        let main = when(Some((&["main", "release/*"], &["release/old*"])), None);
        assert!(main.is_met(branch("main")));
        assert!(main.is_met(branch("release/1")));
        assert!(!main.is_met(branch("release/old-1")));
        assert!(!main.is_met(branch("Main")), "case counts");
        assert!(!main.is_met(tag("main")), "a tag is no branch");
        assert!(!main.is_met(RefNames::default()));
        let either = when(Some((&["main"], &[])), Some((&["v*"], &["v0*"])));
        assert!(either.is_met(branch("main")));
        assert!(either.is_met(tag("v1")));
        assert!(!either.is_met(RefNames { tag: Some("v0.1"), ..branch("main") }));
        let but = when(Some((&[], &["main"])), None);
        assert!(but.is_met(branch("other")) && !but.is_met(branch("main")));
    }

    #[test]
    fn a_condition_without_patterns_is_always_true() {
        assert!(when(None, None).is_met(branch("main")));
        assert!(when(None, None).is_met(RefNames::default()));
    }

    #[test]
    fn only_the_star_is_special_in_patterns() {
        for (pattern, text, expected) in [
            ("a_b", "a-b", false),
            ("a?b", "a-b", false),
            ("a?b", "a?b", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a.c", "abc", false),
            ("Dev", "dev", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }
}

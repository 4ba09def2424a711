//! The environment of a run: for every variable its nearest definition, the first value whose
//! `when` matches, and the value's secret, searched from the variable's group towards the root.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use drydock_api::configstore::endpoints::project::ResolveEnvironment;
use drydock_api::configstore::types::{
    EnvironmentQuery, RunEnvironment, SecretData, VariableValue, When, WhenConditions,
};
use drydock_api::names::TreeRef;
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_runtime::encryption::{Encrypted, KeyRing};
use drydock_runtime::encryptor::decrypt;
use uuid::Uuid;
use wildmatch::WildMatchPattern;
use zeroize::Zeroizing;

use super::project;
use super::secret::bound;
use crate::model;
use crate::record::{ScopedRecord, Secret, Variable};

/// The environment of a run, and its secrets that should be encrypted again.
pub struct Resolved {
    pub environment: RunEnvironment,
    pub outdated: Vec<Outdated>,
}

/// A secret that is encrypted under a key that is not the primary key any more.
pub struct Outdated {
    pub secret: Uuid,
    pub sealed: Encrypted,
    pub plain: Zeroizing<Vec<u8>>,
}

pub fn resolve(
    tx: &Tx<'_>,
    keys: &KeyRing,
    project: &TreeRef,
    run: &EnvironmentQuery,
) -> Result<Resolved, ActionError<ResolveEnvironment>> {
    let project = project::find(tx, project)?;
    let mut found = Resolved { environment: RunEnvironment::default(), outdated: Vec::new() };
    if run.fork == Some(true) && !project.pass_variables_to_forks {
        return Ok(found);
    }
    let scopes = model::tree::scopes_of_project(tx, &project)?;
    let mut opened = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for variable in model::scoped::all::<Variable>(tx, &scopes)? {
        if !seen.insert(variable.name.clone()) {
            // A nearer definition hides this one, even if it has no value for this run.
            continue;
        }
        let Some(value) = variable.values.iter().find(|value| fits(value, run)) else { continue };
        let level = model::tree::scope(&scopes, variable.scope()).map_or(0, |(level, _)| level);
        let secret = model::secret::nearest(tx, &scopes[level..], &value.secret_name)?;
        let text = match secret {
            Some(secret) => {
                open(keys, secret, &mut opened, &mut found.outdated)?.get(&value.secret_var)
            }
            None => None,
        };
        match text {
            Some(text) => {
                found.environment.variables.insert(variable.name, text.clone());
            }
            None => found.environment.unresolved.push(variable.name),
        }
    }
    found.environment.unresolved.sort_unstable();
    Ok(found)
}

/// The secret's data; each secret is decrypted once.
fn open<'a>(
    keys: &KeyRing,
    secret: Secret,
    opened: &'a mut BTreeMap<Uuid, SecretData>,
    outdated: &mut Vec<Outdated>,
) -> Result<&'a SecretData, ActionError<ResolveEnvironment>> {
    match opened.entry(secret.id) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(vacant) => {
            let plain = decrypt(keys, bound(secret.id), &secret.data)?;
            let data = serde_json::from_slice(&plain)?;
            if !keys.is_current(&secret.data) {
                outdated.push(Outdated { secret: secret.id, sealed: secret.data, plain });
            }
            Ok(vacant.insert(data))
        }
    }
}

fn fits(value: &VariableValue, run: &EnvironmentQuery) -> bool {
    let Some(When { branch, tag, r#ref }) = &value.when else { return true };
    let asked = [(branch, &run.branch), (tag, &run.tag), (r#ref, &run.r#ref)];
    let given = asked.into_iter().filter_map(|(when, of)| Some((when.as_ref()?, of.as_deref())));
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

    fn when(branch: Option<(&[&str], &[&str])>, tag: Option<(&[&str], &[&str])>) -> VariableValue {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let conditions = |(include, exclude): (&[&str], &[&str])| WhenConditions {
            include: texts(include),
            exclude: texts(exclude),
        };
        VariableValue {
            secret_name: "secret".parse().unwrap(),
            secret_var: "key".into(),
            when: Some(When {
                branch: branch.map(conditions),
                tag: tag.map(conditions),
                r#ref: None,
            }),
        }
    }

    fn on(branch: Option<&str>, tag: Option<&str>) -> EnvironmentQuery {
        EnvironmentQuery {
            branch: branch.map(str::to_owned),
            tag: tag.map(str::to_owned),
            ..EnvironmentQuery::default()
        }
    }

    #[test]
    fn a_value_is_taken_if_something_includes_the_run_and_nothing_excludes_it() {
        let main = when(Some((&["main", "release/*"], &["release/old*"])), None);
        assert!(fits(&main, &on(Some("main"), None)));
        assert!(fits(&main, &on(Some("release/1"), None)));
        assert!(!fits(&main, &on(Some("release/old-1"), None)));
        assert!(!fits(&main, &on(Some("Main"), None)), "case counts");
        assert!(!fits(&main, &on(None, Some("main"))), "a tag is no branch");
        assert!(!fits(&main, &on(None, None)));
        let either = when(Some((&["main"], &[])), Some((&["v*"], &["v0*"])));
        assert!(fits(&either, &on(Some("main"), None)));
        assert!(fits(&either, &on(None, Some("v1"))));
        assert!(!fits(&either, &on(Some("main"), Some("v0.1"))));
        let but = when(Some((&[], &["main"])), None);
        assert!(fits(&but, &on(Some("other"), None)) && !fits(&but, &on(Some("main"), None)));
    }

    #[test]
    fn without_conditions_a_value_is_always_taken() {
        assert!(fits(&when(None, None), &on(Some("main"), None)));
        let always = VariableValue { when: None, ..when(None, None) };
        assert!(fits(&always, &on(None, None)));
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

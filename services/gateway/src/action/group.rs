//! The source of a run in its repository, and the group of the runs of one source.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{CacheScopes, Group, InvalidGroup, ProjectId};
use drydock_api::when::RefNames;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Branch(String),
    Tag(String),
    Ref(String),
}

impl Source {
    /// The kind, as it is written in groups and annotations, and the name.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Source::Branch(name) => ("branch", name),
            Source::Tag(name) => ("tag", name),
            Source::Ref(name) => ("ref", name),
        }
    }

    /// The source of the run that has these annotations.
    pub fn of(annotations: &BTreeMap<String, String>) -> Option<Source> {
        let name = |kind: &str| annotations.get(kind).cloned();
        let branch = name("branch").map(Source::Branch);
        branch.or_else(|| name("tag").map(Source::Tag)).or_else(|| name("ref").map(Source::Ref))
    }

    /// What the conditions of files are compared with.
    pub fn names(&self) -> RefNames<'_> {
        let none = RefNames::default();
        match self {
            Source::Branch(name) => RefNames { branch: Some(name), ..none },
            Source::Tag(name) => RefNames { tag: Some(name), ..none },
            Source::Ref(name) => RefNames { r#ref: Some(name), ..none },
        }
    }

    /// The part of a project's cache that its runs have: what runs of the same source have written,
    /// and what those of the default branch have. They write for their own source alone, so that
    /// nothing that another branch has made gets into the default one.
    pub fn caches(&self, default_branch: &str) -> CacheScopes {
        let scope = |(kind, name): (&str, &str)| format!("{kind}/{name}");
        let own = scope(self.parts());
        let mut read = vec![own.clone()];
        read.extend(Some(scope(("branch", default_branch))).filter(|default| *default != own));
        CacheScopes { read, write: Some(own) }
    }

    /// The runs of one branch, tag or ref follow each other.
    ///
    /// # Errors
    /// If the name cannot be part of a path.
    pub fn group(&self, project: ProjectId) -> Result<Group, InvalidGroup> {
        let (kind, name) = self.parts();
        format!("{}/{kind}/{name}", Group::of_project(project)).parse()
    }
}

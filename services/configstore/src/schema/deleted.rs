//! The objects of subtrees and of owners in the order in which they are deleted: children first, so
//! that every reference names an existing object at any time.

use drydock_api::names::OwnerKind;
use drydock_core::db::{DbError, Tx};
use drydock_core::read_model::ObjectRef;
use uuid::Uuid;

use super::{
    LINKED_ACCOUNTS, MEMBERS, ORGS, PROJECT_GROUPS, PROJECTS, SECRETS, TOKENS, USERS, VARIABLES,
};

/// The number of deleted subtrees, users and organizations that are not deleted completely yet.
pub fn count(tx: &Tx<'_>) -> Result<u64, DbError> {
    let sql = "SELECT (SELECT count(*) FROM project_groups WHERE deleted_at IS NOT NULL)
        + (SELECT count(*) FROM users WHERE deleted_at IS NOT NULL)
        + (SELECT count(*) FROM orgs WHERE deleted_at IS NOT NULL)";
    let count = tx.query_one(sql, [], |row| row.get::<_, i64>(0))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// Up to `limit` objects of what is deleted.
pub fn next(tx: &Tx<'_>, limit: usize) -> Result<Vec<ObjectRef>, DbError> {
    let mut first = First { tx, limit, found: Vec::new() };
    for root in first.roots(PROJECT_GROUPS)? {
        if !first.is_full() {
            first.group(root)?;
        }
    }
    for kind in [OwnerKind::User, OwnerKind::Org] {
        for owner in first.roots(table_of(kind))? {
            if !first.is_full() {
                first.owner(kind, &owner)?;
            }
        }
    }
    Ok(first.found)
}

/// The group and everything below it; the first `limit` objects if there are more.
pub fn below_group(tx: &Tx<'_>, group: Uuid, limit: usize) -> Result<Vec<ObjectRef>, DbError> {
    let mut first = First { tx, limit, found: Vec::new() };
    first.group(group.to_string())?;
    Ok(first.found)
}

/// The same for a project.
pub fn below_project(tx: &Tx<'_>, project: Uuid, limit: usize) -> Result<Vec<ObjectRef>, DbError> {
    let mut first = First { tx, limit, found: Vec::new() };
    first.project(project.to_string())?;
    Ok(first.found)
}

/// The same for a user or an organization and what refers to it besides its tree.
pub fn below_owner(
    tx: &Tx<'_>,
    kind: OwnerKind,
    owner: Uuid,
    limit: usize,
) -> Result<Vec<ObjectRef>, DbError> {
    let mut first = First { tx, limit, found: Vec::new() };
    first.owner(kind, &owner.to_string())?;
    Ok(first.found)
}

/// The type of the owners of this kind.
pub fn table_of(kind: OwnerKind) -> &'static str {
    match kind {
        OwnerKind::User => USERS,
        OwnerKind::Org => ORGS,
    }
}

/// The first objects in the order of their deletion. No query reads more rows than there is room
/// for: each takes its rows in the order of an index.
struct First<'a> {
    tx: &'a Tx<'a>,
    limit: usize,
    found: Vec<ObjectRef>,
}

impl First<'_> {
    fn roots(&self, kind: &str) -> Result<Vec<String>, DbError> {
        let sql = format!(
            "SELECT id FROM {kind} WHERE deleted_at IS NOT NULL ORDER BY deleted_at, id LIMIT ?1"
        );
        self.tx.query(&sql, [self.room()], |row| row.get(0))
    }

    fn owner(&mut self, kind: OwnerKind, owner: &str) -> Result<(), DbError> {
        match kind {
            OwnerKind::User => {
                self.add_all(TOKENS, TOKENS_OF, owner)?;
                self.add_all(LINKED_ACCOUNTS, ACCOUNTS_OF, owner)?;
                self.add_all(MEMBERS, MEMBERSHIPS_OF, owner)?;
            }
            OwnerKind::Org => self.add_all(MEMBERS, MEMBERS_OF, owner)?,
        }
        self.add(table_of(kind), owner);
        Ok(())
    }

    fn group(&mut self, group: String) -> Result<(), DbError> {
        // Not by recursion: nothing bounds the depth of a tree that was imported.
        let children = self.ids(CHILDREN, &group)?;
        let mut path = vec![(group, children)];
        while !self.is_full()
            && let Some((_, children)) = path.last_mut()
        {
            if let Some(child) = children.pop() {
                let children = self.ids(CHILDREN, &child)?;
                path.push((child, children));
            } else if let Some((group, _)) = path.pop() {
                for project in self.ids(PROJECTS_IN, &group)? {
                    self.project(project)?;
                }
                self.defined_in("project_group", &group)?;
                self.add(PROJECT_GROUPS, &group);
            }
        }
        Ok(())
    }

    fn project(&mut self, project: String) -> Result<(), DbError> {
        self.defined_in("project", &project)?;
        self.add(PROJECTS, &project);
        Ok(())
    }

    fn defined_in(&mut self, scope: &str, id: &str) -> Result<(), DbError> {
        for kind in [VARIABLES, SECRETS] {
            let sql = format!("SELECT id FROM {kind} WHERE {scope} = ?1 ORDER BY name LIMIT ?2");
            self.add_all(kind, &sql, id)?;
        }
        Ok(())
    }

    fn add_all(&mut self, kind: &'static str, sql: &str, parent: &str) -> Result<(), DbError> {
        for id in self.ids(sql, parent)? {
            self.add(kind, &id);
        }
        Ok(())
    }

    /// As many ids as there is room for: each stands for at least one object.
    fn ids(&self, sql: &str, parent: &str) -> Result<Vec<String>, DbError> {
        self.tx.query(sql, rusqlite::params![parent, self.room()], |row| row.get(0))
    }

    fn room(&self) -> i64 {
        i64::try_from(self.limit - self.found.len()).unwrap_or(i64::MAX)
    }

    fn add(&mut self, kind: &'static str, id: &str) {
        if !self.is_full() {
            let id = Uuid::parse_str(id).expect("the log holds objects under ids");
            self.found.push((kind, id));
        }
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }
}

const CHILDREN: &str = "SELECT id FROM project_groups WHERE parent = ?1 ORDER BY name LIMIT ?2";
const PROJECTS_IN: &str = "SELECT id FROM projects WHERE parent = ?1 ORDER BY name LIMIT ?2";
const TOKENS_OF: &str = "SELECT id FROM tokens WHERE user = ?1 ORDER BY name LIMIT ?2";
const ACCOUNTS_OF: &str =
    "SELECT id FROM linked_accounts WHERE user = ?1 ORDER BY remote_source LIMIT ?2";
const MEMBERSHIPS_OF: &str = "SELECT id FROM members WHERE user = ?1 ORDER BY org LIMIT ?2";
const MEMBERS_OF: &str = "SELECT id FROM members WHERE org = ?1 ORDER BY user LIMIT ?2";

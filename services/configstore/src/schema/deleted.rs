//! The objects of subtrees in the order in which they are deleted: children first, so that every
//! reference names an existing object at any time.

use drydock_core::db::{DbError, Tx};
use drydock_core::read_model::ObjectRef;
use uuid::Uuid;

use super::{PROJECT_GROUPS, PROJECTS, SECRETS, VARIABLES};

/// The number of deleted subtrees that are not deleted completely yet.
pub fn count(tx: &Tx<'_>) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM project_groups WHERE deleted_at IS NOT NULL";
    let count = tx.query_one(sql, [], |row| row.get::<_, i64>(0))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// Up to `limit` objects of deleted subtrees.
pub fn next(tx: &Tx<'_>, limit: usize) -> Result<Vec<ObjectRef>, DbError> {
    let sql = "SELECT id FROM project_groups WHERE deleted_at IS NOT NULL
        ORDER BY deleted_at, id LIMIT ?1";
    let mut first = First { tx, limit, found: Vec::new() };
    for root in tx.query(sql, [as_count(limit)], |row| row.get::<_, String>(0))? {
        first.group(root)?;
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

/// The first objects in the order of their deletion. No query reads more rows than there is room
/// for.
struct First<'a> {
    tx: &'a Tx<'a>,
    limit: usize,
    found: Vec<ObjectRef>,
}

impl First<'_> {
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
            let sql = format!("SELECT id FROM {kind} WHERE {scope} = ?1 ORDER BY id LIMIT ?2");
            for id in self.ids(&sql, id)? {
                self.add(kind, &id);
            }
        }
        Ok(())
    }

    /// As many ids as there is room for: each stands for at least one object.
    fn ids(&self, sql: &str, parent: &str) -> Result<Vec<String>, DbError> {
        let room = as_count(self.limit - self.found.len());
        self.tx.query(sql, rusqlite::params![parent, room], |row| row.get(0))
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

const CHILDREN: &str = "SELECT id FROM project_groups WHERE parent = ?1 ORDER BY id LIMIT ?2";
const PROJECTS_IN: &str = "SELECT id FROM projects WHERE parent = ?1 ORDER BY id LIMIT ?2";

fn as_count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

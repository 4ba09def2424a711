//! Calls on project groups, projects, secrets and variables. Groups and projects are named by their
//! paths. A secret's text holds [`MARKER`], and is in no line that anybody may read.

use std::fmt;

/// What every secret of a simulation holds, and nothing else.
pub const MARKER: &str = "5ecretOfTheSimulation";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeCall {
    CreateGroup { parent: String, name: String },
    MoveGroup { group: String, parent: String },
    DeleteGroup { group: String },
    ListGroups { group: String },
    CreateProject { parent: String, name: String },
    GetProject { project: String },
    DeleteProject { project: String },
    CreateSecret { group: String, name: String, text: Text },
    ChangeSecret { group: String, name: String, text: Text },
    CreateVariable { group: String, name: String },
    Environment { project: String },
}

/// A secret text, which shows only its number.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(pub u64);

impl Text {
    /// What is really sent.
    pub fn reveal(&self) -> String {
        format!("{MARKER}-{}", self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text {}", self.0)
    }
}

impl fmt::Display for TreeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeCall::CreateGroup { parent, name } => write!(f, "create group {parent}/{name}"),
            TreeCall::MoveGroup { group, parent } => write!(f, "move group {group} to {parent}"),
            TreeCall::DeleteGroup { group } => write!(f, "delete group {group}"),
            TreeCall::ListGroups { group } => write!(f, "list groups of {group}"),
            TreeCall::CreateProject { parent, name } => write!(f, "create project {parent}/{name}"),
            TreeCall::GetProject { project } => write!(f, "get project {project}"),
            TreeCall::DeleteProject { project } => write!(f, "delete project {project}"),
            TreeCall::CreateSecret { group, name, text } => {
                write!(f, "create secret {name} of {group}: {text:?}")
            }
            TreeCall::ChangeSecret { group, name, text } => {
                write!(f, "change secret {name} of {group}: {text:?}")
            }
            TreeCall::CreateVariable { group, name } => {
                write!(f, "create variable {name} of {group}")
            }
            TreeCall::Environment { project } => write!(f, "environment of {project}"),
        }
    }
}

//! Names of objects, and references to objects in paths.

mod name;
mod tree;

pub use name::{InvalidName, Name, Ref};
pub use tree::{InvalidTreeRef, OwnerKind, TreePath, TreeRef, path_schema};

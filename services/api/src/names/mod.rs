//! Names of objects, and references to objects in paths.

mod name;
mod tree;

pub(crate) use name::PRINTABLE;
pub use name::{InvalidName, Name, Ref};
pub use tree::{InvalidTreeRef, OwnerKind, TreePath, TreeRef, path_schema};

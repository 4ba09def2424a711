//! Names of objects, and references to objects in paths.

mod name;
mod path;
mod tree;

pub use name::{InvalidName, Name, Ref};
pub use path::path_schema;
pub use tree::{InvalidTreeRef, OwnerKind, TreePath, TreeRef};

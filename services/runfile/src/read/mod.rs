//! What nodes mean. A function here reads one kind of node; `None` says that it left an error.

mod condition;
mod environment;
mod fields;
mod graph;
mod run;
mod scalar;
mod step;
mod task;

pub use run::file;

#[cfg(test)]
pub use fields::Shape;
#[cfg(test)]
pub mod shapes {
    pub use super::condition::{CONDITIONS, WHEN};
    pub use super::environment::VARIABLE;
    pub use super::run::{FILE, RUN};
    pub use super::step::{LONG_RUN, PATHS, RESTORE_CACHE, SAVE_CACHE, STEPS};
    pub use super::task::{APPROVAL, RETRY, TASK};
}

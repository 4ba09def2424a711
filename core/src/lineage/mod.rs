//! Lineages: uninterrupted stretches of the log, and how one gives way to the next.
//!
//! A lineage begins at a store's first boot, with an import or a restore, or with a recovery. Its
//! record says where it came from. Positions go on over a change of lineage.
//!
//! | module | holds |
//! |---|---|
//! | [`record`] | what is stored about lineages |
//! | [`notes`] | which lineage objects name as the current one |
//! | [`list`] | all lineages, and up to where objects hold each |
//! | [`bootstrap`] | a store's first boot |

pub mod bootstrap;
pub mod list;
pub mod notes;
pub mod record;

pub use list::Lineage;

//! What really happened in a run, from the stores' own histories: what the oracles judge by.

pub mod export;
mod final_state;
mod object_history;
mod replay;
mod revision_log;
mod stored;
mod versions;
mod visible;

pub use final_state::{FinalState, SharedFinalState};
pub use object_history::ObjectHistory;
pub use replay::{Archived, At, Place, State, Step, Timeline, apply, entry};
pub use revision_log::{Moments, Noted, Past, RevisionLog};
pub use stored::Stored;
pub use visible::{leftovers, visible};

//! Objects of configstore: as stored, as asked for, as answered.
//!
//! What is stored is never answered where it holds more than a client may see (tokens, secrets) or
//! less than a client wants (members, what stands in a tree): those have a `…View`.

mod delegation;
mod environment;
mod filter;
mod member;
mod org;
mod project;
mod project_group;
mod remote_source;
mod secret;
mod token;
mod tree_query;
mod user;
mod variable;
mod visibility;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

pub use delegation::{Behalf, ON_BEHALF_OF, Owned, Relation, Right, Verdict};
pub use environment::{EnvironmentQuery, RunEnvironment};
pub use filter::{ChildrenQuery, OrgsQuery};
pub use member::{Member, MemberRole, MemberView, Role, UserName, UserOrg};
pub use org::{NewOrg, Org, OrgChange};
pub use project::{NewProject, Project, ProjectChange, ProjectView};
pub use project_group::{
    NewProjectGroup, Owner, ProjectGroup, ProjectGroupChange, ProjectGroupView,
};
pub use remote_source::{
    AuthKind, NewRemoteSource, RemoteSource, RemoteSourceChange, RemoteSourceKind,
};
pub use secret::{NewSecret, Scope, ScopeKind, Secret, SecretChange, SecretView};
pub use token::{
    LinkedAccount, LinkedAccountView, NewLinkedAccount, NewToken, NewTokenView, ResolveToken,
    ResolvedToken, Token, TokenView,
};
pub use tree_query::TreeQuery;
pub use user::{NewUser, User, UserChange};
pub use variable::{
    NewVariable, Variable, VariableChange, VariableValue, VariableView, When, WhenConditions,
};

pub use visibility::Visibility;

use crate::http::server::reply;

/// What every stored object has.
pub trait Stored: Serialize {
    fn revision(&self) -> u64;

    /// Notes one more change.
    fn touch(&mut self, now: Timestamp);

    /// Of what clients can change and see.
    fn etag(&self) -> String
    where
        Self: Sized,
    {
        reply::etag(self.revision(), self)
    }
}

macro_rules! stored {
    ($($type:ty)*) => {
        $(impl Stored for $type {
            fn revision(&self) -> u64 {
                self.revision
            }

            fn touch(&mut self, now: Timestamp) {
                self.revision += 1;
                self.updated_at = now;
            }
        })*
    };
}

stored!(User LinkedAccount Org Member ProjectGroup Project Variable RemoteSource);

/// The regular expression of a text without control characters.
const PRINTABLE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// Tells `null` (some change to nothing) from a field that is left out (no change).
fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

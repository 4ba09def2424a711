//! Objects of configstore, as requests and answers hold them.
//!
//! A type `…View` differs from the stored record, which holds more than a client may see (tokens,
//! secrets) or less than a client needs (names of members, paths in the tree).

mod delegation;
mod environment;
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

use serde::{Deserialize, Deserializer};

pub use delegation::{Delegation, ON_BEHALF_OF, Owned, Right};
pub use environment::{EnvironmentQuery, RunEnvironment};
pub use member::{MemberRole, MemberView, Role, UserName, UserOrg};
pub use org::{NewOrg, Org, OrgChange};
pub use project::{NewProject, ProjectChange, ProjectView};
pub use project_group::{NewProjectGroup, Owner, ProjectGroupChange, ProjectGroupView};
pub use remote_source::{
    AuthKind, NewRemoteSource, RemoteSource, RemoteSourceChange, RemoteSourceKind,
};
pub use secret::{NewSecret, Scope, ScopeKind, SecretChange, SecretData, SecretView};
pub use token::{
    LinkedAccountView, NewLinkedAccount, NewToken, NewTokenView, ResolveToken, ResolvedToken,
    TokenDigest, TokenView,
};
pub use tree_query::TreeQuery;
pub use user::{NewUser, User, UserChange};
pub use variable::{NewVariable, VariableChange, VariableValue, VariableView};
pub use visibility::Visibility;

use crate::names::PRINTABLE;
pub use crate::when::{When, WhenConditions};

/// Distinguishes `null` (the value is removed) from a field that is left out (no change).
fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

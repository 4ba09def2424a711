//! Secrets and variables: objects that are defined in a scope, which is a project or a project
//! group. The operations are the same for both kinds of objects below both kinds of scopes.

use drydock_core::error::Failure;
use drydock_http::api::page::InvalidPage;
use drydock_http::api::precondition::RevisionMismatch;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::refusals::{
    InvalidField, NotRepeatable, ProjectGroupNotExist, ProjectNotExist, SecretAlreadyExists,
    SecretNotExist, VariableAlreadyExists, VariableNotExist,
};
use super::types::{
    NewSecret, NewVariable, SecretChange, SecretData, SecretView, VariableChange, VariableValue,
    VariableView,
};
use super::validate;
use crate::names::{InvalidName, Name, Ref, TreeRef};

/// A body of a request or an answer.
pub trait Body: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Body for T {}

/// A kind of object that is defined in a scope.
pub trait ScopedKind: Send + Sync + 'static {
    type New: Body;
    type Change: Body;
    type View: Body;
    /// The fields besides the name.
    type Content: Clone + Send + Sync + 'static;
    type NotExist: Failure;
    type AlreadyExists: Failure;

    /// The last segment of the lists' paths.
    const LIST: &'static str;

    fn new_parts(new: &Self::New) -> (&str, &Self::Content);

    fn change_parts(change: &Self::Change) -> (Option<&str>, Option<&Self::Content>);

    fn validate(content: &Self::Content) -> Result<(), InvalidField>;

    fn not_exist(object: &Ref) -> Self::NotExist;

    fn already_exists(name: &Name) -> Self::AlreadyExists;
}

/// The scope of secrets and variables, as a path refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeRef {
    Project(TreeRef),
    ProjectGroup(TreeRef),
}

/// A kind of scope, as paths lead to it.
pub trait ScopePath: Send + Sync + 'static {
    type NotExist: Failure;

    /// The segment of the scopes' own list.
    const LIST: &'static str;

    fn reference(scope: &TreeRef) -> ScopeRef;

    fn not_exist(scope: &TreeRef) -> Self::NotExist;
}

/// The operations on one kind of objects below one kind of scope: what each can refuse.
pub trait Scoped: Send + Sync + 'static {
    type Kind: ScopedKind;
    type Scope: ScopePath;

    type List: Failure + From<InvalidPage> + From<NoScope<Self>>;
    type Create: Failure
        + From<InvalidName>
        + From<InvalidField>
        + From<NotRepeatable>
        + From<NoScope<Self>>
        + From<AlreadyExists<Self>>;
    type Get: Failure + From<NoScope<Self>> + From<NotExist<Self>>;
    type Update: Failure
        + From<InvalidName>
        + From<InvalidField>
        + From<RevisionMismatch>
        + From<NoScope<Self>>
        + From<NotExist<Self>>
        + From<AlreadyExists<Self>>;
    type Delete: Failure + From<RevisionMismatch> + From<NoScope<Self>> + From<NotExist<Self>>;
}

/// The refusal for a scope that does not exist.
pub type NoScope<S> = <<S as Scoped>::Scope as ScopePath>::NotExist;
pub type NotExist<S> = <<S as Scoped>::Kind as ScopedKind>::NotExist;
pub type AlreadyExists<S> = <<S as Scoped>::Kind as ScopedKind>::AlreadyExists;

/// Makes a type for a kind of object.
macro_rules! kinds {
    ($(
        $name:ident $list:literal: $new:ty, $change:ty, $view:ty, $field:ident: $content:ty,
        $not_exist:ident, $already_exists:ident, $validate:expr;
    )*) => {$(
        pub struct $name;

        impl ScopedKind for $name {
            type New = $new;
            type Change = $change;
            type View = $view;
            type Content = $content;
            type NotExist = $not_exist;
            type AlreadyExists = $already_exists;

            const LIST: &'static str = $list;

            fn new_parts(new: &$new) -> (&str, &$content) {
                (&new.name, &new.$field)
            }

            fn change_parts(change: &$change) -> (Option<&str>, Option<&$content>) {
                (change.name.as_deref(), change.$field.as_ref())
            }

            fn validate(content: &$content) -> Result<(), InvalidField> {
                $validate(content)
            }

            fn not_exist(object: &Ref) -> $not_exist {
                $not_exist(object.clone())
            }

            fn already_exists(name: &Name) -> $already_exists {
                $already_exists(name.clone())
            }
        }
    )*};
}

kinds! {
    SecretKind "secrets": NewSecret, SecretChange, SecretView, data: SecretData,
        SecretNotExist, SecretAlreadyExists,
        |data: &SecretData| validate::keys("data", data.keys());
    VariableKind "variables": NewVariable, VariableChange, VariableView, values: Vec<VariableValue>,
        VariableNotExist, VariableAlreadyExists,
        |values: &[_]| validate::values(values);
}

/// Makes a type for a kind of scope.
macro_rules! scopes {
    ($($name:ident $list:literal $not_exist:ident;)*) => {$(
        pub struct $name;

        impl ScopePath for $name {
            type NotExist = $not_exist;

            const LIST: &'static str = $list;

            fn reference(scope: &TreeRef) -> ScopeRef {
                ScopeRef::$name(scope.clone())
            }

            fn not_exist(scope: &TreeRef) -> $not_exist {
                $not_exist(scope.clone())
            }
        }
    )*};
}

scopes! {
    Project "projects" ProjectNotExist;
    ProjectGroup "project_groups" ProjectGroupNotExist;
}

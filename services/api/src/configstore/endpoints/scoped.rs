//! Operations on secrets and variables, the same below projects and project groups.

use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::page::InvalidPage;
use drydock_http::api::precondition::RevisionMismatch;

use crate::configstore::refusals::{
    InvalidField, NotRepeatable, ProjectGroupNotExist, ProjectNotExist, SecretAlreadyExists,
    SecretNotExist, VariableAlreadyExists, VariableNotExist,
};
use crate::configstore::scoped::{
    Project, ProjectGroup, Scoped, ScopedKind, SecretKind, VariableKind,
};
use crate::configstore::types::TreeQuery;
use crate::endpoints::endpoints;
use crate::names::InvalidName;

/// Makes the operations on one kind of objects below one kind of scope.
macro_rules! scoped {
    ($(
        $module:ident $name:ident: $scope:ty, $kind:ty, $list:literal, $one:literal,
        $scope_not_exist:ident, $not_exist:ident, $already_exists:ident,
        $noun:literal, $lists:literal, $shows:literal;
    )*) => {$(
        pub mod $module {
            use super::*;

            pub struct $name;

            impl Scoped for $name {
                type Kind = $kind;
                type Scope = $scope;
                type List = List;
                type Create = Create;
                type Get = Get;
                type Update = Update;
                type Delete = Delete;
            }

            type View = <$kind as ScopedKind>::View;

            endpoints! {
                list: List { InvalidPage, $scope_not_exist } =
                    Endpoint::get($list)
                        .about($lists)
                        .lists::<View>()
                        .query::<TreeQuery>();
                create: Create {
                    InvalidField, InvalidName, NotRepeatable, $scope_not_exist, $already_exists,
                } =
                    Endpoint::post($list)
                        .about(concat!("creates a ", $noun))
                        .creates::<<$kind as ScopedKind>::New, View>();
                get: Get { $scope_not_exist, $not_exist } =
                    Endpoint::get(concat!($list, $one))
                        .about($shows)
                        .shows::<View>();
                update: Update {
                    InvalidField, InvalidName, RevisionMismatch, $scope_not_exist, $not_exist,
                    $already_exists,
                } =
                    Endpoint::put(concat!($list, $one))
                        .about(concat!("changes a ", $noun))
                        .changes::<<$kind as ScopedKind>::Change, View>();
                delete: Delete { RevisionMismatch, $scope_not_exist, $not_exist } =
                    Endpoint::delete(concat!($list, $one))
                        .about(concat!("deletes a ", $noun))
                        .deletes();
            }
        }
    )*};
}

scoped! {
    project_secret ProjectSecret: Project, SecretKind,
        "/api/v1/projects/{project}/secrets", "/{secret}",
        ProjectNotExist, SecretNotExist, SecretAlreadyExists,
        "secret", "lists secrets, without their data", "shows a secret, without its data";
    project_variable ProjectVariable: Project, VariableKind,
        "/api/v1/projects/{project}/variables", "/{variable}",
        ProjectNotExist, VariableNotExist, VariableAlreadyExists,
        "variable", "lists variables", "shows a variable";
    group_secret GroupSecret: ProjectGroup, SecretKind,
        "/api/v1/project_groups/{group}/secrets", "/{secret}",
        ProjectGroupNotExist, SecretNotExist, SecretAlreadyExists,
        "secret", "lists secrets, without their data", "shows a secret, without its data";
    group_variable GroupVariable: ProjectGroup, VariableKind,
        "/api/v1/project_groups/{group}/variables", "/{variable}",
        ProjectGroupNotExist, VariableNotExist, VariableAlreadyExists,
        "variable", "lists variables", "shows a variable";
}

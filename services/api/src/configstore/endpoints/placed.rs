//! Secrets and variables, which are below projects and project groups alike.

use drydock_core::error::Code;
use drydock_http::api::endpoint::Endpoint;

use crate::configstore::types::{
    NewSecret, NewVariable, SecretChange, SecretView, TreeQuery, VariableChange, VariableView,
};
use crate::endpoints::endpoints;

/// The operations on secrets and variables below one kind of place.
macro_rules! placed {
    ($secret:ident, $variable:ident, $place:literal, $missing:expr) => {
        pub mod $secret {
            use super::*;

            endpoints! {
                list = Endpoint::get(concat!($place, "/secrets"))
                    .about("lists secrets, without their data")
                    .lists::<SecretView>()
                    .query::<TreeQuery>()
                    .refuses(&[$missing]);
                create = Endpoint::post(concat!($place, "/secrets"))
                    .about("creates a secret")
                    .creates::<NewSecret, SecretView>()
                    .refuses(&[Code::InvalidName, Code::SecretAlreadyExists])
                    .refuses(&[$missing]);
                get = Endpoint::get(concat!($place, "/secrets/{secret}"))
                    .about("shows a secret, without its data")
                    .shows::<SecretView>()
                    .refuses(&[Code::SecretNotExist])
                    .refuses(&[$missing]);
                update = Endpoint::put(concat!($place, "/secrets/{secret}"))
                    .about("changes a secret")
                    .changes::<SecretChange, SecretView>()
                    .refuses(&[Code::InvalidName, Code::SecretAlreadyExists, Code::SecretNotExist])
                    .refuses(&[$missing]);
                delete = Endpoint::delete(concat!($place, "/secrets/{secret}"))
                    .about("deletes a secret")
                    .deletes()
                    .refuses(&[Code::SecretNotExist])
                    .refuses(&[$missing]);
            }
        }

        pub mod $variable {
            use super::*;

            endpoints! {
                list = Endpoint::get(concat!($place, "/variables"))
                    .about("lists variables")
                    .lists::<VariableView>()
                    .query::<TreeQuery>()
                    .refuses(&[$missing]);
                create = Endpoint::post(concat!($place, "/variables"))
                    .about("creates a variable")
                    .creates::<NewVariable, VariableView>()
                    .refuses(&[Code::InvalidName, Code::VariableAlreadyExists])
                    .refuses(&[$missing]);
                get = Endpoint::get(concat!($place, "/variables/{variable}"))
                    .about("shows a variable")
                    .shows::<VariableView>()
                    .refuses(&[Code::VariableNotExist])
                    .refuses(&[$missing]);
                update = Endpoint::put(concat!($place, "/variables/{variable}"))
                    .about("changes a variable")
                    .changes::<VariableChange, VariableView>()
                    .refuses(&[
                        Code::InvalidName,
                        Code::VariableAlreadyExists,
                        Code::VariableNotExist,
                    ])
                    .refuses(&[$missing]);
                delete = Endpoint::delete(concat!($place, "/variables/{variable}"))
                    .about("deletes a variable")
                    .deletes()
                    .refuses(&[Code::VariableNotExist])
                    .refuses(&[$missing]);
            }
        }
    };
}

placed!(project_secret, project_variable, "/api/v1/projects/{project}", Code::ProjectNotExist);
placed!(group_secret, group_variable, "/api/v1/project_groups/{group}", Code::ProjectGroupNotExist);

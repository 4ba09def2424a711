//! Requirements as types. A row of the route table and the first argument of its handler name the
//! same one, which the compiler checks; the rights that follow from it are sent to configstore.

use std::str::FromStr;

use axum::extract::RawPathParams;
use drydock_api::configstore::refusals::{
    OrgNotExist, ProjectGroupNotExist, ProjectNotExist, UserNotExist,
};
pub use drydock_api::configstore::scoped::{Project, ProjectGroup};
use drydock_api::configstore::types::{Owned, Right};
use drydock_api::names::{Ref, TreeRef};
use drydock_core::error::{ApiError, Code, Kind};

use super::inquiry::Inquiry;
use super::permit::Permit;
use crate::requirement;
use crate::requirement::Requirement;

/// A requirement, by its type.
pub trait Require: Sized + Send + Sync + 'static {
    const REQUIREMENT: Requirement;

    /// The object of the path, as the caller refers to it.
    type Given: Send + Sync + 'static;

    /// # Errors
    /// `invalid_ref` if the part of the path is no reference.
    fn given(params: &RawPathParams) -> Result<Self::Given, ApiError>;

    /// The rights that configstore checks.
    fn rights(given: &Self::Given) -> Vec<Right>;

    /// The error for an object that the caller may not see.
    fn absent(given: &Self::Given) -> Option<ApiError>;
}

/// A kind of object that a path may lead to.
pub trait Subject: Send + Sync + 'static {
    type Ref: FromStr + Send + Sync + 'static;

    const OBJECT: requirement::Object;
    /// The parameter of paths.
    const PARAMETER: &'static str;

    fn owned(given: &Self::Ref) -> Owned;

    fn absent(given: &Self::Ref) -> ApiError;
}

/// Makes a unit type for a requirement without an object.
macro_rules! plain {
    ($($name:ident: $rights:expr;)*) => {$(
        pub struct $name;

        impl Require for $name {
            const REQUIREMENT: Requirement = Requirement::$name;

            type Given = ();

            fn given(_: &RawPathParams) -> Result<(), ApiError> {
                Ok(())
            }

            fn rights((): &()) -> Vec<Right> {
                $rights
            }

            fn absent((): &()) -> Option<ApiError> {
                None
            }
        }
    )*};
}

plain! {
    AnyUser: Vec::new();
    Admin: vec![Right::Admin];
    // No user has it: the permit knows the token itself.
    AdminToken: Vec::new();
    // The parent is in the body, and named by the handler.
    OwnsParent: Vec::new();
}

pub struct SelfOf;

impl Require for SelfOf {
    const REQUIREMENT: Requirement = Requirement::SelfOf;

    type Given = Ref;

    fn given(params: &RawPathParams) -> Result<Ref, ApiError> {
        parameter(params, "user")
    }

    fn rights(given: &Ref) -> Vec<Right> {
        vec![Right::Be(given.clone())]
    }

    fn absent(given: &Ref) -> Option<ApiError> {
        Some(UserNotExist(given.clone()).into())
    }
}

/// To start and stop runs of the path's project.
pub struct Runs;

impl Require for Runs {
    const REQUIREMENT: Requirement = Requirement::Runs;

    type Given = TreeRef;

    fn given(params: &RawPathParams) -> Result<TreeRef, ApiError> {
        parameter(params, Project::PARAMETER)
    }

    fn rights(given: &TreeRef) -> Vec<Right> {
        vec![Right::Run(given.clone())]
    }

    fn absent(given: &TreeRef) -> Option<ApiError> {
        Some(Project::absent(given))
    }
}

/// Makes a type for a requirement of an object.
macro_rules! of_objects {
    ($($name:ident: $right:ident;)*) => {$(
        /// The value is there to be written in the table: `Owns(Org)`.
        pub struct $name<K>(pub K);

        impl<K: Subject> Require for $name<K> {
            const REQUIREMENT: Requirement = Requirement::$name(K::OBJECT);

            type Given = K::Ref;

            fn given(params: &RawPathParams) -> Result<K::Ref, ApiError> {
                parameter(params, K::PARAMETER)
            }

            fn rights(given: &K::Ref) -> Vec<Right> {
                vec![Right::$right(K::owned(given))]
            }

            fn absent(given: &K::Ref) -> Option<ApiError> {
                Some(K::absent(given))
            }
        }
    )*};
}

of_objects! {
    Reads: Read;
    Owns: Own;
    // The target is in the body, and named by the handler.
    OwnsWithTarget: Own;
}

pub struct Org;

macro_rules! subjects {
    ($($name:ident, $reference:ty, $parameter:literal, $absent:ident;)*) => {$(
        impl Subject for $name {
            type Ref = $reference;

            const OBJECT: requirement::Object = requirement::Object::$name;
            const PARAMETER: &'static str = $parameter;

            fn owned(given: &$reference) -> Owned {
                Owned::$name(given.clone())
            }

            fn absent(given: &$reference) -> ApiError {
                $absent(given.clone()).into()
            }
        }
    )*};
}

subjects! {
    Org, Ref, "org", OrgNotExist;
    ProjectGroup, TreeRef, "group", ProjectGroupNotExist;
    Project, TreeRef, "project", ProjectNotExist;
}

/// The arguments of a handler whose first one is a permit or an inquiry for `R`.
pub trait Demands<R> {}

/// For handlers with up to this many arguments more.
macro_rules! demands {
    ($($more:ident)*) => {
        impl<M, R: Require, $($more),*> Demands<R> for (M, Permit<R>, $($more),*) {}
    };
}

demands!();
demands!(A);
demands!(A B);
demands!(A B C);

impl<M, R: Require, E> Demands<R> for (M, Inquiry<R, E>) {}

fn parameter<R: FromStr>(params: &RawPathParams, name: &str) -> Result<R, ApiError> {
    let text = params.iter().find(|(of, _)| *of == name).map(|(_, text)| text);
    let text = text.expect("the row's path has the parameter that it requires");
    text.parse().map_err(|_| invalid_ref())
}

pub(super) fn invalid_ref() -> ApiError {
    let message = "a part of the path is neither an id nor a name";
    ApiError::new(Kind::BadRequest).with_code(Code::InvalidRef).with_message(message)
}

//! The proof that a caller may make a change.
//!
//! Architecture invariant: a permit or an [`Inquiry`](super::inquiry::Inquiry) is the only way from
//! a handler to a service behind, and every call carries the rights that the route's row requires.
//! So no route can leave out the check.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use drydock_api::admin::AdminClient;
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::refusals::ProjectGroupNotExist;
use drydock_api::configstore::types::{Owned, Right};
use drydock_api::gateway::endpoints::Forbidden;
use drydock_api::names::TreeRef;
use drydock_api::runservice::client::RunserviceClient;
use drydock_core::context::Context;
use drydock_core::error::ActionError;
use drydock_http::api::creation::Repeatable;
use drydock_http::api::headers::Trace;
use drydock_http::client::Client;
use drydock_http::server::audit::AuditCaller;
use drydock_http::server::error::HttpError;
use http::request::Parts;

use super::caller::{Caller, Presented};
use super::inquiry::Origin;
use super::require::{
    Admin, AdminToken, AnyUser, Owns, OwnsParent, OwnsWithTarget, ProjectGroup, Require, Runs,
    SelfOf, Subject,
};
use crate::errors::forbidden;
use crate::requirement::Requirement;
use crate::state::App;

/// Exists only if the caller meets `R` when the request arrives. The service that makes the change
/// checks the rights again, in the transaction.
pub struct Permit<R: Require> {
    pub ctx: Context,
    pub caller: Caller,
    /// The object of the path, as the caller refers to it.
    pub given: R::Given,
    presented: Presented,
    /// Calls without a delegation.
    configstore: ConfigstoreClient,
    pub(super) runservice: RunserviceClient,
    /// The untyped clients, for operators.
    stores: StoreClients,
    rights: Vec<Right>,
    requirement: PhantomData<R>,
}

/// The clients of the services with a store.
pub struct StoreClients {
    configstore: Client,
    runservice: Client,
}

/// A service with a store, which operators take into maintenance, export and import.
pub trait Stored: 'static {
    fn client(stores: &StoreClients) -> &Client;
}

pub enum Configstore {}
pub enum Runservice {}

impl Stored for Configstore {
    fn client(stores: &StoreClients) -> &Client {
        &stores.configstore
    }
}

impl Stored for Runservice {
    fn client(stores: &StoreClients) -> &Client {
        &stores.runservice
    }
}

/// A requirement to which the body adds no right.
pub trait Complete: Require {}

impl Complete for AnyUser {}
impl Complete for Admin {}
impl Complete for AdminToken {}
impl Complete for SelfOf {}
impl Complete for Runs {}
impl<K: Subject> Complete for Owns<K> {}

impl<R: Require> FromRequestParts<App> for Permit<R> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Permit<R>, HttpError> {
        let origin = Origin::of(parts, app).await?;
        let given = origin.given::<R>(parts).await;
        let rights = given.as_ref().map(R::rights).unwrap_or_default();
        let absent = given.as_ref().ok().and_then(R::absent);
        let Origin { ctx, presented, configstore, runservice } = origin;
        let caller = presented.caller(&configstore, &ctx, &rights, absent).await?;
        AuditCaller::of(parts).set(|| match caller.user() {
            Some(user) => format!("user {} ({})", user.name, user.id),
            None => "admin token".to_owned(),
        });
        let is_user = caller.user().is_some();
        if R::REQUIREMENT == Requirement::AdminToken && is_user {
            return Err(forbidden().into());
        }
        let given = given?;
        let trace = parts.extensions.get::<Trace>().expect("the frame of every route sets it");
        let stores = StoreClients {
            configstore: app.service.configstore(trace),
            runservice: app.service.runservice(trace),
        };
        let requirement = PhantomData;
        Ok(Permit {
            ctx,
            caller,
            given,
            presented,
            configstore,
            runservice,
            stores,
            rights,
            requirement,
        })
    }
}

impl<R: Complete> Permit<R> {
    /// A client whose changes require the rights once more.
    pub fn configstore(&self) -> ConfigstoreClient {
        self.presented.limit(&self.configstore, &self.rights)
    }

    /// The result of validating the body. If it is an error, the rights that the body added are
    /// checked first: a caller without them does not learn about the error.
    pub async fn found<T, E, F>(&self, found: Result<T, E>) -> Result<T, ActionError<F>>
    where
        ActionError<F>: From<E>,
    {
        if found.is_err() {
            let absent = R::absent(&self.given);
            let groups = self.rights.iter().filter_map(|right| match right {
                Right::Own(Owned::ProjectGroup(group)) => {
                    Some(ProjectGroupNotExist(group.clone()).into())
                }
                _ => None,
            });
            let absent = absent.into_iter().chain(groups);
            let Permit { ctx, configstore, rights, .. } = self;
            let asked = self.presented.caller(configstore, ctx, rights, absent).await;
            asked.map_err(ActionError::internal)?;
        }
        Ok(found?)
    }

    /// Adds the right of an administrator.
    ///
    /// # Errors
    /// `forbidden` with this message for any other caller.
    pub fn administrator(&mut self, message: &'static str) -> Result<(), Forbidden> {
        match self.caller.is_admin() {
            true => self.rights.push(Right::Admin),
            false => return Err(Forbidden(message)),
        }
        Ok(())
    }
}

impl<R: Require> Permit<R> {
    /// The idempotency key for the service behind.
    pub fn key(&self, repeatable: Option<&Repeatable>) -> Option<String> {
        repeatable.map(|repeatable| self.caller.scoped(repeatable.id))
    }

    /// The same permit with more rights.
    fn taking<S: Require>(self, given: S::Given, more: impl Iterator<Item = Right>) -> Permit<S> {
        let Permit { ctx, caller, presented, configstore, runservice, stores, mut rights, .. } =
            self;
        rights.extend(more);
        let requirement = PhantomData;
        Permit {
            ctx,
            caller,
            given,
            presented,
            configstore,
            runservice,
            stores,
            rights,
            requirement,
        }
    }
}

impl Permit<OwnsParent> {
    /// A permit to create objects in the group that the body names.
    pub fn in_parent(self, parent: TreeRef) -> Permit<Owns<ProjectGroup>> {
        let rights = <Owns<ProjectGroup>>::rights(&parent);
        self.taking(parent, rights.into_iter())
    }
}

impl<K: Subject> Permit<OwnsWithTarget<K>> {
    /// A permit to change the object, and to move it into the group that the body names.
    pub fn with_target(self, target: Option<&TreeRef>) -> Permit<Owns<K>>
    where
        K::Ref: Clone,
    {
        let given = self.given.clone();
        let more = target.map(|target| Right::Own(Owned::ProjectGroup(target.clone())));
        self.taking(given, more.into_iter())
    }
}

impl Permit<AdminToken> {
    /// The untyped client of the service, for bodies that are passed on unread.
    pub fn raw<S: Stored>(&self) -> &Client {
        S::client(&self.stores)
    }

    /// The client of maintenance and lineages of the service.
    pub fn admin<S: Stored>(&self) -> AdminClient {
        AdminClient::new(self.raw::<S>().clone())
    }

    pub fn runservice(&self) -> &RunserviceClient {
        &self.runservice
    }
}

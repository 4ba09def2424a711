//! The proof that a request may go on.
//!
//! Architecture invariant: a permit is the only way from a handler to a service behind, and it
//! comes about only here, as the route's row requires. So a route that forgot to ask cannot exist.

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, Code, Kind};
use http::request::Parts;
use uuid::Uuid;

use super::Caller;
use super::relation::{Owned, Relation, relation};
use super::requirement::{Object, Requirement};
use crate::configstore::client::ConfigstoreClient;
use crate::configstore::client::secrets::Place;
use crate::configstore::errors::{
    org_not_exist, project_group_not_exist, project_not_exist, user_not_exist,
};
use crate::configstore::types::{Org, ProjectGroupView, ProjectView, Visibility};
use crate::gateway::errors::{self, is_code};
use crate::gateway::state::App;
use crate::http::client::{Answer, Client, ClientError};
use crate::http::error::HttpError;
use crate::http::extract::Ctx;
use crate::http::frame::Trace;
use crate::http::guard::bearer;
use crate::http::idempotency::Repeatable;
use crate::http::page::Consistency;
use crate::names::{Ref, TreeRef};

pub struct Permit {
    pub ctx: Context,
    pub caller: Caller,
    pub configstore: ConfigstoreClient,
    /// The same without types, for what is passed on as it comes.
    pub raw: Client,
    target: Target,
}

/// What the path leads to, as it was when the permit was given. What is done next is done to this
/// very object, by its id, whatever its path leads to by then.
enum Target {
    Nothing,
    User(At<Ref, Ref>),
    Org(At<Ref, Answer<Org>>),
    Group(At<TreeRef, Answer<ProjectGroupView>>),
    Project(At<TreeRef, Answer<ProjectView>>),
}

/// A reference as the caller gave it, and what it stands for.
#[derive(Debug, Clone)]
pub struct At<R, T> {
    pub given: R,
    pub found: T,
}

/// What is wanted of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    Read,
    Own,
}

impl FromRequestParts<App> for Permit {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Permit, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        let trace = parts.extensions.get::<Trace>().expect("the frame of every route sets it");
        let raw = app.service.configstore(trace);
        let configstore = ConfigstoreClient::new(raw.clone());
        let token = bearer(&parts.headers);
        let caller = Caller::authenticate(&app.service, &configstore, &ctx, token).await?;
        let path = parts.extensions.get::<MatchedPath>().expect("fallbacks ask for no permit");
        let requirement = app.service.requirement(&parts.method, path.as_str());
        let params = parts.extract::<RawPathParams>().await;
        let params = params.map_err(|error| invalid_ref().with_source(error))?;
        let mut permit = Permit { ctx, caller, configstore, raw, target: Target::Nothing };
        permit.target = permit.require(requirement, &params).await?;
        Ok(permit)
    }
}

impl Permit {
    /// The user of the path.
    pub fn user(&self) -> &At<Ref, Ref> {
        match &self.target {
            Target::User(user) => user,
            _ => unreachable!("the row says that the path leads to a user"),
        }
    }

    /// The organization of the path.
    pub fn org(&self) -> &At<Ref, Answer<Org>> {
        match &self.target {
            Target::Org(org) => org,
            _ => unreachable!("the row says that the path leads to an organization"),
        }
    }

    /// The project group of the path.
    pub fn group(&self) -> &At<TreeRef, Answer<ProjectGroupView>> {
        match &self.target {
            Target::Group(group) => group,
            _ => unreachable!("the row says that the path leads to a project group"),
        }
    }

    /// The project of the path.
    pub fn project(&self) -> &At<TreeRef, Answer<ProjectView>> {
        match &self.target {
            Target::Project(project) => project,
            _ => unreachable!("the row says that the path leads to a project"),
        }
    }

    /// The project or group of the path, and the error if it is gone.
    pub fn place(&self) -> (Place, ApiError) {
        match &self.target {
            Target::Project(At { given, found }) => {
                (Place::Project(TreeRef::Id(found.body.id)), project_not_exist(given))
            }
            Target::Group(At { given, found }) => {
                (Place::ProjectGroup(TreeRef::Id(found.body.id)), project_group_not_exist(given))
            }
            _ => unreachable!("the row says that the path leads to a project or a group"),
        }
    }

    /// A group that a body names, as one in which the caller may put things.
    pub async fn owned_group(&self, group: &TreeRef) -> Result<Uuid, ApiError> {
        Ok(self.find_group(group.clone(), Right::Own).await?.found.body.id)
    }

    /// Which of the path's group's children the caller may see; `None`: all.
    pub async fn visible_children(&self) -> Result<Option<Visibility>, ApiError> {
        let owner = self.group().found.body.owner();
        match self.relation(Some(&owner)).await? {
            Relation::Owner | Relation::Member => Ok(None),
            Relation::Stranger => Ok(Some(Visibility::Public)),
        }
    }

    /// The key under which configstore knows a creation again.
    pub fn key(&self, repeatable: Option<&Repeatable>) -> Option<String> {
        repeatable.map(|repeatable| self.caller.scoped(repeatable.id))
    }

    async fn require(
        &self,
        requirement: Requirement,
        params: &RawPathParams,
    ) -> Result<Target, ApiError> {
        let allowed = |allowed| match allowed {
            true => Ok(Target::Nothing),
            false => Err(forbidden()),
        };
        match requirement {
            // The parent is in the body, and asked for by its handler.
            Requirement::AnyUser | Requirement::OwnsParent => Ok(Target::Nothing),
            Requirement::Admin => allowed(self.caller.is_admin()),
            Requirement::AdminToken => allowed(matches!(self.caller, Caller::AdminToken)),
            Requirement::SelfOf => self.itself(params).map(Target::User),
            Requirement::Reads(object) => self.find(object, params, Right::Read).await,
            Requirement::Owns(object) | Requirement::OwnsWithTarget(object) => {
                self.find(object, params, Right::Own).await
            }
        }
    }

    fn itself(&self, params: &RawPathParams) -> Result<At<Ref, Ref>, ApiError> {
        let given: Ref = param(params, "user")?;
        if self.caller.is_admin() {
            return Ok(At { found: given.clone(), given });
        }
        let user = self.caller.user().filter(|user| match &given {
            Ref::Id(id) => user.id == *id,
            Ref::Name(name) => user.name == *name,
        });
        match user {
            Some(user) => Ok(At { found: Ref::Id(user.id), given }),
            None => Err(user_not_exist(given)),
        }
    }

    async fn find(
        &self,
        object: Object,
        params: &RawPathParams,
        right: Right,
    ) -> Result<Target, ApiError> {
        match object {
            Object::Org => {
                let given: Ref = param(params, "org")?;
                let asked =
                    self.configstore.org(&self.ctx, &given, Consistency::Linearizable).await;
                let hidden = || org_not_exist(&given);
                let found = self.allow(asked, right, Code::OrgNotExist, hidden).await?;
                Ok(Target::Org(At { given, found }))
            }
            Object::ProjectGroup => {
                let given = param(params, "group")?;
                self.find_group(given, right).await.map(Target::Group)
            }
            Object::Project => {
                let given: TreeRef = param(params, "project")?;
                let asked =
                    self.configstore.project(&self.ctx, &given, Consistency::Linearizable).await;
                let hidden = || project_not_exist(&given);
                let found = self.allow(asked, right, Code::ProjectNotExist, hidden).await?;
                Ok(Target::Project(At { given, found }))
            }
        }
    }

    async fn find_group(
        &self,
        given: TreeRef,
        right: Right,
    ) -> Result<At<TreeRef, Answer<ProjectGroupView>>, ApiError> {
        let asked =
            self.configstore.project_group(&self.ctx, &given, Consistency::Linearizable).await;
        let hidden = || project_group_not_exist(&given);
        let found = self.allow(asked, right, Code::ProjectGroupNotExist, hidden).await?;
        Ok(At { given, found })
    }

    /// Answers what was found if the caller has the right. What the caller may not see, and what is
    /// not there, are one error and take the same calls.
    async fn allow<T: Owned>(
        &self,
        asked: Result<Answer<T>, ClientError>,
        right: Right,
        absent: Code,
        hidden: impl Fn() -> ApiError,
    ) -> Result<Answer<T>, ApiError> {
        let found = match asked {
            Ok(found) => found,
            Err(error) if is_code(&error, absent) => {
                self.relation(None).await?;
                return Err(hidden().with_source(error));
            }
            Err(error) => return Err(errors::of(error, [])),
        };
        let public = found.body.effective_visibility() == Visibility::Public;
        if public && right == Right::Read {
            return Ok(found);
        }
        match (self.relation(Some(&found.body.owner())).await?, right) {
            (Relation::Owner, _) | (Relation::Member, Right::Read) => Ok(found),
            (Relation::Member, Right::Own) => Err(forbidden()),
            (Relation::Stranger, _) if public => Err(forbidden()),
            (Relation::Stranger, _) => Err(hidden().with_source("hidden from the caller")),
        }
    }

    async fn relation(
        &self,
        owner: Option<&crate::configstore::types::Owner>,
    ) -> Result<Relation, ApiError> {
        relation(&self.caller, &self.configstore, &self.ctx, owner).await
    }
}

/// The caller is known, and it is not enough.
#[track_caller]
pub fn forbidden() -> ApiError {
    ApiError::new(Kind::Forbidden).with_code(Code::Forbidden)
}

fn param<R: std::str::FromStr>(params: &RawPathParams, name: &str) -> Result<R, ApiError> {
    let text = params.iter().find(|(of, _)| *of == name).map(|(_, text)| text);
    let text = text.expect("the row's path has the parameter that it requires");
    text.parse().map_err(|_| invalid_ref())
}

fn invalid_ref() -> ApiError {
    let message = "a part of the path is neither an id nor a name";
    ApiError::new(Kind::BadRequest).with_code(Code::InvalidRef).with_message(message)
}

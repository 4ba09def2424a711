//! The proof that a request may go on.
//!
//! Architecture invariant: a permit is the only way from a handler to a service behind, and it
//! comes about only here, as the route's row requires. So a route that forgot to ask cannot exist.

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::client::secrets::Place;
use drydock_api::configstore::errors::{
    org_not_exist, project_group_not_exist, project_not_exist, user_not_exist,
};
use drydock_api::configstore::types::{
    Org, Owned, Owner, ProjectGroupView, ProjectView, Relation, Right, Verdict, Visibility,
};
use drydock_api::names::{Ref, TreeRef};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, Code, Kind};
use drydock_http::api::creation::Repeatable;
use drydock_http::api::headers::Trace;
use drydock_http::api::page::Consistency;
use drydock_http::client::{Answer, Client, ClientError};
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::Ctx;
use drydock_http::server::guard::bearer;
use http::request::Parts;
use uuid::Uuid;

use super::Caller;
use super::relation::{HasOwner, relation};
use crate::errors;
use crate::errors::{forbidden, is_code};
use crate::requirement::{Object, Requirement};
use crate::state::App;

pub struct Permit {
    pub ctx: Context,
    pub caller: Caller,
    /// Makes changes only where the caller has `rights` in that moment, too.
    pub configstore: ConfigstoreClient,
    /// The same without types and rights, for what is passed on as it comes.
    pub raw: Client,
    target: Target,
    /// What the caller was found to have, and needs for what is asked.
    rights: Vec<Right>,
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
enum Want {
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
        let (target, rights) = (Target::Nothing, Vec::new());
        let mut permit = Permit { ctx, caller, configstore, raw, target, rights };
        permit.target = permit.require(requirement, &params).await?;
        permit.demand(permit.right(requirement));
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
    pub async fn owned_group(&mut self, group: &TreeRef) -> Result<Uuid, ApiError> {
        let id = self.find_group(group.clone(), Want::Own).await?.found.body.id;
        self.demand([Right::Own(Owned::ProjectGroup(id))]);
        Ok(id)
    }

    /// Goes on only for an administrator.
    pub fn administrator(&mut self, message: &str) -> Result<(), ApiError> {
        match self.caller.is_admin() {
            true => self.demand([Right::Admin]),
            false => return Err(forbidden().with_message(message)),
        }
        Ok(())
    }

    /// From now on changes are made only if the caller has these rights, too.
    fn demand(&mut self, rights: impl IntoIterator<Item = Right>) {
        self.rights.extend(rights);
        let client = ConfigstoreClient::new(self.raw.clone());
        self.configstore = match self.caller.behalf(&self.rights) {
            Some(behalf) => client.on_behalf_of(&behalf),
            None => client,
        };
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
            Requirement::Reads(object) => self.find(object, params, Want::Read).await,
            Requirement::Owns(object) | Requirement::OwnsWithTarget(object) => {
                self.find(object, params, Want::Own).await
            }
        }
    }

    /// What changes of the path's object take.
    fn right(&self, requirement: Requirement) -> Option<Right> {
        match (requirement, &self.target) {
            (Requirement::Admin, _) => Some(Right::Admin),
            (Requirement::SelfOf, Target::User(At { found, .. })) => Some(Right::Be(found.clone())),
            (_, Target::Org(org)) => Some(Right::Own(Owned::Org(org.found.body.id))),
            (_, Target::Group(it)) => Some(Right::Own(Owned::ProjectGroup(it.found.body.id))),
            (_, Target::Project(it)) => Some(Right::Own(Owned::Project(it.found.body.id))),
            _ => None,
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
        want: Want,
    ) -> Result<Target, ApiError> {
        match object {
            Object::Org => {
                let given: Ref = param(params, "org")?;
                let asked =
                    self.configstore.org(&self.ctx, &given, Consistency::Linearizable).await;
                let hidden = || org_not_exist(&given);
                let found = self.allow(asked, want, Code::OrgNotExist, hidden).await?;
                Ok(Target::Org(At { given, found }))
            }
            Object::ProjectGroup => {
                let given = param(params, "group")?;
                self.find_group(given, want).await.map(Target::Group)
            }
            Object::Project => {
                let given: TreeRef = param(params, "project")?;
                let asked =
                    self.configstore.project(&self.ctx, &given, Consistency::Linearizable).await;
                let hidden = || project_not_exist(&given);
                let found = self.allow(asked, want, Code::ProjectNotExist, hidden).await?;
                Ok(Target::Project(At { given, found }))
            }
        }
    }

    async fn find_group(
        &self,
        given: TreeRef,
        want: Want,
    ) -> Result<At<TreeRef, Answer<ProjectGroupView>>, ApiError> {
        let asked =
            self.configstore.project_group(&self.ctx, &given, Consistency::Linearizable).await;
        let hidden = || project_group_not_exist(&given);
        let found = self.allow(asked, want, Code::ProjectGroupNotExist, hidden).await?;
        Ok(At { given, found })
    }

    /// Answers what was found if the caller has the right. What the caller may not see, and what is
    /// not there, are one error and take the same calls.
    async fn allow<T: HasOwner>(
        &self,
        asked: Result<Answer<T>, ClientError>,
        want: Want,
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
        let visibility = found.body.effective_visibility();
        if visibility == Visibility::Public && want == Want::Read {
            return Ok(found);
        }
        let relation = self.relation(Some(&found.body.owner())).await?;
        match (relation.owns(visibility), want) {
            (Verdict::Allowed, _) => Ok(found),
            // Whoever is told that it is forbidden may know, and so read it.
            (Verdict::Forbidden, Want::Read) => Ok(found),
            (Verdict::Forbidden, Want::Own) => Err(forbidden()),
            (Verdict::Hidden, _) => Err(hidden().with_source("hidden from the caller")),
        }
    }

    async fn relation(&self, owner: Option<&Owner>) -> Result<Relation, ApiError> {
        relation(&self.caller, &self.configstore, &self.ctx, owner).await
    }
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

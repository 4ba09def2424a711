use drydock_api::configstore::endpoints::org as failures;
use drydock_api::configstore::refusals::{OrgAlreadyExists, OrgNotExist, UserNotExist};
use drydock_api::configstore::types::{NewOrg, Org as OrgView, OrgChange};
use drydock_api::configstore::validate;
use drydock_api::gateway::endpoints::CreateOrg;
use drydock_api::names::Ref;
use drydock_core::error::ActionError;
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::require::{AnyUser, Org, Owns, Reads};
use crate::auth::{Look, Permit};
use crate::errors;

/// Configstore lists those that the caller may see.
pub async fn list(
    look: &Look<AnyUser>,
    query: &ListQuery,
) -> Result<Page<OrgView>, ActionError<failures::List>> {
    let listed = look.configstore.orgs(&look.ctx, query).await;
    listed.map_err(|error| errors::refused(error, []))
}

pub async fn get(look: &Look<Reads<Org>>) -> Result<Answer<OrgView>, ActionError<failures::Get>> {
    let Look { ctx, given, configstore, .. } = look;
    let found = configstore.org(ctx, given, Consistency::Linearizable).await;
    found.map_err(|error| errors::refused(error, [OrgNotExist(given.clone()).into()]))
}

/// Creates an organization. A user who creates one becomes its first owner; an administrator may
/// name an owner, or none.
pub async fn create(
    permit: &mut Permit<AnyUser>,
    new: NewOrg,
    key: Option<&str>,
) -> Result<Answer<OrgView>, ActionError<CreateOrg>> {
    let name = validate::name(&new.name)?;
    let named = validate::optional_ref("owner", new.owner.as_deref())?;
    let caller = permit.caller.user();
    let own = caller.map(|user| (Ref::Id(user.id), Ref::Name(user.name.clone())));
    let owner = match (own, named) {
        (Some((id, _)), None) => Some(id),
        (Some((id, name)), Some(named)) if named == id || named == name => Some(id),
        (_, named) => {
            permit.administrator("only administrators name another user as `owner`")?;
            named
        }
    };
    let new = NewOrg { owner: owner.as_ref().map(Ref::to_string), ..new };
    let created = permit.configstore().create_org(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let absent = owner.iter().map(|it| UserNotExist(it.clone()).into());
        errors::refused(error, absent.chain([OrgAlreadyExists(name.clone()).into()]))
    })
}

pub async fn update(
    permit: &Permit<Owns<Org>>,
    change: &OrgChange,
    if_match: Option<&str>,
) -> Result<Answer<OrgView>, ActionError<failures::Update>> {
    let name = validate::optional_name(change.name.as_deref())?;
    let given = &permit.given;
    let updated = permit.configstore().update_org(&permit.ctx, given, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(|it| OrgAlreadyExists(it.clone()).into());
        errors::refused(error, taken.chain([OrgNotExist(given.clone()).into()]))
    })
}

pub async fn delete(
    permit: &Permit<Owns<Org>>,
    if_match: Option<&str>,
) -> Result<(), ActionError<failures::Delete>> {
    let given = &permit.given;
    let deleted = permit.configstore().delete_org(&permit.ctx, given, if_match).await;
    deleted.map_err(|error| errors::refused(error, [OrgNotExist(given.clone()).into()]))
}

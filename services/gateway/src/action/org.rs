use drydock_api::configstore::errors::{org_already_exists, org_not_exist, user_not_exist};
use drydock_api::configstore::types::{NewOrg, Org, OrgChange, OrgsQuery};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::ApiError;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::auth::permit::At;
use crate::errors;

/// The organizations that the caller may see.
pub async fn list(permit: &Permit, query: ListQuery) -> Result<Page<Org>, ApiError> {
    let query = OrgsQuery::new(query, permit.caller.sees_as());
    let listed = permit.configstore.orgs(&permit.ctx, &query).await;
    listed.map_err(|error| errors::of(error, []))
}

/// A user becomes the first owner. Administrators may name one, or none.
pub async fn create(
    permit: &mut Permit,
    new: NewOrg,
    key: Option<&str>,
) -> Result<Answer<Org>, ApiError> {
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
    let created = permit.configstore.create_org(&permit.ctx, &new, key).await;
    created.map_err(|error| {
        let absent = owner.iter().map(user_not_exist);
        errors::of(error, absent.chain([org_already_exists(&name)]))
    })
}

pub async fn update(
    permit: &Permit,
    change: &OrgChange,
    if_match: Option<&str>,
) -> Result<Answer<Org>, ApiError> {
    let name = validate::optional_name(change.name.as_deref())?;
    let At { given, found } = permit.org();
    let id = Ref::Id(found.body.id);
    let updated = permit.configstore.update_org(&permit.ctx, &id, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(org_already_exists);
        errors::of(error, taken.chain([org_not_exist(given)]))
    })
}

pub async fn delete(permit: &Permit, if_match: Option<&str>) -> Result<(), ApiError> {
    let At { given, found } = permit.org();
    let id = Ref::Id(found.body.id);
    let deleted = permit.configstore.delete_org(&permit.ctx, &id, if_match).await;
    deleted.map_err(|error| errors::of(error, [org_not_exist(given)]))
}

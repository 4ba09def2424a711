use drydock_api::configstore::endpoints::member as failures;
use drydock_api::configstore::refusals::{LastOwner, MemberNotExist, OrgNotExist, UserNotExist};
use drydock_api::configstore::types::{MemberView, Role};
use drydock_api::names::Ref;
use drydock_core::error::ActionError;
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::{Answer, ClientError};

use crate::auth::require::{Org, Owns, Reads};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::Shown;

pub async fn list(
    look: &Look<Reads<Org>>,
    query: &ListQuery,
) -> Result<Page<MemberView>, ActionError<failures::List>> {
    let listed = look.configstore.members(&look.ctx, &look.given, query).await;
    listed.map_err(|error| errors::refused(error, [OrgNotExist(look.given.clone()).into()]))
}

pub async fn get(
    look: &Look<Reads<Org>>,
    user: &Ref,
) -> Result<Answer<MemberView>, ActionError<failures::Get>> {
    let (org, consistency) = (&look.given, Consistency::Linearizable);
    let found = look.configstore.member(&look.ctx, org, user, consistency).await;
    let absent = no_member(org, user);
    found.map_err(|error| refused(org, user, error, [absent]))
}

pub async fn put(
    permit: &Permit<Owns<Org>>,
    user: &Ref,
    role: Role,
    if_match: Option<&str>,
) -> Result<Answer<MemberView>, ActionError<failures::Put>> {
    let org = &permit.given;
    let put = permit.configstore().put_member(&permit.ctx, org, user, role, if_match).await;
    let last = last_owner(org, user);
    put.map_err(|error| refused(org, user, error, [last]))
}

pub async fn delete(
    permit: &Permit<Owns<Org>>,
    user: &Ref,
    if_match: Option<&str>,
) -> Result<(), ActionError<failures::Delete>> {
    let org = &permit.given;
    let deleted = permit.configstore().delete_member(&permit.ctx, org, user, if_match).await;
    let more = [no_member(org, user), last_owner(org, user)];
    deleted.map_err(|error| refused(org, user, error, more))
}

#[track_caller]
fn refused<F: From<OrgNotExist> + From<UserNotExist>>(
    org: &Ref,
    user: &Ref,
    error: ClientError,
    more: impl IntoIterator<Item = Shown<F>>,
) -> ActionError<F> {
    let absent = [OrgNotExist(org.clone()).into(), UserNotExist(user.clone()).into()];
    errors::refused(error, absent.into_iter().chain(more))
}

fn no_member<F: From<MemberNotExist>>(org: &Ref, user: &Ref) -> Shown<F> {
    MemberNotExist(user.clone(), org.clone()).into()
}

fn last_owner<F: From<LastOwner>>(org: &Ref, user: &Ref) -> Shown<F> {
    LastOwner(user.clone(), format!("organization `{org}`")).into()
}

use drydock_api::configstore::errors::{org_not_exist, user_not_exist};
use drydock_api::configstore::types::{MemberView, Role};
use drydock_api::names::Ref;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::{Answer, ClientError};

use crate::auth::require::{Org, Owns, Reads};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::own;

pub async fn list(
    look: &Look<Reads<Org>>,
    query: &ListQuery,
) -> Result<Page<MemberView>, ApiError> {
    let listed = look.configstore.members(&look.ctx, &look.given, query).await;
    listed.map_err(|error| errors::of(error, [org_not_exist(&look.given)]))
}

pub async fn get(look: &Look<Reads<Org>>, user: &Ref) -> Result<Answer<MemberView>, ApiError> {
    let (org, consistency) = (&look.given, Consistency::Linearizable);
    let found = look.configstore.member(&look.ctx, org, user, consistency).await;
    found.map_err(|error| refused(&look.given, user, error))
}

pub async fn put(
    permit: &Permit<Owns<Org>>,
    user: &Ref,
    role: Role,
    if_match: Option<&str>,
) -> Result<Answer<MemberView>, ApiError> {
    let put =
        permit.configstore().put_member(&permit.ctx, &permit.given, user, role, if_match).await;
    put.map_err(|error| refused(&permit.given, user, error))
}

pub async fn delete(
    permit: &Permit<Owns<Org>>,
    user: &Ref,
    if_match: Option<&str>,
) -> Result<(), ApiError> {
    let deleted =
        permit.configstore().delete_member(&permit.ctx, &permit.given, user, if_match).await;
    deleted.map_err(|error| refused(&permit.given, user, error))
}

#[track_caller]
fn refused(org: &Ref, user: &Ref, error: ClientError) -> ApiError {
    let absent = format!("user `{user}` is not a member of organization `{org}`");
    let last = format!("user `{user}` is the last owner of organization `{org}`");
    errors::of(
        error,
        [
            org_not_exist(org),
            user_not_exist(user),
            own(Code::MemberNotExist, &absent),
            own(Code::LastOwner, &last),
        ],
    )
}

use drydock_api::configstore::errors::{org_not_exist, user_not_exist};
use drydock_api::configstore::types::{MemberView, Role};
use drydock_api::names::Ref;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::{Answer, ClientError};

use crate::auth::Permit;
use crate::auth::permit::At;
use crate::errors;
use crate::errors::own;

pub async fn list(permit: &Permit, query: &ListQuery) -> Result<Page<MemberView>, ApiError> {
    let listed = permit.configstore.members(&permit.ctx, &org(permit), query).await;
    listed.map_err(|error| errors::of(error, [org_not_exist(&permit.org().given)]))
}

pub async fn get(permit: &Permit, user: &Ref) -> Result<Answer<MemberView>, ApiError> {
    let (org, consistency) = (org(permit), Consistency::Linearizable);
    let found = permit.configstore.member(&permit.ctx, &org, user, consistency).await;
    found.map_err(|error| refused(permit, user, error))
}

pub async fn put(
    permit: &Permit,
    user: &Ref,
    role: Role,
    if_match: Option<&str>,
) -> Result<Answer<MemberView>, ApiError> {
    let put = permit.configstore.put_member(&permit.ctx, &org(permit), user, role, if_match).await;
    put.map_err(|error| refused(permit, user, error))
}

pub async fn delete(permit: &Permit, user: &Ref, if_match: Option<&str>) -> Result<(), ApiError> {
    let deleted = permit.configstore.delete_member(&permit.ctx, &org(permit), user, if_match).await;
    deleted.map_err(|error| refused(permit, user, error))
}

fn org(permit: &Permit) -> Ref {
    Ref::Id(permit.org().found.body.id)
}

#[track_caller]
fn refused(permit: &Permit, user: &Ref, error: ClientError) -> ApiError {
    let At { given, found } = permit.org();
    let name = &found.body.name;
    let absent = format!("user `{user}` is not a member of organization `{name}`");
    let last = format!("user `{user}` is the last owner of organization `{name}`");
    errors::of(
        error,
        [
            org_not_exist(given),
            user_not_exist(user),
            own(Code::MemberNotExist, &absent),
            own(Code::LastOwner, &last),
        ],
    )
}

use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, ListQuery, Page, ReadQuery};
use drydock_http::client::Answer;

use super::{ConfigstoreClient, Result};
use crate::calls::segment;
use crate::configstore::types::{MemberRole, MemberView, NewOrg, Org, OrgChange, Role};
use crate::names::Ref;

impl ConfigstoreClient {
    pub async fn create_org(
        &self,
        ctx: &Context,
        new: &NewOrg,
        key: Option<&str>,
    ) -> Result<Answer<Org>> {
        self.calls.post(ctx, ORGS.to_owned(), new, key).await
    }

    pub async fn org(
        &self,
        ctx: &Context,
        org: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<Org>> {
        self.calls.get(ctx, org_path(org), &ReadQuery::from(consistency)).await
    }

    pub async fn orgs(&self, ctx: &Context, query: &ListQuery) -> Result<Page<Org>> {
        self.calls.list(ctx, ORGS.to_owned(), query).await
    }

    pub async fn update_org(
        &self,
        ctx: &Context,
        org: &Ref,
        change: &OrgChange,
        if_match: Option<&str>,
    ) -> Result<Answer<Org>> {
        self.calls.put(ctx, org_path(org), change, if_match).await
    }

    pub async fn delete_org(&self, ctx: &Context, org: &Ref, if_match: Option<&str>) -> Result<()> {
        self.calls.delete(ctx, org_path(org), if_match).await
    }

    pub async fn members(
        &self,
        ctx: &Context,
        org: &Ref,
        query: &ListQuery,
    ) -> Result<Page<MemberView>> {
        self.calls.list(ctx, format!("{}/members", org_path(org)), query).await
    }

    pub async fn member(
        &self,
        ctx: &Context,
        org: &Ref,
        user: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<MemberView>> {
        self.calls.get(ctx, member_path(org, user), &ReadQuery::from(consistency)).await
    }

    pub async fn put_member(
        &self,
        ctx: &Context,
        org: &Ref,
        user: &Ref,
        role: Role,
        if_match: Option<&str>,
    ) -> Result<Answer<MemberView>> {
        let body = MemberRole { role };
        self.calls.put(ctx, member_path(org, user), &body, if_match).await
    }

    pub async fn delete_member(
        &self,
        ctx: &Context,
        org: &Ref,
        user: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls.delete(ctx, member_path(org, user), if_match).await
    }
}

const ORGS: &str = "/api/v1/orgs";

fn org_path(org: &Ref) -> String {
    format!("{ORGS}/{}", segment(org))
}

fn member_path(org: &Ref, user: &Ref) -> String {
    format!("{}/members/{}", org_path(org), segment(user))
}

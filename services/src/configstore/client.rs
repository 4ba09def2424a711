//! A typed client of configstore.

use drydock_core::context::Context;
use http::{Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::types::{
    MemberRole, MemberView, NewOrg, NewUser, Org, OrgChange, Role, User, UserChange, UserOrg,
};
use crate::http::admin::AdminClient;
use crate::http::client::{Answer, Client, ClientError};
use crate::http::page::{Consistency, ListQuery, Page, ReadQuery};
use crate::names::Ref;

type Result<T> = std::result::Result<T, ClientError>;

/// Calls one instance. Cheap to clone.
#[derive(Clone)]
pub struct ConfigstoreClient {
    http: Client,
}

impl ConfigstoreClient {
    pub fn new(http: Client) -> ConfigstoreClient {
        ConfigstoreClient { http }
    }

    /// Maintenance, export and import.
    pub fn admin(&self) -> AdminClient {
        AdminClient::new(self.http.clone())
    }

    pub async fn create_user(&self, ctx: &Context, new: &NewUser) -> Result<Answer<User>> {
        let call = self.http.request(Method::POST, "/api/v1/users");
        call.json(new).send(ctx).await
    }

    pub async fn user(
        &self,
        ctx: &Context,
        user: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<User>> {
        self.get(ctx, user_path(user), &ReadQuery::from(consistency)).await
    }

    pub async fn users(&self, ctx: &Context, query: &ListQuery) -> Result<Page<User>> {
        self.list(ctx, "/api/v1/users".to_owned(), query).await
    }

    pub async fn update_user(
        &self,
        ctx: &Context,
        user: &Ref,
        change: &UserChange,
        if_match: Option<&str>,
    ) -> Result<Answer<User>> {
        self.put(ctx, user_path(user), change, if_match).await
    }

    pub async fn delete_user(
        &self,
        ctx: &Context,
        user: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.delete(ctx, user_path(user), if_match).await
    }

    pub async fn user_orgs(
        &self,
        ctx: &Context,
        user: &Ref,
        query: &ListQuery,
    ) -> Result<Page<UserOrg>> {
        self.list(ctx, format!("{}/orgs", user_path(user)), query).await
    }

    pub async fn create_org(&self, ctx: &Context, new: &NewOrg) -> Result<Answer<Org>> {
        let call = self.http.request(Method::POST, "/api/v1/orgs");
        call.json(new).send(ctx).await
    }

    pub async fn org(
        &self,
        ctx: &Context,
        org: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<Org>> {
        self.get(ctx, org_path(org), &ReadQuery::from(consistency)).await
    }

    pub async fn orgs(&self, ctx: &Context, query: &ListQuery) -> Result<Page<Org>> {
        self.list(ctx, "/api/v1/orgs".to_owned(), query).await
    }

    pub async fn update_org(
        &self,
        ctx: &Context,
        org: &Ref,
        change: &OrgChange,
        if_match: Option<&str>,
    ) -> Result<Answer<Org>> {
        self.put(ctx, org_path(org), change, if_match).await
    }

    pub async fn delete_org(&self, ctx: &Context, org: &Ref, if_match: Option<&str>) -> Result<()> {
        self.delete(ctx, org_path(org), if_match).await
    }

    pub async fn members(
        &self,
        ctx: &Context,
        org: &Ref,
        query: &ListQuery,
    ) -> Result<Page<MemberView>> {
        self.list(ctx, format!("{}/members", org_path(org)), query).await
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
        self.put(ctx, member_path(org, user), &body, if_match).await
    }

    pub async fn delete_member(
        &self,
        ctx: &Context,
        org: &Ref,
        user: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.delete(ctx, member_path(org, user), if_match).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        query: &impl Serialize,
    ) -> Result<Answer<T>> {
        let query = serde_urlencoded::to_string(query).expect("queries are flat");
        let call = self.http.request(Method::GET, format!("{path}?{query}"));
        call.send(ctx).await
    }

    async fn list<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        query: &ListQuery,
    ) -> Result<Page<T>> {
        Ok(self.get(ctx, path, query).await?.body)
    }

    async fn put<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        body: &impl Serialize,
        if_match: Option<&str>,
    ) -> Result<Answer<T>> {
        let mut call = self.http.request(Method::PUT, path).json(body);
        if let Some(etag) = if_match {
            call = call.header(header::IF_MATCH, etag);
        }
        call.send(ctx).await
    }

    async fn delete(&self, ctx: &Context, path: String, if_match: Option<&str>) -> Result<()> {
        let mut call = self.http.request(Method::DELETE, path);
        if let Some(etag) = if_match {
            call = call.header(header::IF_MATCH, etag);
        }
        call.send_bytes(ctx).await?;
        Ok(())
    }
}

fn user_path(user: &Ref) -> String {
    format!("/api/v1/users/{user}")
}

fn org_path(org: &Ref) -> String {
    format!("/api/v1/orgs/{org}")
}

fn member_path(org: &Ref, user: &Ref) -> String {
    format!("{}/members/{user}", org_path(org))
}

use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, ListQuery, Page, ReadQuery};
use drydock_http::client::Answer;
use http::Method;
use uuid::Uuid;

use super::{ConfigstoreClient, Result};
use crate::calls::segment;
use crate::configstore::types::{
    LinkedAccountView, NewLinkedAccount, NewToken, NewTokenView, NewUser, ResolveToken,
    ResolvedToken, TokenView, User, UserChange, UserOrg,
};
use crate::names::Ref;

impl ConfigstoreClient {
    pub async fn create_user(
        &self,
        ctx: &Context,
        new: &NewUser,
        key: Option<&str>,
    ) -> Result<Answer<User>> {
        self.calls.post(ctx, USERS.to_owned(), new, key).await
    }

    pub async fn user(
        &self,
        ctx: &Context,
        user: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<User>> {
        self.calls.get(ctx, user_path(user), &ReadQuery::from(consistency)).await
    }

    pub async fn users(&self, ctx: &Context, query: &ListQuery) -> Result<Page<User>> {
        self.calls.list(ctx, USERS.to_owned(), query).await
    }

    pub async fn update_user(
        &self,
        ctx: &Context,
        user: &Ref,
        change: &UserChange,
        if_match: Option<&str>,
    ) -> Result<Answer<User>> {
        self.calls.put(ctx, user_path(user), change, if_match).await
    }

    pub async fn delete_user(
        &self,
        ctx: &Context,
        user: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls.delete(ctx, user_path(user), if_match).await
    }

    pub async fn user_orgs(
        &self,
        ctx: &Context,
        user: &Ref,
        query: &ListQuery,
    ) -> Result<Page<UserOrg>> {
        self.calls.list(ctx, below(user, "orgs"), query).await
    }

    pub async fn tokens(
        &self,
        ctx: &Context,
        user: &Ref,
        query: &ListQuery,
    ) -> Result<Page<TokenView>> {
        self.calls.list(ctx, below(user, "tokens"), query).await
    }

    pub async fn create_token(
        &self,
        ctx: &Context,
        user: &Ref,
        new: &NewToken,
        key: Option<&str>,
    ) -> Result<Answer<NewTokenView>> {
        self.calls.post(ctx, below(user, "tokens"), new, key).await
    }

    pub async fn delete_token(
        &self,
        ctx: &Context,
        user: &Ref,
        token: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls
            .delete(ctx, format!("{}/{}", below(user, "tokens"), segment(token)), if_match)
            .await
    }

    /// Shows the user to whom a token belongs, with the user's entity tag.
    pub async fn resolve_token(&self, ctx: &Context, value: &str) -> Result<Answer<ResolvedToken>> {
        let body = ResolveToken { value: value.to_owned() };
        let path = "/api/v1/tokens/resolve".to_owned();
        self.calls.call(Method::POST, path).json(&body).repeatable().send(ctx).await
    }

    pub async fn linked_accounts(
        &self,
        ctx: &Context,
        user: &Ref,
        query: &ListQuery,
    ) -> Result<Page<LinkedAccountView>> {
        self.calls.list(ctx, below(user, "linked_accounts"), query).await
    }

    pub async fn create_linked_account(
        &self,
        ctx: &Context,
        user: &Ref,
        new: &NewLinkedAccount,
        key: Option<&str>,
    ) -> Result<Answer<LinkedAccountView>> {
        self.calls.post(ctx, below(user, "linked_accounts"), new, key).await
    }

    pub async fn delete_linked_account(
        &self,
        ctx: &Context,
        user: &Ref,
        account: Uuid,
        if_match: Option<&str>,
    ) -> Result<()> {
        let path = format!("{}/{account}", below(user, "linked_accounts"));
        self.calls.delete(ctx, path, if_match).await
    }
}

const USERS: &str = "/api/v1/users";

fn user_path(user: &Ref) -> String {
    format!("{USERS}/{}", segment(user))
}

fn below(user: &Ref, list: &str) -> String {
    format!("{}/{list}", user_path(user))
}

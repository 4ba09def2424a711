//! The token that a request presents, and its user.

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::{Delegation, Right, TokenDigest, User};
use drydock_core::context::Context;
use drydock_core::error::ApiError;
use drydock_http::client::Answer;
use drydock_http::server::guard::bearer;
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::errors;
use crate::errors::unauthorized;
use crate::state::Gateway;

/// The token of a request, before configstore was asked for its user.
#[derive(Clone)]
pub enum Presented {
    /// The admin token. The gateway knows it without a call, so that it is valid while configstore
    /// is in maintenance, or does not answer.
    AdminToken,
    Token(SecretString),
}

impl Presented {
    /// # Errors
    /// `unauthorized` if the request has no token.
    pub fn of(gateway: &Gateway, headers: &HeaderMap) -> Result<Presented, ApiError> {
        let token = bearer(headers).filter(|token| !token.is_empty()).ok_or_else(unauthorized)?;
        Ok(match gateway.is_admin_token(token) {
            true => Presented::AdminToken,
            false => Presented::Token(SecretString::from(token)),
        })
    }

    /// A client whose calls require these rights of the token's user; the admin token has them all.
    pub fn limit(&self, client: &ConfigstoreClient, rights: &[Right]) -> ConfigstoreClient {
        let client = client.clone();
        match self {
            Presented::AdminToken => client,
            Presented::Token(token) => {
                let token = TokenDigest::of(token.expose_secret());
                client.on_behalf_of(&Delegation { token, rights: rights.to_vec() })
            }
        }
    }

    /// Asks configstore for the token's user, and whether the user has the rights. `absent` is the
    /// error for an object that the user may not see.
    ///
    /// # Errors
    /// `unauthorized` if no user has the token; `forbidden` or one of `absent` if a right is
    /// missing; an error of the call itself, which says nothing about the token.
    pub async fn caller(
        &self,
        client: &ConfigstoreClient,
        ctx: &Context,
        rights: &[Right],
        absent: impl IntoIterator<Item = ApiError>,
    ) -> Result<Caller, ApiError> {
        let Presented::Token(token) = self else { return Ok(Caller::AdminToken) };
        let resolved = self.limit(client, rights).resolve_token(ctx, token.expose_secret()).await;
        let Answer { status, headers, body } =
            resolved.map_err(|error| errors::of(error, absent))?;
        Ok(Caller::User(Box::new(Answer { status, headers, body: body.user })))
    }
}

/// The caller of a request.
#[derive(Debug, Clone)]
pub enum Caller {
    AdminToken,
    /// The user, with the entity tag.
    User(Box<Answer<User>>),
}

impl Caller {
    pub fn is_admin(&self) -> bool {
        self.user().is_none_or(|user| user.admin)
    }

    /// The user; `None` for the admin token.
    pub fn user(&self) -> Option<&User> {
        match self {
            Caller::AdminToken => None,
            Caller::User(user) => Some(&user.body),
        }
    }

    /// The idempotency key for configstore, in which keys of different callers differ.
    pub fn scoped(&self, key: Uuid) -> String {
        match self.user() {
            None => format!("admin.{key}"),
            Some(user) => format!("{}.{key}", user.id),
        }
    }
}

//! The token that a request presents, and whose it is.

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::{Behalf, Right, TokenDigest, User};
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

/// What a request presents, before anybody was asked whose it is.
#[derive(Clone)]
pub enum Presented {
    /// The admin token. No service is asked to find that out, so that it is good while configstore
    /// is in maintenance, or away.
    AdminToken,
    Token(SecretString),
}

impl Presented {
    /// # Errors
    /// `unauthorized` for no token.
    pub fn of(gateway: &Gateway, headers: &HeaderMap) -> Result<Presented, ApiError> {
        let token = bearer(headers).filter(|token| !token.is_empty()).ok_or_else(unauthorized)?;
        Ok(match gateway.is_admin_token(token) {
            true => Presented::AdminToken,
            false => Presented::Token(SecretString::from(token)),
        })
    }

    /// A client that changes and shows only what these rights allow; the admin token has them all.
    pub fn limit(&self, client: &ConfigstoreClient, rights: &[Right]) -> ConfigstoreClient {
        let client = client.clone();
        match self {
            Presented::AdminToken => client,
            Presented::Token(token) => {
                let token = TokenDigest::of(token.expose_secret());
                client.on_behalf_of(&Behalf { token, rights: rights.to_vec() })
            }
        }
    }

    /// Asks whose token it is, and whether the rights are there. `absent` is what those are told
    /// who are not to know that the object exists.
    ///
    /// # Errors
    /// `unauthorized` for a token that nobody has, and what is told without the rights; what
    /// configstore refuses otherwise says nothing of either.
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

/// Who makes a request.
#[derive(Debug, Clone)]
pub enum Caller {
    AdminToken,
    /// With the user's entity tag.
    User(Box<Answer<User>>),
}

impl Caller {
    pub fn is_admin(&self) -> bool {
        self.user().is_none_or(|user| user.admin)
    }

    /// The user, if it is not just the admin token.
    pub fn user(&self) -> Option<&User> {
        match self {
            Caller::AdminToken => None,
            Caller::User(user) => Some(&user.body),
        }
    }

    /// A creation's key as configstore gets it: keys of different callers never meet.
    pub fn scoped(&self, key: Uuid) -> String {
        match self.user() {
            None => format!("admin.{key}"),
            Some(user) => format!("{}.{key}", user.id),
        }
    }
}

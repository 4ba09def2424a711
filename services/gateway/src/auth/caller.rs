//! From a token to whom it belongs.

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::{Behalf, Right, User};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, Code};
use uuid::Uuid;

use crate::errors;
use crate::errors::{is_code, unauthorized};
use crate::state::Gateway;

/// Who makes a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Bears the admin token. No service is asked to find that out, so that it is good while
    /// configstore is in maintenance, or away.
    AdminToken,
    User {
        user: User,
        /// The token that was presented, by its id.
        token: Uuid,
    },
}

impl Caller {
    /// # Errors
    /// `unauthorized` for no token or one that nobody has; what configstore refuses otherwise says
    /// nothing of the token.
    pub async fn authenticate(
        gateway: &Gateway,
        configstore: &ConfigstoreClient,
        ctx: &Context,
        token: Option<&str>,
    ) -> Result<Caller, ApiError> {
        let token = token.filter(|token| !token.is_empty()).ok_or_else(unauthorized)?;
        if gateway.is_admin_token(token) {
            return Ok(Caller::AdminToken);
        }
        match configstore.resolve_token(ctx, token).await {
            Ok(resolved) => Ok(Caller::User { user: resolved.user, token: resolved.token.id }),
            Err(error) if is_code(&error, Code::TokenNotExist) => {
                Err(unauthorized().with_source(error))
            }
            Err(error) => Err(errors::of(error, [])),
        }
    }

    pub fn is_admin(&self) -> bool {
        match self {
            Caller::AdminToken => true,
            Caller::User { user, .. } => user.admin,
        }
    }

    /// The user, if it is not just the admin token.
    pub fn user(&self) -> Option<&User> {
        match self {
            Caller::AdminToken => None,
            Caller::User { user, .. } => Some(user),
        }
    }

    /// For whom changes are made that take these rights; nobody, for whom nothing is forbidden.
    pub fn behalf(&self, rights: &[Right]) -> Option<Behalf> {
        match self {
            Caller::AdminToken => None,
            Caller::User { token, .. } => Some(Behalf { token: *token, rights: rights.to_vec() }),
        }
    }

    /// Of whom only that is shown which they may see; `None`: all is shown.
    pub fn sees_as(&self) -> Option<Uuid> {
        self.user().filter(|user| !user.admin).map(|user| user.id)
    }

    /// A creation's key as configstore gets it: keys of different callers never meet.
    pub fn scoped(&self, key: Uuid) -> String {
        match self {
            Caller::AdminToken => format!("admin.{key}"),
            Caller::User { user, .. } => format!("{}.{key}", user.id),
        }
    }
}

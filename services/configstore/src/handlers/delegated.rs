//! The delegation of a request, and the note that its token was used.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use drydock_api::configstore::refusals::NotEntitled;
use drydock_api::configstore::types::{Delegation, ON_BEHALF_OF};
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::error::{ActionError, ApiError, Chain, Code};
use drydock_http::server::audit;
use drydock_http::server::audit::AuditCaller;
use http::request::Parts;

use crate::action::delegation::{Caller, authorize};
use crate::action::token as action;
use crate::record::Token;
use crate::state::App;

/// The longest time that an answer waits until the use of a token is noted.
const NOTE_TIMEOUT: Duration = Duration::from_secs(2);

/// The token with which a request was made, once it is known.
#[derive(Clone, Default)]
pub struct UsedToken(Arc<OnceLock<Token>>);

impl UsedToken {
    /// Sets the token, unless it is set.
    pub fn set(&self, token: &Token) {
        self.0.get_or_init(|| token.clone());
    }

    /// Notes the use in the store, if there is a token and its last note is old enough. A failure
    /// is logged: the answer does not depend on it.
    pub async fn note(&self, app: &App, ctx: &Context) {
        let now = app.context.env.now();
        let used = self.0.get().filter(|token| action::is_to_be_noted(token, now));
        let Some(id) = used.map(|token| token.id) else { return };
        if let Some(first) = used.filter(|token| token.last_used_at.is_none()) {
            let caller = format!("user {}", first.user);
            audit::first_use(app.context.service, &caller, &format!("token {}", first.id));
        }
        let ctx = ctx.timeout(NOTE_TIMEOUT);
        let noted = app.service.store.transact(&ctx, move |tx| {
            action::note_use(tx, id, now)?;
            Ok(())
        });
        if let Err(error) = noted.await {
            let error = Chain(error.as_ref()).to_string();
            tracing::warn!(token = %id, error, "the use of a token is not noted");
        }
    }
}

/// The delegation that a request carries, if any.
#[derive(Clone)]
pub struct Delegated {
    /// `None`: the internal token alone is enough.
    delegation: Option<Delegation>,
    pub used: UsedToken,
    audit: AuditCaller,
}

impl Delegated {
    pub fn of(parts: &Parts) -> Result<Delegated, ApiError> {
        let given = parts.headers.get(ON_BEHALF_OF);
        let delegation = given.map(|value| serde_json::from_slice(value.as_bytes())).transpose();
        let delegation = delegation.map_err(|error| {
            let message = "`Drydock-On-Behalf-Of` must be JSON with a token and rights";
            let error = ApiError::new(Code::InvalidHeader.kind()).with_source(error);
            error.with_code(Code::InvalidHeader).with_message(message)
        })?;
        let audit = AuditCaller::of(parts);
        if delegation.is_none() {
            audit.set(|| "internal token".to_owned());
        }
        Ok(Delegated { delegation, used: UsedToken::default(), audit })
    }

    pub fn is_some(&self) -> bool {
        self.delegation.is_some()
    }

    /// Checks the rights of the delegation in this state, and returns its caller.
    pub fn authorize(&self, tx: &Tx<'_>) -> Result<Option<Caller>, ActionError<NotEntitled>> {
        let Some(delegation) = &self.delegation else { return Ok(None) };
        let caller = authorize(tx, delegation)?;
        self.used.set(&caller.token);
        self.audit.set(|| format!("user {} ({})", caller.user.name, caller.user.id));
        Ok(Some(caller))
    }
}

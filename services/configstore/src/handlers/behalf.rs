//! On whose behalf a request is made.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use drydock_api::configstore::refusals::NotEntitled;
use drydock_api::configstore::types::{Behalf, ON_BEHALF_OF};
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::error::{ActionError, ApiError, Chain, Code};
use http::HeaderMap;

use crate::action::delegation::{Caller, judge};
use crate::action::token as action;
use crate::record::Token;
use crate::state::App;

/// How long an answer waits until a token's use is noted.
const NOTING: Duration = Duration::from_secs(2);

/// The token that a request was found to be made with.
#[derive(Clone, Default)]
pub struct Used(Arc<OnceLock<Token>>);

impl Used {
    /// The first one stays.
    pub fn set(&self, token: &Token) {
        self.0.get_or_init(|| token.clone());
    }

    /// Writes down that the token was used, if there is one and it is time. What was asked does not
    /// depend on it.
    pub async fn note(&self, app: &App, ctx: &Context) {
        let now = app.context.env.now();
        let used = self.0.get().filter(|token| action::is_to_be_noted(token, now));
        let Some(id) = used.map(|token| token.id) else { return };
        let noting = ctx.timeout(NOTING);
        let noted = app.service.store.transact(&noting, move |tx| {
            action::note_use(tx, id, now)?;
            Ok(())
        });
        if let Err(error) = noted.await {
            let error = Chain(error.as_ref()).to_string();
            tracing::warn!(token = %id, error, "the use of a token is not noted");
        }
    }
}

/// Those for whom a request says to be made.
#[derive(Clone)]
pub struct OnBehalf {
    /// Nobody's in particular: the internal token is enough.
    behalf: Option<Behalf>,
    pub used: Used,
}

impl OnBehalf {
    pub fn of(headers: &HeaderMap) -> Result<OnBehalf, ApiError> {
        let given = headers.get(ON_BEHALF_OF);
        let behalf = given.map(|value| serde_json::from_slice(value.as_bytes())).transpose();
        let behalf = behalf.map_err(|error| {
            let message = "`Drydock-On-Behalf-Of` must be JSON with a token and rights";
            let error = ApiError::new(Code::InvalidHeader.kind()).with_source(error);
            error.with_code(Code::InvalidHeader).with_message(message)
        })?;
        Ok(OnBehalf { behalf, used: Used::default() })
    }

    pub fn is_somebody(&self) -> bool {
        self.behalf.is_some()
    }

    /// Who it is, with all rights that this takes; `None` for nobody in particular.
    pub fn judge(&self, tx: &Tx<'_>) -> Result<Option<Caller>, ActionError<NotEntitled>> {
        let Some(behalf) = &self.behalf else { return Ok(None) };
        let caller = judge(tx, behalf)?;
        self.used.set(&caller.token);
        Ok(Some(caller))
    }
}

use drydock_api::gateway::endpoints::run as failures;
use drydock_api::runservice::refusals::{CursorExpired, InvalidFrom};
use drydock_api::runservice::types::{EventPage, EventsQuery};
use drydock_core::error::ActionError;
use drydock_http::client::{AnswerStream, ClientError};

use crate::auth::Look;
use crate::auth::require::{Project, Reads};
use crate::errors;
use crate::errors::Shown;

/// One page of the events of the project's runs.
pub async fn page(
    look: &Look<Reads<Project>>,
    from: Option<String>,
) -> Result<EventPage, ActionError<failures::Events>> {
    let runs = look.runs::<failures::Events>().await?;
    let query = EventsQuery { from, project: Some(runs.id()) };
    runs.runservice.events(&runs.ctx, &query).await.map_err(refused)
}

/// The events of the project's runs as they come.
pub async fn follow(
    look: &Look<Reads<Project>>,
    from: Option<String>,
) -> Result<AnswerStream, ActionError<failures::Events>> {
    let runs = look.runs::<failures::Events>().await?;
    let query = EventsQuery { from, project: Some(runs.id()) };
    let followed = runs.runservice.follow_events(&runs.ctx, &query).await;
    Ok(followed.map_err(refused)?.body)
}

fn refused(error: ClientError) -> ActionError<failures::Events> {
    // The cursor at which to go on is in the service's message.
    let message = error.remote().map(|remote| remote.message.clone()).unwrap_or_default();
    let restart = message.split('`').nth(1).unwrap_or_default();
    let own: [Shown<_>; 2] = [CursorExpired(restart.to_owned()).into(), InvalidFrom.into()];
    errors::refused_by_runservice(error, own)
}

//! Events: a page as JSON, or all that follow as a stream (`text/event-stream`).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_api::runservice::endpoints::event as failures;
use drydock_api::runservice::refusals::InvalidFrom;
use drydock_api::runservice::types::{
    EVENT_STREAM, EventPage, EventsQuery, LAST_EVENT_ID, ProjectId, RunEventView,
};
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::store::Reads;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::Query;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::sync::watch;
use tokio::time::Instant;

use super::access::Reader;
use crate::action::cursor::EventCursor;
use crate::action::event::{self as action, Read};
use crate::state::App;

/// The pause after which a stream that has nothing to say shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The timeout of one read of a stream.
const TIMEOUT: Duration = Duration::from_secs(10);

pub async fn list(
    State(app): State<App>,
    reader: Reader<failures::List>,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, OperationError<failures::List>> {
    let last = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("").to_owned());
    let from = last.or(query.from);
    let from =
        from.map(|from| from.parse::<EventCursor>().map_err(|()| InvalidFrom)).transpose()?;
    let project = query.project;
    let read =
        reader.read(Reads::Linearizable, move |tx| Ok(action::after(tx, from, project)?)).await?;
    let (events, next) = match read {
        Read::Events(events, next) => (events, next),
        Read::Expired(restart) => return Err(action::expired(restart).into()),
    };
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains(EVENT_STREAM)) {
        return Ok(stream(app, project, events, next));
    }
    Ok((StatusCode::OK, axum::Json(EventPage { items: events, next: next.to_string() }))
        .into_response())
}

/// One stream: what it has sent, and what wakes it.
struct Following {
    app: App,
    project: Option<ProjectId>,
    /// What is read, and not sent yet.
    events: Vec<RunEventView>,
    /// Where it stands after those.
    at: EventCursor,
    /// The newest event of the read model.
    newest: watch::Receiver<Option<EventCursor>>,
    /// There may be more already.
    look: bool,
}

fn stream(
    app: App,
    project: Option<ProjectId>,
    events: Vec<RunEventView>,
    at: EventCursor,
) -> Response {
    let newest = app.service.events.subscribe();
    let following = Following { app, project, events, at, newest, look: true };
    let chunks = futures_util::stream::unfold(following, |mut following| async move {
        let chunk = following.next().await?;
        Some((Ok::<_, Infallible>(chunk), following))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Following {
    /// The next part of the stream; `None`: it ends, and may be taken up again where it stands.
    async fn next(&mut self) -> Option<Bytes> {
        if self.events.is_empty() {
            let gate = self.app.context.gate.clone();
            let more = tokio::select! {
                more = self.wait() => more?,
                () = gate.closed() => return None,
            };
            if let More::Nothing = more {
                // The id moves on over the events of other projects, so that it does not expire.
                return Some(Bytes::from(format!(":\nid: {}\n\n", self.at)));
            }
        }
        let mut text = String::new();
        for event in std::mem::take(&mut self.events) {
            let at = EventCursor { seq: event.seq, ..self.at };
            let data = serde_json::to_string(&event).expect("events are JSON");
            text += &format!("id: {at}\nevent: run\ndata: {data}\n\n");
        }
        Some(Bytes::from(text))
    }

    /// Waits until there are more events, or none has come for a while.
    async fn wait(&mut self) -> Option<More> {
        let silent_at = Instant::now() + HEARTBEAT;
        loop {
            let mut silent = false;
            if !std::mem::take(&mut self.look) {
                // If nothing comes, it looks all the same: a look of the other loop may have
                // failed.
                match tokio::time::timeout_at(silent_at, self.newest.changed()).await {
                    Ok(woken) => woken.ok()?,
                    Err(_) => silent = true,
                }
            }
            self.look().await?;
            if !self.events.is_empty() {
                return Some(More::Events);
            }
            if silent {
                return Some(More::Nothing);
            }
        }
    }

    /// Reads the next page of events.
    async fn look(&mut self) -> Option<()> {
        let (at, project) = (self.at, self.project);
        let ctx = Context::background().timeout(TIMEOUT);
        let after = move |tx: &Tx<'_>| Ok(action::after(tx, Some(at), project)?);
        match self.app.service.store.read(&ctx, Reads::Local, after).await {
            Ok(Read::Events(events, next)) => {
                self.at = next;
                // The page may not have been the last.
                self.look = !events.is_empty();
                self.events = events;
                Some(())
            }
            // The lineage was left, or the read failed: the client asks again, and learns it.
            Ok(Read::Expired(_)) | Err(_) => None,
        }
    }
}

enum More {
    Events,
    Nothing,
}

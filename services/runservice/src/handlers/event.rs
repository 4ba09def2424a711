//! Events: a page as JSON, or all that follow as a stream (`text/event-stream`).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_api::runservice::endpoints::event as failures;
use drydock_api::runservice::refusals::InvalidFrom;
use drydock_api::runservice::types::{EventPage, EventsQuery, RunEventView};
use drydock_core::context::Context;
use drydock_core::store::Reads;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::Query;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::watch;

use super::access::Reader;
use crate::action::cursor::EventCursor;
use crate::action::event::{self as action, Read};
use crate::state::App;

/// The header in which an EventSource gives back the id of the last event it got.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const EVENT_STREAM: &str = "text/event-stream";
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
    let read = reader.read(Reads::Linearizable, move |tx| Ok(action::after(tx, from)?)).await?;
    let (events, next) = match read {
        Read::Events(events, next) => (events, next),
        Read::Expired(restart) => return Err(action::expired(restart).into()),
    };
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains(EVENT_STREAM)) {
        return Ok(stream(app, events, next));
    }
    Ok((StatusCode::OK, axum::Json(EventPage { items: events, next: next.to_string() }))
        .into_response())
}

/// One stream: what it has sent, and what wakes it.
struct Following {
    app: App,
    /// Where it stands.
    at: EventCursor,
    /// What is read, and not sent yet.
    events: Vec<RunEventView>,
    /// The newest event of the read model.
    newest: watch::Receiver<Option<EventCursor>>,
    /// There may be more already.
    look: bool,
}

fn stream(app: App, events: Vec<RunEventView>, next: EventCursor) -> Response {
    let at = EventCursor { seq: next.seq - events.len() as u64, ..next };
    let newest = app.service.events.subscribe();
    let following = Following { app, at, events, newest, look: true };
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
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
        let mut text = String::new();
        for event in std::mem::take(&mut self.events) {
            self.at.seq = event.seq;
            let data = serde_json::to_string(&event).expect("events are JSON");
            text += &format!("id: {}\nevent: run\ndata: {data}\n\n", self.at);
        }
        Some(Bytes::from(text))
    }

    /// Waits until there are more events, or nothing has come for a while.
    async fn wait(&mut self) -> Option<More> {
        let at = self.at;
        if !std::mem::take(&mut self.look) {
            // If nothing comes, it looks all the same: a look of the other loop may have failed.
            let _late = tokio::time::timeout(HEARTBEAT, self.newest.changed()).await;
        }
        let ctx = Context::background().timeout(TIMEOUT);
        let read = self
            .app
            .service
            .store
            .read(&ctx, Reads::Local, move |tx| Ok(action::after(tx, Some(at))?));
        match read.await {
            Ok(Read::Events(events, _)) => {
                // The page may not have been the last.
                self.look = !events.is_empty();
                self.events = events;
                Some(if self.events.is_empty() { More::Nothing } else { More::Events })
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

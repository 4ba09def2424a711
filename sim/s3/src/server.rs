//! S3 on a listener.
//!
//! A request takes effect at one moment: when all of it has arrived, and the delay before it is
//! over.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPECT, HeaderName, HeaderValue, SERVER,
    TRANSFER_ENCODING,
};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::api::{self, Api, Request};
use super::auth;
use super::error::{Code, S3Error};
use super::interference::{self, Call, Interference, Outcome, Strike};
use super::net::{Accept, BoxStream};
use super::over::Over;
use super::request::form::Form;
use super::request::head::Head;
use super::request::operation::Operation;
use super::settings::{Clock, Personality, Settings};
use super::state::{State, Ticket};
use super::wire::reply::{Reply, http_date};

type Answered = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// A server's state and settings. They outlive the host that serves them.
pub struct S3 {
    state: Mutex<State>,
    rng: Mutex<ChaCha12Rng>,
    settings: Settings,
    personality: Mutex<Personality>,
    clock: Arc<dyn Clock>,
    interference: Arc<dyn Interference>,
}

/// Serves until `shutdown`; requests that are open then are finished. Dropping the future is what
/// the death of a process looks like to clients.
pub async fn serve(mut listener: Box<dyn Accept>, s3: Arc<S3>, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    let end = CancellationToken::new();
    let _ends_connections = end.clone().drop_guard();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, s3.clone(), shutdown.clone());
                connections.spawn(end.clone().run_until_cancelled_owned(connection));
            }
            Err(error) => tracing::debug!(%error, "could not accept a connection"),
        }
    }
    connections.close();
    connections.wait().await;
}

async fn connection(stream: BoxStream, peer: String, s3: Arc<S3>, shutdown: CancellationToken) {
    let peer: Arc<str> = peer.into();
    let service = service_fn(move |request| {
        let (s3, peer) = (s3.clone(), peer.clone());
        async move { s3.answer(request, &peer).await }
    });
    let mut serving = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service)
    );
    let done = match shutdown.run_until_cancelled(serving.as_mut()).await {
        Some(done) => done,
        None => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "connection failed");
    }
}

impl S3 {
    /// `rng` is where the ids of requests and uploads are drawn from.
    pub fn new(
        settings: Settings,
        clock: Arc<dyn Clock>,
        rng: ChaCha12Rng,
        interference: Arc<dyn Interference>,
    ) -> S3 {
        S3::with_state(State::default(), settings, clock, rng, interference)
    }

    pub fn with_state(
        state: State,
        settings: Settings,
        clock: Arc<dyn Clock>,
        rng: ChaCha12Rng,
        interference: Arc<dyn Interference>,
    ) -> S3 {
        let personality = Mutex::new(settings.personality.clone());
        let (state, rng) = (Mutex::new(state), Mutex::new(rng));
        S3 { state, rng, settings, personality, clock, interference }
    }

    /// Makes it another kind of server from now on.
    pub fn change(&self, change: impl FnOnce(&mut Personality)) {
        change(&mut self.personality.lock().expect("no holder of this lock panics"));
    }

    pub fn personality(&self) -> Personality {
        self.personality.lock().expect("no holder of this lock panics").clone()
    }

    /// What is stored, for whoever must know the truth.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    fn random(&self) -> u64 {
        self.rng.lock().expect("no holder of this lock panics").random()
    }

    /// An error ends the connection without an answer.
    async fn answer(&self, request: http::Request<Incoming>, peer: &str) -> io::Result<Answered> {
        let (request_id, host_id) = (format!("{:016X}", self.random()), self.random());
        let host_id = super::wire::digest::base64(&host_id.to_be_bytes());
        let resource = request.uri().path().to_owned();
        // S3 says `100 Continue` before bodies of no bytes, too; hyper does not. botocore cannot
        // use a connection again on which the answer came without it.
        let is_last = request.headers().contains_key(EXPECT) && request.body().is_end_stream();
        let mut over = Over::new(&*self.interference, peer);
        let (result, outcome) = self.handle(request, peer, &mut over).await?;
        let result = match outcome.code() {
            Some(code) => Err(code.into()),
            None => result,
        };
        let code = result.as_ref().err().map(|error| error.code);
        let mut reply = result
            .unwrap_or_else(|error| Reply::error(&error, &resource, &request_id, &host_id))
            .with("x-amz-request-id", request_id)
            .with("x-amz-id-2", host_id);
        if outcome.is_late() {
            reply.status = StatusCode::OK;
        }
        over.answer = Some(interference::Answer { status: reply.status.as_u16(), code });
        let mut response = self.response(reply, outcome);
        if is_last {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// What a request came to, and what is to go wrong with the answer.
    async fn handle(
        &self,
        request: http::Request<Incoming>,
        peer: &str,
        over: &mut Over<'_>,
    ) -> io::Result<(Result<Reply, S3Error>, Outcome)> {
        let arrived = self.clock.now();
        let (parts, body) = request.into_parts();
        let domain = self.settings.domain.as_deref();
        let head = Head::parse(parts.method, &parts.uri, parts.headers, domain);
        let understood = head.and_then(|head| Ok((Operation::of(&head)?, head)));
        let (operation, head) = match understood {
            Ok(understood) => understood,
            Err(error) => {
                self.discard(body).await?;
                return Ok((Err(error), Outcome::Fine));
            }
        };
        let Strike { before, outcome, after, mark } = self.strike(peer, operation, &head);
        over.understood(operation, &head, mark);
        let arrival = Arrival::begin(self, operation, &head);
        let raw = match self.read(&head, body).await? {
            Ok(raw) => raw,
            Err(error) => return Ok((Err(error), Outcome::Fine)),
        };
        tokio::time::sleep(before).await;
        let disturbed = arrival.end();
        if outcome == Outcome::ResetBefore {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let result = match outcome.applies() {
            true => self.apply(peer, operation, head, raw, disturbed, arrived),
            false => Ok(Reply::empty(StatusCode::OK)),
        };
        tokio::time::sleep(after).await;
        match outcome {
            Outcome::ResetAfter => Err(io::ErrorKind::ConnectionReset.into()),
            outcome => Ok((result, outcome)),
        }
    }

    fn strike(&self, peer: &str, operation: Operation, head: &Head) -> Strike {
        let bucket = head.bucket.as_deref().unwrap_or_default();
        let key = head.key.as_deref().unwrap_or_default();
        let mut strike = self.interference.strike(&Call { peer, operation, bucket, key });
        let may_be_late = matches!(
            operation,
            Operation::CopyObject | Operation::UploadPartCopy | Operation::CompleteMultipartUpload
        );
        strike.outcome = match strike.outcome {
            Outcome::LateRefuse(code) if !may_be_late => Outcome::Refuse(code),
            Outcome::LateFail(code) if !may_be_late => Outcome::Fail(code),
            outcome => outcome,
        };
        strike
    }

    async fn read(&self, head: &Head, body: Incoming) -> io::Result<Result<Bytes, S3Error>> {
        let unsized_body = head.has_header(TRANSFER_ENCODING.as_str())
            && !head.has_header("x-amz-decoded-content-length");
        if unsized_body && !body.is_end_stream() {
            return Ok(Err(Code::MissingContentLength.into()));
        }
        let limit = self.settings.max_body_bytes;
        match Limited::new(body, limit).collect().await {
            Ok(read) => Ok(Ok(read.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => {
                let error = S3Error::from(Code::EntityTooLarge);
                Ok(Err(error.with("MaxSizeAllowed", limit)))
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Reads a body that nobody wants. What is left of it would end the connection, and clients
    /// that keep connections for later would find out too late.
    async fn discard(&self, body: Incoming) -> io::Result<()> {
        let mut body = Limited::new(body, self.settings.max_body_bytes);
        while let Some(frame) = body.frame().await {
            frame.map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn apply(
        &self,
        peer: &str,
        operation: Operation,
        head: Head,
        raw: Bytes,
        disturbed: bool,
        arrived: Timestamp,
    ) -> Result<Reply, S3Error> {
        let Settings { keys, account, region, .. } = &self.settings;
        let personality = &self.personality();
        let (head, body, trailers) = match operation {
            Operation::PostObject => {
                let (head, file) = posted(head, &raw, keys, region, arrived)?;
                (head, file, Vec::new())
            }
            _ => {
                let payload = auth::verify(&head, keys, region, arrived)?;
                let (body, trailers) = auth::decode(&head, payload, raw)?;
                (head, body, trailers)
            }
        };
        let random = self.random();
        let mut state = self.state();
        let new_id = format!("{:016x}{random:016x}", state.next_id());
        let mut api = Api {
            state: &mut state,
            personality,
            account,
            region,
            interference: &*self.interference,
            peer,
            now: self.clock.now(),
            new_id,
        };
        api.answer(&Request { head, operation, body, trailers, disturbed })
    }

    fn response(&self, reply: Reply, outcome: Outcome) -> Answered {
        let length = reply.length.unwrap_or(reply.body.len() as u64);
        let body = match outcome {
            Outcome::Truncate(bytes) if bytes < reply.body.len() => {
                let begun = reply.body.slice(..bytes);
                let begun = stream::iter((bytes > 0).then(|| Ok(Frame::data(begun))));
                // After the pause: hyper writes nothing of an answer that fails at once.
                let end = stream::once(async {
                    tokio::task::yield_now().await;
                    Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut off on purpose"))
                });
                BodyExt::boxed_unsync(StreamBody::new(begun.chain(end)))
            }
            _ => Full::new(reply.body).map_err(|never| match never {}).boxed_unsync(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        let headers = response.headers_mut();
        let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        if !bodiless.contains(&reply.status) {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        headers.insert(SERVER, HeaderValue::from_static("AmazonS3"));
        let date = http_date(self.clock.now());
        headers.insert(DATE, HeaderValue::from_str(&date).expect("dates are ASCII"));
        response
    }
}

/// A form as the request that it stands for: its fields are the headers.
fn posted(
    mut head: Head,
    raw: &Bytes,
    keys: &auth::Keys,
    region: &str,
    now: Timestamp,
) -> Result<(Head, Bytes), S3Error> {
    let form = Form::parse(&head.header("content-type").unwrap_or_default(), raw)?;
    let bucket = head.bucket.clone().unwrap_or_default();
    auth::verify_form(&form, &bucket, keys, region, now)?;
    head.headers.remove(CONTENT_TYPE);
    for (name, value) in &form.fields {
        // Two have names of their own, and one of them is a document.
        let (name, value) = match name.as_str() {
            "acl" => ("x-amz-acl", value.clone()),
            "tagging" => ("x-amz-tagging", api::tags_of_form(value)?),
            name => (name, value.clone()),
        };
        let name = HeaderName::from_bytes(name.as_bytes()).ok();
        if let Some((name, value)) = name.zip(HeaderValue::from_bytes(value.as_bytes()).ok()) {
            head.headers.insert(name, value);
        }
    }
    head.set_key(form.fields.get("key").map_or("", String::as_str))?;
    Ok((head, form.file))
}

/// A conditional write from its head to its effect; it may also die on the way.
struct Arrival<'a> {
    s3: &'a S3,
    ticket: Option<Ticket>,
}

impl<'a> Arrival<'a> {
    fn begin(s3: &'a S3, operation: Operation, head: &Head) -> Arrival<'a> {
        let conditional = head.has_header("if-match") || head.has_header("if-none-match");
        let ticket = match (&head.bucket, &head.key) {
            (Some(bucket), Some(key)) if conditional && operation.writes_object() => {
                Some(s3.state().begin_write(bucket, key))
            }
            _ => None,
        };
        Arrival { s3, ticket }
    }

    /// Whether another write came in between.
    fn end(mut self) -> bool {
        self.finish()
    }

    fn finish(&mut self) -> bool {
        let ticket = self.ticket.take();
        ticket.is_some_and(|ticket| self.s3.state().end_write(&ticket))
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}

//! Requests, and exchanges (request and answer together) as texts for snapshots.
//!
//! Every request has the client's token and the request id `test`, unless it says otherwise; both
//! are left out of the text.

use std::fmt::{self, Write};

use bytes::Bytes;
use drydock_core::net::SharedNet;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;

const REQUEST_ID: &str = "test";
/// Longer texts are cut in the middle of a snapshot.
const MAX_SHOWN: usize = 8000;

/// A request that can be sent again and again.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    anonymous: bool,
}

impl Request {
    pub fn new(method: Method, path: &str) -> Request {
        let path = path.to_owned();
        Request { method, path, headers: Vec::new(), body: Bytes::new(), anonymous: false }
    }

    pub fn get(path: &str) -> Request {
        Request::new(Method::GET, path)
    }

    pub fn post(path: &str) -> Request {
        Request::new(Method::POST, path)
    }

    pub fn put(path: &str) -> Request {
        Request::new(Method::PUT, path)
    }

    pub fn delete(path: &str) -> Request {
        Request::new(Method::DELETE, path)
    }

    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Request {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Request {
        self.body = body.into();
        self
    }

    /// Without a token.
    pub fn anonymous(mut self) -> Request {
        self.anonymous = true;
        self
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(has, _)| has == name)
    }
}

/// Speaks to one server with one token.
#[derive(Clone)]
pub struct Client {
    pub net: SharedNet,
    pub address: String,
    pub token: String,
}

impl Client {
    /// Sends over a connection of its own, and reads the whole answer.
    ///
    /// # Panics
    /// If there is none.
    pub async fn send(&self, request: Request) -> Exchange {
        self.try_send(request).await.expect("the server answers in full")
    }

    /// As [`send`](Self::send), for servers that may die meanwhile.
    ///
    /// # Errors
    /// If no connection comes about, or the answer does not come to its end.
    pub async fn try_send(&self, request: Request) -> Result<Exchange, Box<dyn std::error::Error>> {
        let stream = self.net.dial(&self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(self.head(&request)?).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value)));
        Ok(Exchange { request, status: parts.status, headers: headers.collect(), body })
    }

    fn head(&self, request: &Request) -> http::Result<http::Request<Full<Bytes>>> {
        let mut head = http::Request::builder()
            .method(request.method.clone())
            .uri(&request.path)
            .header("host", &self.address)
            .header("connection", "close");
        if !request.anonymous && !request.has("authorization") {
            head = head.header("authorization", format!("Bearer {}", self.token));
        }
        if !request.has("x-request-id") {
            head = head.header("x-request-id", REQUEST_ID);
        }
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        head.body(Full::new(request.body.clone()))
    }
}

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Request,
    pub status: StatusCode,
    headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Exchange {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(has, _)| has == name);
        found.map(|(_, value)| value.as_str())
    }

    /// # Panics
    /// If the body is no text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is a text")
    }

    /// # Panics
    /// If the body is no JSON.
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|error| panic!("{error} in the body of\n{self}"))
    }

    /// The same without what was sent with the request, which may be long.
    pub fn without_request(mut self) -> Exchange {
        self.request.body = Bytes::new();
        self
    }

    /// The same with only those lines of the body.
    ///
    /// # Panics
    /// If the body is no text.
    pub fn only_lines(mut self, keep: impl Fn(&str) -> bool) -> Exchange {
        let kept: Vec<_> = self.text().lines().filter(|line| keep(line)).collect();
        self.body = Bytes::from(kept.join("\n"));
        self
    }

    /// The field of a JSON object, as a text.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn field(&self, name: &str) -> String {
        let json = self.json();
        let text = json[name].as_str();
        text.unwrap_or_else(|| panic!("no text `{name}` in\n{self}")).to_owned()
    }

    /// The exchange, which must have this status.
    ///
    /// # Panics
    /// If it has another.
    pub fn expect(self, status: u16) -> Exchange {
        assert_eq!(self.status.as_u16(), status, "{self}");
        self
    }

    /// Status and code in one line; checks that an error has the body of an error.
    ///
    /// # Panics
    /// If it has not.
    pub fn outcome(&self) -> String {
        let status = self.status.as_u16();
        if status < 400 {
            return status.to_string();
        }
        let body = self.json();
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        assert!(body.as_object().is_some_and(|fields| fields.len() == 2), "{self}");
        assert!(text("message").is_some(), "{self}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self}");
        let code = text("code").expect("an error has a code");
        match self.header("retry-after") {
            Some(seconds) => format!("{status} {code}, retry after {seconds} s"),
            None => format!("{status} {code}"),
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { method, path, headers, body, anonymous } = &self.request;
        writeln!(f, "{method} {path}")?;
        if *anonymous {
            writeln!(f, "(without a token)")?;
        }
        write_message(f, headers, body)?;
        writeln!(f, "\n→ {}", self.status)?;
        let hidden = |(name, value): &&(String, String)| match name.as_str() {
            "content-length" | "connection" | "transfer-encoding" => false,
            "x-request-id" => value != REQUEST_ID,
            _ => true,
        };
        let shown: Vec<_> = self.headers.iter().filter(hidden).cloned().collect();
        write_message(f, &shown, &self.body)
    }
}

fn write_message(
    f: &mut fmt::Formatter<'_>,
    headers: &[(String, String)],
    body: &Bytes,
) -> fmt::Result {
    for (name, value) in headers {
        writeln!(f, "{name}: {value}")?;
    }
    if body.is_empty() {
        return Ok(());
    }
    let text = match (serde_json::from_slice::<Value>(body), std::str::from_utf8(body)) {
        (Ok(json), Ok(_)) => format!("{json:#}"),
        (_, Ok(text)) => text.trim_end().to_owned(),
        _ => format!("({} bytes that are no text)", body.len()),
    };
    f.write_char('\n')?;
    match text.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => writeln!(f, "{} … ({} bytes)", &text[..cut.min(100)], text.len()),
        None => writeln!(f, "{text}"),
    }
}

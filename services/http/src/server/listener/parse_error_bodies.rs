//! A stream that gives hyper's own refusals our body.
//!
//! A head that hyper cannot parse reaches no router: hyper answers 400, 414 or 431 without a body,
//! and ends the connection. Hyper has no hook for that, so it is done on its way out. Only what
//! hyper writes by itself looks like this: every answer of the router has a request id, and no body
//! of ours ends with an empty line.
//!
//! All of them become 400 with `invalid_header`, which the API document lists everywhere. Absent on
//! purpose: a request id and metrics, since there is no request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use drydock_core::error::Code;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::api::error_body::{ErrorBody, status_of};

/// How hyper begins and ends its own refusals, with what they mean.
const STARTS: [(&str, &str); 3] = [
    ("400 Bad Request\r\n", "the head of the request is not HTTP/1.1"),
    ("414 URI Too Long\r\n", TOO_LARGE),
    ("431 Request Header Fields Too Large\r\n", TOO_LARGE),
];
const TOO_LARGE: &str = "the head of the request has too many headers or bytes, or tells of a body \
    that is too large";
const VERSIONS: [&str; 2] = ["HTTP/1.1 ", "HTTP/1.0 "];
const ENDS: [&str; 2] =
    ["connection: close\r\ncontent-length: 0\r\n\r\n", "content-length: 0\r\n\r\n"];

/// How long what the client still sends is read after a refusal: bytes that nobody reads make its
/// side forget the answer.
const LINGER: Duration = Duration::from_secs(2);

pub(crate) struct Refusals<S> {
    stream: S,
    state: State,
}

enum State {
    Serving,
    /// Writes our text in the place of hyper's.
    Refusing {
        text: Vec<u8>,
        written: usize,
    },
    Refused,
    Lingering(Pin<Box<Sleep>>),
}

impl<S> Refusals<S> {
    pub(crate) fn new(stream: S) -> Refusals<S> {
        Refusals { stream, state: State::Serving }
    }
}

/// Where in `bytes` a refusal of hyper's begins, and what it means.
fn find(bytes: &[u8]) -> Option<(usize, &'static str)> {
    for (start, meaning) in STARTS {
        for version in VERSIONS {
            for end in ENDS {
                let length = version.len() + start.len() + end.len();
                let at = bytes.len().checked_sub(length);
                let found = at.filter(|at| {
                    let rest = bytes[*at..].strip_prefix(version.as_bytes());
                    let rest = rest.and_then(|rest| rest.strip_prefix(start.as_bytes()));
                    rest == Some(end.as_bytes())
                });
                if let Some(at) = found {
                    return Some((at, meaning));
                }
            }
        }
    }
    None
}

/// The whole answer.
fn refusal(meaning: &str) -> Vec<u8> {
    let code = Code::InvalidHeader;
    let body = ErrorBody { code: code.to_string(), message: meaning.to_owned() };
    let body = serde_json::to_string(&body).expect("two texts are JSON");
    let (status, length) = (status_of(code.kind()), body.len());
    let head = "connection: close\r\ncontent-type: application/json\r\ncontent-length: ";
    format!("HTTP/1.1 {status}\r\n{head}{length}\r\n\r\n{body}").into_bytes()
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusals<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refusals<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Refusals { stream, state } = &mut *self;
        let mut stream = Pin::new(stream);
        if matches!(state, State::Serving) {
            match find(bytes) {
                None => return stream.poll_write(cx, bytes),
                Some((0, meaning)) => {
                    *state = State::Refusing { text: refusal(meaning), written: 0 };
                }
                // The end of the answer before it goes first.
                Some((at, _)) => return stream.poll_write(cx, &bytes[..at]),
            }
        }
        if let State::Refusing { text, written } = state {
            while *written < text.len() {
                let more = ready!(stream.as_mut().poll_write(cx, &text[*written..]))?;
                if more == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                *written += more;
            }
            *state = State::Refused;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        match (filled.next(), filled.next()) {
            (Some(only), None) => self.poll_write(cx, only),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Refusals { stream, state } = &mut *self;
        let mut stream = Pin::new(stream);
        if !matches!(state, State::Lingering(_)) {
            ready!(stream.as_mut().poll_shutdown(cx))?;
        }
        if matches!(state, State::Refused) {
            *state = State::Lingering(Box::pin(tokio::time::sleep(LINGER)));
        }
        let State::Lingering(end) = state else { return Poll::Ready(Ok(())) };
        while end.as_mut().poll(cx).is_pending() {
            let mut rest = [0; 4096];
            let mut rest = ReadBuf::new(&mut rest);
            match ready!(stream.as_mut().poll_read(cx, &mut rest)) {
                Ok(()) if !rest.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const HYPERS: &str =
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    async fn passed(writes: &[&str]) -> String {
        let (near, mut far) = tokio::io::duplex(64);
        let writes: Vec<String> = writes.iter().map(|text| text.to_string()).collect();
        let writing = tokio::spawn(async move {
            let mut stream = Refusals::new(near);
            for text in writes {
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        writing.await.unwrap();
        text
    }

    #[tokio::test]
    async fn what_is_no_refusal_of_hypers_passes_as_it_is() {
        let own = HYPERS.replace("connection", "x-request-id: 1\r\nconnection");
        for text in [&*own, "", "0\r\n\r\n", &format!("{HYPERS}x"), &HYPERS[1..]] {
            assert_eq!(passed(&[text]).await, text);
        }
    }

    #[tokio::test]
    async fn a_refusal_behind_an_answer_leaves_that_as_it_is() {
        let answer = "HTTP/1.1 204 No Content\r\n\r\n";
        let alone = passed(&[HYPERS]).await;
        assert!(alone.ends_with(r#""the head of the request is not HTTP/1.1"}"#), "{alone}");
        assert_eq!(passed(&[&format!("{answer}{HYPERS}")]).await, format!("{answer}{alone}"));
        assert_eq!(passed(&[answer, HYPERS]).await, format!("{answer}{alone}"));
    }
}

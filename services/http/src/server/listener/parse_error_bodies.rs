//! A stream that gives the answers which hyper makes by itself our error body.
//!
//! A head that hyper cannot parse reaches no router: hyper answers 400, 414 or 431 without a body
//! and ends the connection. Hyper has no hook for these answers, so they are replaced on their way
//! out. They are recognized by their exact text: every answer of the router has a request id, and
//! no body of ours ends with an empty line.
//!
//! Each becomes 400 with `invalid_header`, which the API document lists everywhere. Absent on
//! purpose: a request id and metrics, since there is no request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use drydock_core::error::Code;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::api::error_body::{ErrorBody, status_of};

/// The status lines of hyper's own answers, and the message that stands for each.
const STATUS_LINES: [(&str, &str); 3] = [
    ("400 Bad Request\r\n", "the head of the request is not HTTP/1.1"),
    ("414 URI Too Long\r\n", TOO_LARGE),
    ("431 Request Header Fields Too Large\r\n", TOO_LARGE),
];
const TOO_LARGE: &str = "the head of the request has too many headers or bytes, or tells of a body \
    that is too large";

/// How long the rest of the request is read after the answer: if the connection closed with unread
/// bytes, the client would get a reset and might never see the answer.
const DRAIN_TIME: Duration = Duration::from_secs(2);

pub(crate) struct ParseErrorBodies<S> {
    stream: S,
    /// Our answer, as far as it is not written yet; `None` before hyper has made one by itself.
    answer: Option<Bytes>,
    /// Ends the reading of the rest.
    drain_end: Option<Pin<Box<Sleep>>>,
}

impl<S> ParseErrorBodies<S> {
    pub(crate) fn new(stream: S) -> ParseErrorBodies<S> {
        ParseErrorBodies { stream, answer: None, drain_end: None }
    }
}

/// Where an answer that hyper has made by itself begins in `bytes`, and the message for it. Such an
/// answer is always the last one.
fn find(bytes: &[u8]) -> Option<(usize, &'static str)> {
    let head = bytes.strip_suffix(b"content-length: 0\r\n\r\n")?;
    let head = head.strip_suffix(b"connection: close\r\n").unwrap_or(head);
    STATUS_LINES.iter().find_map(|(line, message)| {
        let version = head.strip_suffix(line.as_bytes())?;
        let before = version.strip_suffix(b"HTTP/1.1 ").or(version.strip_suffix(b"HTTP/1.0 "))?;
        Some((before.len(), *message))
    })
}

/// The whole answer, head and body.
fn answer(message: &str) -> Bytes {
    let code = Code::InvalidHeader;
    let body = ErrorBody { code: code.to_string(), message: message.to_owned() };
    let body = serde_json::to_string(&body).expect("two texts are JSON");
    let (status, length) = (status_of(code.kind()), body.len());
    let head = "connection: close\r\ncontent-type: application/json\r\ncontent-length: ";
    format!("HTTP/1.1 {status}\r\n{head}{length}\r\n\r\n{body}").into()
}

impl<S: AsyncRead + Unpin> AsyncRead for ParseErrorBodies<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ParseErrorBodies<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match find(bytes) {
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
            // The end of the answer before it goes first.
            Some((start @ 1.., _)) => Pin::new(&mut self.stream).poll_write(cx, &bytes[..start]),
            Some((0, message)) => {
                self.answer = Some(answer(message));
                Poll::Ready(Ok(bytes.len()))
            }
        }
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
        let ParseErrorBodies { stream, answer, .. } = &mut *self;
        let mut stream = Pin::new(stream);
        while let Some(rest) = answer.as_mut().filter(|rest| !rest.is_empty()) {
            match ready!(stream.as_mut().poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => rest.advance(written),
            }
        }
        stream.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.drain_end.is_none() {
            ready!(self.as_mut().poll_flush(cx))?;
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if self.answer.is_none() {
                return Poll::Ready(Ok(()));
            }
        }
        let ParseErrorBodies { stream, drain_end, .. } = &mut *self;
        let start = || Box::pin(tokio::time::sleep(DRAIN_TIME));
        let end = drain_end.get_or_insert_with(start);
        while end.as_mut().poll(cx).is_pending() {
            let mut rest = [0; 4096];
            let mut rest = ReadBuf::new(&mut rest);
            match ready!(Pin::new(&mut *stream).poll_read(cx, &mut rest)) {
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
            let mut stream = ParseErrorBodies::new(near);
            for text in writes {
                stream.write_all(text.as_bytes()).await.unwrap();
            }
            stream.flush().await.unwrap();
        });
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        writing.await.unwrap();
        text
    }

    #[tokio::test]
    async fn other_answers_pass_unchanged() {
        let own = HYPERS.replace("connection", "x-request-id: 1\r\nconnection");
        for text in [&*own, "", "0\r\n\r\n", &format!("{HYPERS}x"), &HYPERS[1..]] {
            assert_eq!(passed(&[text]).await, text);
        }
    }

    #[tokio::test]
    async fn an_answer_before_a_refusal_passes_unchanged() {
        let answer = "HTTP/1.1 204 No Content\r\n\r\n";
        let alone = passed(&[HYPERS]).await;
        assert!(alone.ends_with(r#""the head of the request is not HTTP/1.1"}"#), "{alone}");
        assert_eq!(passed(&[&format!("{answer}{HYPERS}")]).await, format!("{answer}{alone}"));
        assert_eq!(passed(&[answer, HYPERS]).await, format!("{answer}{alone}"));
    }
}

//! Requests and answers as texts, for tests that care about every byte.

use drydock_core::net::SharedNet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Speaks to one server with one token.
#[derive(Clone)]
pub struct Wire {
    pub net: SharedNet,
    pub address: String,
    pub token: String,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Raw {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: String,
}

impl Wire {
    /// Sends `request` as it is and reads until the server closes the connection.
    ///
    /// # Panics
    /// If that fails, or if the answer is none.
    pub async fn raw(&self, request: &str) -> Raw {
        let mut stream = self.net.dial(&self.address).await.expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("the answer is a text");
        Raw::parse(&text)
    }

    /// One request with the token. Each of `headers` ends with a line break.
    ///
    /// # Panics
    /// As [`raw`](Self::raw).
    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Raw {
        let (token, length) = (&self.token, body.len());
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }

    /// One request with a JSON body.
    ///
    /// # Panics
    /// As [`raw`](Self::raw).
    pub async fn ask_json(&self, method: &str, path: &str, body: &str) -> Raw {
        self.ask(method, path, "Content-Type: application/json\r\n", body).await
    }
}

impl Raw {
    fn parse(text: &str) -> Raw {
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Raw {
            status: status.expect("an answer has a status"),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// # Panics
    /// If the body is no JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in `{}`", self.body))
    }

    /// Status and code of an error.
    ///
    /// # Panics
    /// If the body is not exactly our error body.
    pub fn error(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        let text = |field: &str| body[field].as_str().filter(|text| !text.is_empty());
        assert!(text("message").is_some(), "{body}");
        (self.status, text("code").expect("an error has a code").to_owned())
    }
}

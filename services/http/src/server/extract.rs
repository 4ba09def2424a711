//! Extractors: they turn requests into types. Every failure is one of our errors; no text of axum's
//! reaches a client.

use axum::RequestPartsExt;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::error::{ApiError, Code, Kind, causes};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use http_body_util::{BodyExt, LengthLimitError};
use serde::de::DeserializeOwned;

use super::error::HttpError;
use super::guard::too_many;
use super::permits::NoPermit;
use crate::api::operation::MERGE_PATCH;
use crate::api::precondition::IfMatch;

fn bad(code: Code, message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::BadRequest).with_code(code).with_message(message)
}

/// A JSON body of the media type `application/json`.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, _state: &S) -> Result<Json<T>, HttpError> {
        match request.method() {
            &Method::PATCH => require_any(request.headers(), &["application/json", MERGE_PATCH])?,
            _ => require(request.headers(), "application/json")?,
        }
        let body = request.into_body().collect().await.map_err(unreadable)?;
        Ok(Json(parse_json(&body.to_bytes())?))
    }
}

fn require(headers: &HeaderMap, media: &str) -> Result<(), ApiError> {
    require_any(headers, &[media])
}

/// Checks that the body has one of these media types; the first is the usual one.
fn require_any(headers: &HeaderMap, media: &[&str]) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if media.iter().any(|media| essence.eq_ignore_ascii_case(media)) {
        return Ok(());
    }
    let message = format!("the body must have the content type `{}`", media[0]);
    Err(ApiError::new(Kind::UnsupportedMediaType).with_message(message))
}

/// A body of bytes, of the media type `application/octet-stream`.
#[derive(Debug, Clone)]
pub struct Octets(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Octets {
    type Rejection = HttpError;

    async fn from_request(request: Request, _state: &S) -> Result<Octets, HttpError> {
        require(request.headers(), "application/octet-stream")?;
        let body = request.into_body().collect().await.map_err(unreadable)?;
        Ok(Octets(body.to_bytes()))
    }
}

/// The error for a body that could not be read to its end.
pub fn unreadable(error: axum::Error) -> ApiError {
    if causes(&error).any(|cause| cause.is::<LengthLimitError>()) {
        return body_too_large().with_source(error);
    }
    if causes(&error).any(|cause| cause.is::<NoPermit>()) {
        return too_many(NoPermit);
    }
    bad(Code::InvalidBody, "the body ended early").with_source(error)
}

pub fn body_too_large() -> ApiError {
    ApiError::new(Kind::TooLarge).with_code(Code::BodyTooLarge)
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Serde would take an array for an object, its items for the fields in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(bad(Code::InvalidBody, "the body must be an object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        let why = without_value(error.to_string());
        let text = match error.is_data() && field != "." {
            true => format!("`{field}`: {why}"),
            false => why,
        };
        bad(Code::InvalidBody, text)
    })?;
    json.end().map_err(|error| bad(Code::InvalidBody, error.to_string()))?;
    Ok(value)
}

/// Removes the value from a message of serde's: it may be a secret.
fn without_value(text: String) -> String {
    let quotes = text.starts_with("invalid type: ") || text.starts_with("invalid value: ");
    match text.rsplit_once(", expected ") {
        Some((_, expected)) if quotes => format!("expected {expected}"),
        _ => text,
    }
}

/// A JSON body that may be left out altogether, as `curl -X PUT` does.
pub async fn optional_body<T>(request: Request) -> Result<T, HttpError>
where
    T: DeserializeOwned + Default,
{
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await;
        let bytes = bytes.map_err(unreadable)?;
        if bytes.is_empty() {
            return Ok(T::default());
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        return Ok(Json::from_request(request, &()).await?.0);
    }
    Ok(Json::from_request(request, &()).await?.0)
}

/// The query, with no parameter that `T` does not know (if `T` denies unknown fields).
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Query<T>, HttpError> {
        let query = parts.uri.query().unwrap_or("");
        let parsed = serde_urlencoded::from_str(query);
        let parsed = parsed.map_err(|error| bad(Code::InvalidQuery, error.to_string()));
        Ok(Query(parsed?))
    }
}

/// The parameters of the path.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequestParts<S> for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Path<T>, HttpError> {
        match parts.extract::<axum::extract::Path<T>>().await {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            Err(rejection) => {
                let message = "a part of the path is neither an id nor a name";
                Err(bad(Code::InvalidRef, message).with_source(rejection).into())
            }
        }
    }
}

/// The deadline and cancellation of this request, as the route's guard set them.
#[derive(Debug, Clone)]
pub struct Ctx(pub Context);

impl<S: Send + Sync> FromRequestParts<S> for Ctx {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Ctx, HttpError> {
        let context = parts.extensions.get::<Context>();
        Ok(Ctx(context.expect("the guard of every route sets it").clone()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<IfMatch, HttpError> {
        Ok(IfMatch::parse(&parts.headers)?)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "inner")]
        _inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "count")]
        _count: u8,
    }

    #[test]
    fn a_bad_body_names_the_field() {
        for (body, part) in [
            (r#"{"nme": 1}"#, "`nme`"),
            (r#"{"inner": {"count": "x"}}"#, "`inner.count`"),
            (r#"{"inner": {"count": 1, "extra": 1}}"#, "`extra`"),
            (r#"{"inner": {"count": 1}} x"#, "trailing"),
            (r#"{"inner": "#, "EOF"),
            ("", "EOF"),
            ("[]", "object"),
            (" [null]", "object"),
        ] {
            let error = parse_json::<Outer>(body.as_bytes()).unwrap_err();
            assert_eq!(error.code(), "invalid_body");
            assert!(error.message().contains(part), "{body}: {error}");
        }
        assert!(parse_json::<Outer>(br#" {"inner": {"count": 1}} "#).is_ok());
    }

    #[test]
    fn a_bad_body_is_not_quoted() {
        for body in [
            r#"{"inner": "hush"}"#,
            r#"{"inner": {"count": "hush, expected hush"}}"#,
            r#"{"inner": {"count": "hush\", expected x"}}"#,
        ] {
            let error = parse_json::<Outer>(body.as_bytes()).unwrap_err();
            assert!(!error.message().contains("hush"), "{error}");
            assert!(error.message().contains("expected "), "{error}");
        }
    }

    #[test]
    fn only_json_is_taken_as_json() {
        let check = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            require(&headers, "application/json").map_err(|error| error.kind())
        };
        assert_eq!(check(Some("application/json")), Ok(()));
        assert_eq!(check(Some("Application/JSON; charset=utf-8")), Ok(()));
        assert_eq!(check(Some("text/plain")), Err(Kind::UnsupportedMediaType));
        assert_eq!(check(None), Err(Kind::UnsupportedMediaType));
    }
}

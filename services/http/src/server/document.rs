//! The API document as it is served.

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::header;

use super::context::Shell;
use crate::api::endpoint::Endpoint;
use crate::api::openapi::document;

/// The document of one instance.
#[derive(Clone)]
pub(crate) struct Document(Arc<str>);

impl Document {
    pub(crate) fn new(shell: &Shell, endpoints: &[Endpoint]) -> Document {
        Document(document(shell.service, endpoints, shell.path_schema).to_string().into())
    }
}

pub(crate) async fn serve(Extension(Document(text)): Extension<Document>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
}

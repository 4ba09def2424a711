use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, ListQuery, Page, ReadQuery};
use drydock_http::client::Answer;

use super::{ConfigstoreClient, Result};
use crate::calls::segment;
use crate::configstore::types::{NewRemoteSource, RemoteSource, RemoteSourceChange};
use crate::names::Ref;

impl ConfigstoreClient {
    pub async fn create_remote_source(
        &self,
        ctx: &Context,
        new: &NewRemoteSource,
        key: Option<&str>,
    ) -> Result<Answer<RemoteSource>> {
        self.calls.post(ctx, SOURCES.to_owned(), new, key).await
    }

    pub async fn remote_source(
        &self,
        ctx: &Context,
        source: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<RemoteSource>> {
        self.calls.get(ctx, source_path(source), &ReadQuery::from(consistency)).await
    }

    pub async fn remote_sources(
        &self,
        ctx: &Context,
        query: &ListQuery,
    ) -> Result<Page<RemoteSource>> {
        self.calls.list(ctx, SOURCES.to_owned(), query).await
    }

    pub async fn update_remote_source(
        &self,
        ctx: &Context,
        source: &Ref,
        change: &RemoteSourceChange,
        if_match: Option<&str>,
    ) -> Result<Answer<RemoteSource>> {
        self.calls.put(ctx, source_path(source), change, if_match).await
    }

    pub async fn delete_remote_source(
        &self,
        ctx: &Context,
        source: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls.delete(ctx, source_path(source), if_match).await
    }
}

const SOURCES: &str = "/api/v1/remote_sources";

fn source_path(source: &Ref) -> String {
    format!("{SOURCES}/{}", segment(source))
}

use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, Page, ReadQuery};
use drydock_http::client::Answer;

use super::projects::{group_path, project_path};
use super::{ConfigstoreClient, Result};
use crate::calls::segment;
use crate::configstore::scoped::{ScopeRef, ScopedKind};
use crate::configstore::types::TreeQuery;
use crate::names::Ref;

/// Secrets and variables: `K` is the kind of object.
impl ConfigstoreClient {
    pub async fn list_in<K: ScopedKind>(
        &self,
        ctx: &Context,
        scope: &ScopeRef,
        query: &TreeQuery,
    ) -> Result<Page<K::View>> {
        Ok(self.calls.get(ctx, list_path::<K>(scope), query).await?.body)
    }

    pub async fn create_in<K: ScopedKind>(
        &self,
        ctx: &Context,
        scope: &ScopeRef,
        new: &K::New,
        key: Option<&str>,
    ) -> Result<Answer<K::View>> {
        self.calls.post(ctx, list_path::<K>(scope), new, key).await
    }

    pub async fn get_in<K: ScopedKind>(
        &self,
        ctx: &Context,
        scope: &ScopeRef,
        name: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<K::View>> {
        self.calls.get(ctx, path::<K>(scope, name), &ReadQuery::from(consistency)).await
    }

    pub async fn update_in<K: ScopedKind>(
        &self,
        ctx: &Context,
        scope: &ScopeRef,
        name: &Ref,
        change: &K::Change,
        if_match: Option<&str>,
    ) -> Result<Answer<K::View>> {
        self.calls.put(ctx, path::<K>(scope, name), change, if_match).await
    }

    pub async fn delete_in<K: ScopedKind>(
        &self,
        ctx: &Context,
        scope: &ScopeRef,
        name: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls.delete(ctx, path::<K>(scope, name), if_match).await
    }
}

fn list_path<K: ScopedKind>(scope: &ScopeRef) -> String {
    let scope = match scope {
        ScopeRef::Project(project) => project_path(project),
        ScopeRef::ProjectGroup(group) => group_path(group),
    };
    format!("{scope}/{}", K::LIST)
}

fn path<K: ScopedKind>(scope: &ScopeRef, name: &Ref) -> String {
    format!("{}/{}", list_path::<K>(scope), segment(name))
}

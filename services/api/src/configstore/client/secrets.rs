use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, Page, ReadQuery};
use drydock_http::client::Answer;

use super::call::segment;
use super::projects::{group_path, project_path};
use super::{ConfigstoreClient, Result};
use crate::configstore::types::{
    NewSecret, NewVariable, SecretChange, SecretView, TreeQuery, VariableChange, VariableView,
};
use crate::names::{Ref, TreeRef};

/// Where secrets and variables are defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Project(TreeRef),
    ProjectGroup(TreeRef),
}

impl Place {
    fn list(&self, what: &str) -> String {
        let place = match self {
            Place::Project(project) => project_path(project),
            Place::ProjectGroup(group) => group_path(group),
        };
        format!("{place}/{what}")
    }

    fn one(&self, what: &str, name: &Ref) -> String {
        format!("{}/{}", self.list(what), segment(name))
    }
}

impl ConfigstoreClient {
    pub async fn secrets(
        &self,
        ctx: &Context,
        place: &Place,
        query: &TreeQuery,
    ) -> Result<Page<SecretView>> {
        Ok(self.get(ctx, place.list("secrets"), query).await?.body)
    }

    pub async fn create_secret(
        &self,
        ctx: &Context,
        place: &Place,
        new: &NewSecret,
        key: Option<&str>,
    ) -> Result<Answer<SecretView>> {
        self.post(ctx, place.list("secrets"), new, key).await
    }

    pub async fn secret(
        &self,
        ctx: &Context,
        place: &Place,
        name: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<SecretView>> {
        self.get(ctx, place.one("secrets", name), &ReadQuery::from(consistency)).await
    }

    pub async fn update_secret(
        &self,
        ctx: &Context,
        place: &Place,
        name: &Ref,
        change: &SecretChange,
        if_match: Option<&str>,
    ) -> Result<Answer<SecretView>> {
        self.put(ctx, place.one("secrets", name), change, if_match).await
    }

    pub async fn delete_secret(
        &self,
        ctx: &Context,
        place: &Place,
        name: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.delete(ctx, place.one("secrets", name), if_match).await
    }

    pub async fn variables(
        &self,
        ctx: &Context,
        place: &Place,
        query: &TreeQuery,
    ) -> Result<Page<VariableView>> {
        Ok(self.get(ctx, place.list("variables"), query).await?.body)
    }

    pub async fn create_variable(
        &self,
        ctx: &Context,
        place: &Place,
        new: &NewVariable,
        key: Option<&str>,
    ) -> Result<Answer<VariableView>> {
        self.post(ctx, place.list("variables"), new, key).await
    }

    pub async fn variable(
        &self,
        ctx: &Context,
        place: &Place,
        name: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<VariableView>> {
        self.get(ctx, place.one("variables", name), &ReadQuery::from(consistency)).await
    }

    pub async fn update_variable(
        &self,
        ctx: &Context,
        place: &Place,
        name: &Ref,
        change: &VariableChange,
        if_match: Option<&str>,
    ) -> Result<Answer<VariableView>> {
        self.put(ctx, place.one("variables", name), change, if_match).await
    }

    pub async fn delete_variable(
        &self,
        ctx: &Context,
        place: &Place,
        name: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.delete(ctx, place.one("variables", name), if_match).await
    }
}

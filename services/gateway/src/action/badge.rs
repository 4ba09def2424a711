//! The badge of a branch: the result of its last run that has finished.

use drydock_api::gateway::endpoints::run::{Badge, InvalidBranch};
use drydock_api::runservice::types::{Group, Phase, RunResult, RunsQuery};
use drydock_core::error::ActionError;

use super::group::Source;
use crate::auth::Look;
use crate::auth::require::{Project, Reads};
use crate::errors;

/// What a badge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Passing,
    Failing,
    Stopped,
    /// No run has finished yet.
    Unknown,
}

/// The state of a branch; by default of the project's default branch.
pub async fn state(
    look: &Look<Reads<Project>>,
    branch: Option<String>,
) -> Result<State, ActionError<Badge>> {
    let runs = look.runs::<Badge>().await?;
    let branch = branch.unwrap_or_else(|| runs.project.default_branch.clone());
    let group: Group = Source::Branch(branch).group(runs.id()).map_err(|_| InvalidBranch)?;
    let query = RunsQuery {
        project: Some(runs.id()),
        group: Some(group),
        phase: Some(Phase::Finished),
        limit: Some("1".to_owned()),
        order: Some("desc".to_owned()),
        ..RunsQuery::default()
    };
    let listed = runs.runservice.runs(&runs.ctx, &query).await;
    let listed = listed.map_err(|error| errors::refused_by_runservice(error, []))?;
    Ok(match listed.items.first().map(|run| run.result) {
        Some(RunResult::Success) => State::Passing,
        Some(RunResult::Failed) => State::Failing,
        Some(RunResult::Stopped) => State::Stopped,
        Some(RunResult::Unknown) | None => State::Unknown,
    })
}

impl State {
    /// The word, and its colour.
    fn shown(self) -> (&'static str, &'static str) {
        match self {
            State::Passing => ("passing", "#2b7a3d"),
            State::Failing => ("failing", "#b3261e"),
            State::Stopped => ("stopped", "#8a6100"),
            State::Unknown => ("unknown", "#5f6368"),
        }
    }

    pub fn etag(self) -> String {
        format!("\"{}\"", self.shown().0)
    }

    /// The image, with its meaning as text.
    pub fn svg(self) -> String {
        let (word, colour) = self.shown();
        let title = format!("runs: {word}");
        let font = r#"font-family="Verdana,DejaVu Sans,sans-serif" font-size="11""#;
        [
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="92" height="20" role="img""#,
            &format!(r#" aria-label="{title}"><title>{title}</title>"#),
            r##"<rect width="36" height="20" fill="#3c4043"/>"##,
            &format!(r#"<rect x="36" width="56" height="20" fill="{colour}"/>"#),
            &format!(r##"<g fill="#fff" text-anchor="middle" {font}>"##),
            r#"<text x="18" y="14">runs</text>"#,
            &format!(r#"<text x="64" y="14">{word}</text></g></svg>"#),
        ]
        .concat()
    }
}

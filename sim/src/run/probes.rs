//! States worth reaching: a suite that never reaches one of them has not tried what it is for.

use std::collections::BTreeMap;

use drydock_core::error::Code;
use drydock_core::log::format::{Body, Commit, Mode, Reason};

use super::{run_probes, upgrade_probes};
use crate::history::{Act, Answer, Call, Intent, Operation, Reply, Server};
use crate::plan::Service;
use crate::product::RunContext;
use crate::timeline::{At, Timeline};

/// Name and meaning of every probe.
const PROBES: &[(&str, &str)] = &[
    ("call.open", "a call ended without a definite answer"),
    ("commit.batched", "one commit held the work of several calls"),
    ("commit.in_object", "a commit's actions went through an object"),
    ("commit.refused", "a commit lost against another one, or against maintenance"),
    ("coord.unanswered", "a transaction took effect and its answer was lost"),
    ("gateway.export_cut", "an export through a gateway broke off, and its reader knew"),
    ("gateway.maintenance", "maintenance was ready, as told through a gateway"),
    ("gateway.import", "an import through a gateway took effect"),
    ("gateway.name_taken", "a rename or a move met somebody who was there first"),
    ("gateway.circle", "a group was to be moved below itself"),
    ("gateway.restarted", "a gateway ended and was started again"),
    ("import.refused", "a damaged import was refused"),
    ("import.switched", "an import switched the lineage"),
    ("import.unanswered", "an import's caller never learned what came of it"),
    ("maintenance.refused_write", "a write was refused because of maintenance"),
    ("maintenance.when_empty", "maintenance was set before anything was written"),
    ("maintenance.without_one", "maintenance was ready while an instance was away"),
    ("listing.late", "a listing of objects did not show what was there"),
    ("name.taken", "a name was refused because it is taken"),
    ("read.local", "a read model was read as it is"),
    ("recovery.after_loss", "a store that was lost was recovered from objects"),
    ("recovery.after_set_back", "a store that was set back was recovered from objects"),
    ("recovery.lost_tail", "commits that were not archived were lost with their store"),
    ("service.restarted", "a process ended and was started again"),
    ("storage.refused_write", "a write was refused because too much waits to be archived"),
    ("store.set_back_unseen", "a store was set back, and objects proved nothing later"),
    ("tasks.checkpoint", "a checkpoint was published"),
    ("tasks.trim", "a commit was trimmed"),
    ("upgrade.mixed_commit", "a commit was made while instances of two versions were live"),
    ("upgrade.older_import", "an export of the earlier version was imported into the later one"),
    ("upgrade.raised", "the version that is written was raised"),
];

/// All probes: those of every run, and those of runservice.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROBES.iter().chain(run_probes::PROBES).copied()
}

/// How often each was reached in one run.
pub fn count(
    timelines: &BTreeMap<Service, Timeline>,
    operations: &[Operation],
    context: &RunContext,
) -> BTreeMap<String, u64> {
    let timeline = &timelines[&Service::Configstore];
    let mut counts: BTreeMap<String, u64> = all().map(|(name, _)| (name.to_owned(), 0)).collect();
    let mut add = |name: &str, count: usize| {
        *counts.entry(name.to_owned()).or_default() += count as u64;
    };
    let calls = |wanted: &dyn Fn(&Operation) -> bool| {
        operations.iter().filter(|operation| wanted(operation)).count()
    };
    let coded = |code: Code| {
        calls(&|operation| operation.answer().is_some_and(|answer| answer.is_code(code)))
    };
    let instances = context.plan.topology.configstores();
    add("call.open", calls(&Operation::is_open));
    add("name.taken", coded(Code::UserAlreadyExists));
    add("maintenance.refused_write", coded(Code::Maintenance));
    let begun = timeline.heads.first().map_or(u64::MAX, |head| head.seq);
    let set = timeline.modes.iter().filter(|mode| mode.value.mode == Mode::Maintenance);
    add("maintenance.when_empty", set.filter(|mode| mode.seq < begun).count());
    add(
        "maintenance.without_one",
        calls(&|operation| {
            let status = operation.reply();
            matches!(status, Some(Reply::Status(status))
            if status.ready && status.maintenance && status.instances < instances)
        }),
    );
    add(
        "import.refused",
        calls(&|operation| {
            let damaged = matches!(&operation.call, Call::Import { intent: Intent::Damaged, .. });
            damaged && matches!(operation.answer(), Some(Answer::Refused { .. }))
        }),
    );
    add(
        "import.unanswered",
        calls(&|operation| matches!(operation.call, Call::Import { .. }) && operation.is_open()),
    );
    add(
        "read.local",
        calls(&|operation| {
            let local = crate::history::Reads::Local;
            operation.reply().is_some() && operation.call == Call::ListUsers { reads: local }
        }),
    );
    for commit in &timeline.commits {
        if let Some(name) = of_commit(timeline, commit) {
            add(name, 1);
        }
    }
    add(
        "store.set_back_unseen",
        timeline.turns.iter().filter(|turn| !was_recovered(timeline, turn.era)).count(),
    );
    add("recovery.lost_tail", timeline.commits.len() - timeline.surviving().len());
    add("storage.refused_write", coded(Code::StorageUnavailable));
    add("tasks.checkpoint", timeline.published.len());
    add("tasks.trim", timeline.trimmed.len());
    let of_runs = run_probes::count(timelines.get(&Service::Runservice), operations);
    let of_upgrades = upgrade_probes::count(timeline, operations);
    for (name, count) in at_gateways(operations).into_iter().chain(of_runs).chain(of_upgrades) {
        add(name, count);
    }
    let noted = context.revisions.noted();
    add("gateway.restarted", noted.gateways_restarted);
    add("commit.refused", noted.refused);
    add("coord.unanswered", noted.unanswered);
    add("listing.late", noted.listed_late);
    add("service.restarted", noted.restarted);
    counts
}

fn of_commit(timeline: &Timeline, commit: &At<Commit>) -> Option<&'static str> {
    Some(match &commit.value.body {
        Body::Mutations(actions) if actions.len() > 1 => "commit.batched",
        Body::Mutations(_) => return None,
        Body::Object(_) => "commit.in_object",
        Body::Switch { reason: Reason::Recovery } => {
            let turned = timeline.turns.iter().any(|turn| turn.era == commit.era);
            if turned { "recovery.after_set_back" } else { "recovery.after_loss" }
        }
        Body::Switch { .. } => "import.switched",
    })
}

fn at_gateways(operations: &[Operation]) -> [(&'static str, usize); 5] {
    let calls = |wanted: &dyn Fn(&Operation) -> bool| {
        let there = operations.iter().filter(|it| matches!(it.server, Server::Gateway(_)));
        there.filter(|operation| wanted(operation)).count()
    };
    let replies =
        |wanted: &dyn Fn(&Reply) -> bool| calls(&|operation| operation.reply().is_some_and(wanted));
    let codes = |wanted: &dyn Fn(&str) -> bool| {
        calls(&|operation| {
            places(operation) && operation.answer().and_then(Answer::code).is_some_and(wanted)
        })
    };
    [
        ("gateway.export_cut", calls(&|it| it.call == Call::Export && it.is_open())),
        (
            "gateway.maintenance",
            replies(&|it| matches!(it, Reply::Status(it) if it.maintenance && it.ready)),
        ),
        ("gateway.import", replies(&|it| matches!(it, Reply::Imported { .. }))),
        ("gateway.name_taken", codes(&|code| code.ends_with("_already_exists"))),
        ("gateway.circle", codes(&|code| code == Code::ProjectGroupCycle.as_str())),
    ]
}

/// Whether it is a rename or a move.
fn places(operation: &Operation) -> bool {
    let Call::Gateway(call) = &operation.call else { return false };
    matches!(
        call.act,
        Act::RenameUser { .. }
            | Act::RenameOrg { .. }
            | Act::RenameGroup { .. }
            | Act::MoveGroup { .. }
            | Act::RenameProject { .. }
            | Act::ChangeProject { .. }
    )
}

/// Whether a recovery took place in the time of one store.
fn was_recovered(timeline: &Timeline, era: usize) -> bool {
    let mut commits = timeline.commits.iter().filter(|commit| commit.era == era);
    commits.any(|commit| matches!(commit.value.body, Body::Switch { reason: Reason::Recovery }))
}

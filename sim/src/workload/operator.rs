//! The operator: the plan's steps, and after the load a look at every instance.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use bytes::Bytes;

use super::Session;
use super::damage::damaged;
use super::runs;
use crate::history::{Act, Answer, By, Call, GatewayCall, Intent, Reply, Server};
use crate::plan::{InstanceId, OperatorOp, Plan, Service, Step};
use crate::timeline::export::Export;
use crate::timeline::{FinalState, SharedFinalState, leftovers};

/// Between two questions for the same thing.
pub(super) const ASK_AGAIN_MS: u64 = 200;

/// What was seen at the end of each service.
pub type FinalStates = BTreeMap<Service, SharedFinalState>;

/// The operator's life: the plan's steps, then the end of all maintenance and an export from every
/// instance, each asked for until it succeeds. `left`: an attempt that executors have yet to be rid
/// of.
pub async fn operator(
    plan: &Plan,
    session: &Session,
    final_states: &FinalStates,
    left: impl Fn() -> Option<String>,
) {
    let mut kept = BTreeMap::new();
    for step in &plan.operator {
        session.sleep_until(step.at_ms).await;
        if session.stop.is_cancelled() {
            break;
        }
        perform(session, step, &mut kept).await;
    }
    session.sleep_until(plan.load_ms).await;
    for (service, final_state) in final_states {
        match service {
            Service::Configstore => look_at_configstore(plan, session, final_state).await,
            Service::Runservice => look_at_runservice(plan, session, final_state, &left).await,
        }
    }
}

async fn look_at_configstore(plan: &Plan, session: &Session, final_state: &SharedFinalState) {
    let (configstores, gateways) = (plan.topology.configstores(), plan.topology.gateways);
    let last = Server::Instance(InstanceId::configstore(configstores));
    let front = if gateways > 0 { Server::Gateway(gateways) } else { last };
    insist(session, final_state, front, |_| Call::Resume).await;
    // One more commit: a feed that stands still without noticing has something to miss. And every
    // gateway has to serve again.
    if gateways == 0 {
        let write = |attempt| Call::CreateUser { name: format!("after-the-load-{attempt}") };
        insist(session, final_state, last, write).await;
    }
    for gateway in 1..=gateways {
        let write = |attempt| {
            let name = format!("after-the-load-{gateway}-{attempt}");
            Call::Gateway(GatewayCall { by: By::Admin, act: Act::CreateUser { name }, key: None })
        };
        insist(session, final_state, Server::Gateway(gateway), write).await;
    }
    converge(plan, session, final_state, Service::Configstore).await;
    recovered(session, final_state, last).await;
}

async fn look_at_runservice(
    plan: &Plan,
    session: &Session,
    final_state: &SharedFinalState,
    left: impl Fn() -> Option<String>,
) {
    let runservices = plan.topology.runservices();
    let last = Server::Instance(InstanceId::runservice(runservices));
    insist(session, final_state, last, |_| Call::Resume).await;
    runs::all_end(session, final_state, last).await;
    runs::all_released(session, final_state, left).await;
    let patience = session.now_ms() + runs::SEALING_MS;
    converge(plan, session, final_state, Service::Runservice).await;
    while runs::are_sealing(final_state) && session.now_ms() < patience {
        session.sleep_ms(ASK_AGAIN_MS * 5).await;
        converge(plan, session, final_state, Service::Runservice).await;
    }
    recovered(session, final_state, last).await;
}

async fn recovered(session: &Session, final_state: &SharedFinalState, last: Server) {
    if let Reply::Status(status) = insist(session, final_state, last, |_| Call::Status).await {
        lock(final_state).recovered = Some(status.recovered);
    }
}

/// Exports from every instance until all are the same: requests that their callers have given up
/// on may still be at work, and what is left of deleted subtrees is deleted in the background.
async fn converge(
    plan: &Plan,
    session: &Session,
    final_state: &SharedFinalState,
    service: Service,
) {
    loop {
        let mut seen = Vec::new();
        for instance in plan.topology.ids(service) {
            let server = Server::Instance(instance);
            let answer = insist(session, final_state, server, |_| Call::Export).await;
            if let Reply::Export(bytes) = answer {
                seen.push((instance.number, bytes));
            }
        }
        let behind = behind(plan, session, final_state, service).await;
        let disagreement = disagreement(service, &seen).or_else(|| unpurged(&seen)).or(behind);
        lock(final_state).exports = seen;
        match disagreement {
            None => return,
            Some(disagreement) => lock(final_state).pending.push(disagreement),
        }
        session.sleep_ms(ASK_AGAIN_MS).await;
        lock(final_state).pending.pop();
    }
}

async fn perform(session: &Session, step: &Step, kept: &mut BTreeMap<String, Bytes>) {
    let asked = || match step.gateway {
        Some(gateway) => Server::Gateway(gateway),
        None => Server::Instance(session.instance(step.instance)),
    };
    match &step.action {
        OperatorOp::Maintenance { wait_ms } => {
            let deadline = session.now_ms() + wait_ms;
            until_ok(session, asked, deadline, || Call::Maintenance).await;
            while session.now_ms() < deadline {
                let answer = session.ask(asked(), Call::Status).await;
                if matches!(answer.ok(), Some(Reply::Status(status)) if status.ready) {
                    return;
                }
                session.sleep_ms(ASK_AGAIN_MS).await;
            }
        }
        OperatorOp::Resume { wait_ms } => {
            let deadline = session.now_ms() + wait_ms;
            until_ok(session, asked, deadline, || Call::Resume).await;
        }
        OperatorOp::Export { keep } => {
            if let Answer::Ok(Reply::Export(bytes)) = session.ask(asked(), Call::Export).await {
                kept.insert(keep.clone(), bytes);
            }
        }
        OperatorOp::GoBack { to } => go_back(session, asked(), kept.get(to)).await,
        OperatorOp::Import { from, damage, dry_run } => {
            let whole = kept.get(from).cloned();
            let body = match damage {
                None => whole,
                Some(damage) => whole.and_then(|whole| damaged(&whole, *damage)),
            };
            let intent = match (damage, dry_run) {
                (Some(_), _) => Intent::Damaged,
                (None, true) => Intent::DryRun,
                (None, false) => Intent::Restore,
            };
            match body {
                Some(body) => {
                    session.ask(asked(), Call::Import { body, intent }).await;
                }
                None => {
                    let text = format_args!("has nothing to import from `{from}`");
                    session.recorder.event(&session.host, text);
                }
            }
        }
    }
}

/// Only to a state that is known: that of an export after which its lineage had no commit.
async fn go_back(session: &Session, asked: Server, kept: Option<&Bytes>) {
    let Some((body, export)) = kept.and_then(|body| Some((body, Export::parse(body).ok()?))) else {
        session.recorder.event(&session.host, format_args!("has nothing to go back to"));
        return;
    };
    let answer = session.ask(asked, Call::Lineages).await;
    let Some(Reply::Lineages(lineages)) = answer.ok() else { return };
    if lineages.contains(&(export.lineage, export.position)) {
        let (lineage, body) = (export.lineage, body.clone());
        session.ask(asked, Call::GoBack { lineage, body }).await;
    }
}

/// Asks until the answer is a success or the time is over.
async fn until_ok(
    session: &Session,
    asked: impl Fn() -> Server,
    deadline: u64,
    call: impl Fn() -> Call,
) {
    while session.now_ms() < deadline {
        let answer = session.ask(asked(), call()).await;
        if answer.ok().is_some() {
            return;
        }
        session.sleep_ms(ASK_AGAIN_MS).await;
    }
}

/// Asks until the answer is a success. What is being asked for stands in the finals as pending.
pub(super) async fn insist(
    session: &Session,
    final_state: &SharedFinalState,
    server: Server,
    call: impl Fn(u64) -> Call,
) -> Reply {
    for attempt in 1.. {
        let call = call(attempt);
        let asked = format!("{call} on {server}");
        lock(final_state).pending.push(asked.clone());
        let answer = session.ask(server, call).await;
        lock(final_state).pending.pop();
        match answer {
            Answer::Ok(reply) => return reply,
            other => lock(final_state).pending.push(format!("{asked}, last answer: {other}")),
        }
        session.sleep_ms(ASK_AGAIN_MS).await;
        lock(final_state).pending.pop();
    }
    unreachable!("there is no end to attempts")
}

/// Whether the end of an upgrade is still to come.
async fn behind(
    plan: &Plan,
    session: &Session,
    final_state: &SharedFinalState,
    service: Service,
) -> Option<String> {
    if plan.upgrades.is_empty() {
        return None;
    }
    let first = Server::Instance(InstanceId::new(service, 1));
    let status = insist(session, final_state, first, |_| Call::Status).await;
    let behind = matches!(status, Reply::Status(status) if status.behind);
    behind.then(|| "all instances read a newer version than is written".to_owned())
}

/// The first two exports that differ.
fn disagreement(service: Service, exports: &[(usize, Bytes)]) -> Option<String> {
    let host = |instance: &usize| service.host(*instance);
    let parsed = exports.iter().map(|(instance, bytes)| (instance, Export::parse(bytes)));
    let mut known: Option<(&usize, Export)> = None;
    for (instance, export) in parsed {
        let Ok(export) = export else {
            return Some(format!("a whole export from {}", host(instance)));
        };
        let same = |(_, known): &(&usize, Export)| {
            (known.position, &known.digest) == (export.position, &export.digest)
        };
        match &known {
            Some(first) if !same(first) => {
                return Some(format!(
                    "one state: {} is at position {} with digest {}, {} at {} with {}",
                    host(first.0),
                    first.1.position,
                    first.1.digest,
                    host(instance),
                    export.position,
                    export.digest
                ));
            }
            Some(_) => {}
            None => known = Some((instance, export)),
        }
    }
    None
}

/// What is left of deleted subtrees.
fn unpurged(exports: &[(usize, Bytes)]) -> Option<String> {
    let (_, bytes) = exports.first()?;
    let left = Export::parse(bytes).map_or(0, |export| leftovers(&export.state));
    (left > 0).then(|| format!("the deletion of what is left of {left} deleted subtrees"))
}

pub(super) fn lock(final_state: &SharedFinalState) -> MutexGuard<'_, FinalState> {
    final_state.lock().expect("no holder of this lock panics")
}

//! One request: sent to one member after the other, as far as that is safe.

use std::future::Future;
use std::sync::Arc;

use drydock_core::coord::{Error, LeaseId, Result, Revision};

use super::link::Link;
use super::members::{Members, Waiting};
use super::outcome::{Failure, Refusal};

/// The effect of a request: it decides the outcome of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// None: the request may be sent to any member, any number of times.
    Read,
    /// An effect that may happen twice.
    Renew,
    Write,
}

/// The revision and lease that a refusal is about: etcd's texts do not name them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject {
    pub revision: Revision,
    pub lease: Option<LeaseId>,
}

/// The member that is asked, and the connection to it.
pub struct Asked {
    pub link: Arc<Link>,
    pub member: usize,
}

/// Sends a request with `ask` until a member answers, all members were asked, or the outcome is
/// unknown.
pub async fn call<T, F>(
    members: &Arc<Members>,
    effect: Effect,
    subject: Subject,
    ask: impl Fn(Asked) -> F,
) -> Result<T>
where
    F: Future<Output = std::result::Result<T, Failure>>,
{
    // At least twice, because a connection may have ended since it was last used.
    let mut attempts = members.count().max(2);
    let mut token_is_new = false;
    // Whether any attempt may have taken effect.
    let mut unknown = false;
    loop {
        attempts -= 1;
        let mut waiting = Waiting::new(members);
        let failure = match ask_one(members, &mut waiting, &ask, &mut token_is_new).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let reason = match failure {
            Failure::Refused(refusal) => return Err(refused(refusal, subject)),
            Failure::NotHere(reason) => reason,
            Failure::Unknown(reason) => {
                unknown = true;
                reason
            }
        };
        let reason = format!("`{}`: {reason}", members.endpoint(waiting.member));
        if unknown && effect == Effect::Write {
            return Err(Error::Unknown { reason });
        }
        if attempts == 0 {
            return Err(match effect {
                Effect::Read => Error::Unavailable { reason },
                // A stream of renewals may also end for lack of a leader after a renewal was
                // served.
                Effect::Renew => Error::Unknown { reason },
                Effect::Write => Error::Unavailable { reason },
            });
        }
    }
}

/// Asks one member; leaves it if it is not fit to be asked.
async fn ask_one<T, F>(
    members: &Arc<Members>,
    waiting: &mut Waiting,
    ask: &impl Fn(Asked) -> F,
    token_is_new: &mut bool,
) -> std::result::Result<T, Failure>
where
    F: Future<Output = std::result::Result<T, Failure>>,
{
    let link = match waiting.link().await {
        Ok(link) => link,
        Err(reason) => {
            waiting.over();
            members.leave(waiting.member, &reason);
            return Err(Failure::NotHere(reason));
        }
    };
    let limit = members.settings.call_timeout;
    loop {
        let asked = Asked { link: Arc::clone(&link), member: waiting.member };
        let answered = tokio::time::timeout(limit, Box::pin(ask(asked))).await;
        let Ok(answered) = answered else {
            let reason = format!("no answer within {} ms", limit.as_millis());
            waiting.silent(&reason);
            return Err(Failure::Unknown(reason));
        };
        let failure = match answered {
            Ok(answer) => {
                waiting.answered();
                return Ok(answer);
            }
            Err(failure) => failure,
        };
        let stale = matches!(failure, Failure::Refused(Refusal::Token(_)));
        if let Some(user) = members.settings.user.as_ref().filter(|_| stale && !*token_is_new) {
            *token_is_new = true;
            if let Ok(Ok(())) = tokio::time::timeout(limit, link.authenticate(user)).await {
                continue;
            }
        }
        waiting.over();
        if let Failure::NotHere(reason) | Failure::Unknown(reason) = &failure {
            members.leave(waiting.member, reason);
        }
        return Err(failure);
    }
}

fn refused(refusal: Refusal, Subject { revision, lease }: Subject) -> Error {
    match refusal {
        // The oldest revision may be newer than the one asked for, but not older.
        Refusal::Compacted(0) => Error::Compacted { oldest: revision },
        Refusal::Compacted(oldest) => Error::Compacted { oldest },
        Refusal::FutureRevision => {
            Error::FutureRevision { requested: revision, newest: revision.saturating_sub(1) }
        }
        Refusal::LeaseNotExist => Error::LeaseNotExist(lease.unwrap_or(LeaseId(0))),
        Refusal::NoSpace(reason) => Error::NoSpace { reason },
        Refusal::TooLarge(reason) => Error::TooLarge { reason },
        Refusal::Invalid(reason) => Error::Invalid { reason },
        Refusal::Token(reason) | Refusal::Unavailable(reason) => Error::Unavailable { reason },
    }
}

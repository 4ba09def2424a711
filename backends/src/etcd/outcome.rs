//! The outcome of a request that failed, derived from etcd's codes and texts.
//!
//! Sources, the same in etcd 3.4, 3.5 and 3.6: `api/v3rpc/rpctypes/error.go` (codes and texts),
//! `server/etcdserver/v3_server.go` (`processInternalRaftRequestOnce`: refusals before a proposal),
//! `api/v3rpc/interceptor.go` (`no leader`), `api/v3rpc/key.go` (requests that are not valid),
//! `apply/*.go` (refusals when a proposal is applied, and `quotaApplierV3`).
//!
//! Rule: a request had no effect only if these sources say so; every other outcome is unknown.

use drydock_core::error::Chain;
use tonic::{Code, Status};

use super::link::NotSent;

/// Why one member did not fulfil a request.
#[derive(Debug)]
pub enum Failure {
    /// The request had no effect, and other members would refuse it, too.
    Refused(Refusal),
    /// The request had no effect; another member may fulfil it.
    NotHere(String),
    /// The request may have taken effect.
    Unknown(String),
}

#[derive(Debug)]
pub enum Refusal {
    /// With the oldest revision; 0 where etcd does not tell it.
    Compacted(i64),
    FutureRevision,
    LeaseNotExist,
    /// There is no space. etcd answers this also to the write that was applied and crossed the
    /// quota, so that a look at its keys has to tell.
    NoSpace(String),
    TooLarge(String),
    Invalid(String),
    /// A new token may help.
    Token(String),
    Unavailable(String),
}

impl From<etcd_client::Error> for Failure {
    fn from(error: etcd_client::Error) -> Failure {
        match error {
            etcd_client::Error::GRpcStatus(status) => of_status(&status),
            // The client itself refuses these before it sends them.
            etcd_client::Error::InvalidArgs(reason) => Failure::Refused(Refusal::Invalid(reason)),
            // The client's error when the first renewal of a stream finds no lease.
            etcd_client::Error::LeaseKeepAliveError(words) if words == "lease not found" => {
                Failure::Refused(Refusal::LeaseNotExist)
            }
            other => Failure::Unknown(other.to_string()),
        }
    }
}

fn of_status(status: &Status) -> Failure {
    if was_not_sent(status) {
        return Failure::NotHere(reason(status));
    }
    let Some(known) = status.message().strip_prefix("etcdserver: ") else {
        return of_others(status);
    };
    let words = reason(status);
    let refusal = match (status.code(), known) {
        // The interceptor of requests that demand a leader, which comes before the request itself.
        (Code::Unavailable, "no leader") => return Failure::NotHere(words),
        (Code::OutOfRange, "mvcc: required revision has been compacted") => Refusal::Compacted(0),
        (Code::OutOfRange, "mvcc: required revision is a future revision") => {
            Refusal::FutureRevision
        }
        (Code::OutOfRange, "too large lease TTL") => Refusal::Invalid(words),
        (Code::NotFound, "requested lease not found") => Refusal::LeaseNotExist,
        (Code::ResourceExhausted, "mvcc: database space exceeded") => Refusal::NoSpace(words),
        (Code::InvalidArgument, "request is too large") => Refusal::TooLarge(words),
        (Code::InvalidArgument, "too many operations in txn request") => Refusal::TooLarge(words),
        (Code::Unauthenticated, _) => Refusal::Token(words),
        // Authentication was enabled, or changed, since the token was made.
        (Code::InvalidArgument, "user name is empty" | "revision of auth store is old") => {
            Refusal::Token(words)
        }
        (Code::InvalidArgument, _) => Refusal::Invalid(words),
        // Refused before the proposal, because this member is far behind.
        (Code::ResourceExhausted, "too many requests") => Refusal::Unavailable(words),
        // Checked when a proposal is applied, before it changes anything.
        (Code::PermissionDenied, "permission denied") => Refusal::Unavailable(words),
        (Code::DataLoss, "corrupt cluster") => Refusal::Unavailable(words),
        // Among these: `request timed out` in its three forms and `server stopped`, which say that
        // the server no longer waits for a proposal that was made.
        _ => return Failure::Unknown(words),
    };
    Failure::Refused(refusal)
}

/// Texts that are not etcd's but gRPC's.
fn of_others(status: &Status) -> Failure {
    let words = reason(status);
    match status.code() {
        // gRPC's limit on the size of a request, which is above etcd's own.
        Code::ResourceExhausted if words.starts_with("grpc: received message larger") => {
            Failure::Refused(Refusal::TooLarge(words))
        }
        Code::Unimplemented => Failure::Refused(Refusal::Unavailable(words)),
        _ => Failure::Unknown(words),
    }
}

fn was_not_sent(status: &Status) -> bool {
    let mut next = std::error::Error::source(status);
    while let Some(error) = next {
        if error.is::<NotSent>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// The text of a status, with its causes if it was made on this side.
fn reason(status: &Status) -> String {
    match std::error::Error::source(status) {
        Some(source) => Chain(source).to_string(),
        None if status.message().is_empty() => status.code().to_string(),
        None => status.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: Code, words: &str) -> Failure {
        etcd_client::Error::GRpcStatus(Status::new(code, words)).into()
    }

    #[test]
    fn a_proposal_that_was_not_answered_has_an_unknown_outcome() {
        for words in [
            "etcdserver: request timed out",
            "etcdserver: request timed out, possibly due to previous leader failure",
            "etcdserver: request timed out, possibly due to connection lost",
            "etcdserver: server stopped",
            "etcdserver: leader changed",
            "transport is closing",
        ] {
            assert!(matches!(of(Code::Unavailable, words), Failure::Unknown(_)), "{words}");
        }
        for code in [Code::Unknown, Code::Internal, Code::Cancelled, Code::DeadlineExceeded] {
            assert!(matches!(of(code, ""), Failure::Unknown(_)), "{code}");
        }
        // Words that another server than etcd may use for something else.
        for code in [Code::NotFound, Code::OutOfRange, Code::InvalidArgument] {
            assert!(matches!(of(code, "no"), Failure::Unknown(_)), "{code}");
        }
    }

    #[test]
    fn a_refusal_before_the_proposal_had_no_effect() {
        let leaderless = of(Code::Unavailable, "etcdserver: no leader");
        assert!(matches!(leaderless, Failure::NotHere(_)), "{leaderless:?}");
        let refusal = |code, words: &str| match of(code, &format!("etcdserver: {words}")) {
            Failure::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        };
        let busy = refusal(Code::ResourceExhausted, "too many requests");
        assert!(matches!(busy, Refusal::Unavailable(_)));
        let expired = refusal(Code::Unauthenticated, "invalid auth token");
        assert!(matches!(expired, Refusal::Token(_)));
        let full = refusal(Code::ResourceExhausted, "mvcc: database space exceeded");
        assert!(matches!(full, Refusal::NoSpace(_)));
        let large = refusal(Code::InvalidArgument, "request is too large");
        assert!(matches!(large, Refusal::TooLarge(_)));
        let twice = refusal(Code::InvalidArgument, "duplicate key given in txn request");
        assert!(matches!(twice, Refusal::Invalid(_)));
        let lease = refusal(Code::NotFound, "requested lease not found");
        assert!(matches!(lease, Refusal::LeaseNotExist));
    }
}

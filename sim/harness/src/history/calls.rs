//! Every call is noted when it is made and when it ends. A call that ended without a definite
//! answer may have taken effect, or may still: oracles have to allow both.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::record::{About, Cause, Recorder, Seq};

/// What is asked of whom, and what is answered.
pub trait Domain: 'static {
    type Server: Clone + fmt::Debug + fmt::Display;
    type Call: Clone + fmt::Debug + fmt::Display;
    type Answer: Clone + fmt::Debug + fmt::Display;
    /// What an answer holds if the call did what it was asked for.
    type Reply;

    fn reply(answer: &Self::Answer) -> Option<&Self::Reply>;

    /// Whether the call may or may not have had its effect.
    fn is_open(answer: &Self::Answer) -> bool;
}

/// One call. Without `ended` it was never answered.
pub struct Operation<D: Domain> {
    pub client: String,
    pub server: D::Server,
    pub call: D::Call,
    pub called: Seq,
    pub called_at: Duration,
    pub ended: Option<Ended<D>>,
}

/// How a call ended.
pub struct Ended<D: Domain> {
    pub seq: Seq,
    pub at: Duration,
    pub answer: D::Answer,
}

impl<D: Domain> Clone for Operation<D> {
    fn clone(&self) -> Operation<D> {
        Operation {
            client: self.client.clone(),
            server: self.server.clone(),
            call: self.call.clone(),
            called: self.called,
            called_at: self.called_at,
            ended: self.ended.clone(),
        }
    }
}

impl<D: Domain> Clone for Ended<D> {
    fn clone(&self) -> Ended<D> {
        Ended { seq: self.seq, at: self.at, answer: self.answer.clone() }
    }
}

impl<D: Domain> Operation<D> {
    pub fn answer(&self) -> Option<&D::Answer> {
        self.ended.as_ref().map(|ended| &ended.answer)
    }

    pub fn reply(&self) -> Option<&D::Reply> {
        self.answer().and_then(D::reply)
    }

    /// Whether nobody knows what became of it.
    pub fn is_open(&self) -> bool {
        self.answer().is_none_or(D::is_open)
    }

    /// When it ended; never, if it did not.
    pub fn end_seq(&self) -> Seq {
        self.ended.as_ref().map_or(Seq::MAX, |ended| ended.seq)
    }
}

impl<D: Domain> fmt::Debug for Operation<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({self})")
    }
}

impl<D: Domain> fmt::Display for Operation<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = self.called_at.as_secs_f64();
        let (client, server, call) = (&self.client, &self.server, &self.call);
        write!(f, "{called:.3}s {client} → {server}: {call}")?;
        match &self.ended {
            Some(ended) => write!(f, " = {} at {:.3}s", ended.answer, ended.at.as_secs_f64()),
            None => f.write_str(" = never answered"),
        }
    }
}

/// All calls of a run. Clones share it.
pub struct History<D: Domain> {
    recorder: Recorder,
    operations: Arc<Mutex<Vec<Operation<D>>>>,
}

impl<D: Domain> Clone for History<D> {
    fn clone(&self) -> History<D> {
        History { recorder: self.recorder.clone(), operations: self.operations.clone() }
    }
}

impl<D: Domain> History<D> {
    pub fn new(recorder: &Recorder) -> History<D> {
        History { recorder: recorder.clone(), operations: Arc::default() }
    }

    /// Notes a call; the number is for [`ended`](Self::ended).
    pub fn called(&self, client: &str, server: D::Server, call: D::Call) -> usize {
        let mut operations = self.lock();
        let number = operations.len();
        let text = format_args!("#{number} → {server}: {call}");
        let called = self.recorder.note(client, text, || {
            let about = About::new("call").with("call", number).with("server", server.to_string());
            about.text(&call)
        });
        operations.push(Operation {
            client: client.to_owned(),
            server,
            call,
            called,
            called_at: self.recorder.now(),
            ended: None,
        });
        number
    }

    pub fn ended(&self, number: usize, answer: D::Answer) {
        let (client, called) = {
            let operation = &self.lock()[number];
            (operation.client.clone(), operation.called)
        };
        let seq = self.recorder.note(&client, format_args!("#{number} = {answer}"), || {
            let outcome = match D::reply(&answer) {
                Some(_) => "ok",
                None if D::is_open(&answer) => "open",
                None => "refused",
            };
            let about = About::end(Cause::Event(called)).with("call", number);
            about.with("outcome", outcome).text(&answer)
        });
        let at = self.recorder.now();
        self.lock()[number].ended = Some(Ended { seq, at, answer });
    }

    /// The calls of a client that are under way: which event each of them is, and whom it asks.
    pub fn under_way(&self, client: &str) -> Vec<(Seq, D::Server)> {
        let operations = self.lock();
        let open = operations.iter().filter(|it| it.ended.is_none() && it.client == client);
        open.map(|it| (it.called, it.server.clone())).collect()
    }

    pub fn operations(&self) -> Vec<Operation<D>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Operation<D>>> {
        self.operations.lock().expect("no holder of this lock panics")
    }
}

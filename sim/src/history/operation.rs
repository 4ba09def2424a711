use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{Answer, Call, Reply, Server};
use crate::recorder::{Recorder, Seq};

/// One call. Without `ended` it was never answered.
#[derive(Debug, Clone)]
pub struct Operation {
    pub client: String,
    pub server: Server,
    pub call: Call,
    pub called: Seq,
    pub called_at: Duration,
    pub ended: Option<Ended>,
}

#[derive(Debug, Clone)]
pub struct Ended {
    pub seq: Seq,
    pub at: Duration,
    pub answer: Answer,
}

impl Operation {
    pub fn answer(&self) -> Option<&Answer> {
        self.ended.as_ref().map(|ended| &ended.answer)
    }

    pub fn reply(&self) -> Option<&Reply> {
        self.answer().and_then(Answer::ok)
    }

    /// Whether nobody knows what became of it.
    pub fn is_open(&self) -> bool {
        self.answer().is_none_or(Answer::is_open)
    }

    /// When it ended; never, if it did not.
    pub fn end_seq(&self) -> Seq {
        self.ended.as_ref().map_or(Seq::MAX, |ended| ended.seq)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = self.called_at.as_secs_f64();
        let (client, server, call) = (&self.client, self.server, &self.call);
        write!(f, "{called:.3}s {client} → {server}: {call}")?;
        match &self.ended {
            Some(ended) => write!(f, " = {} at {:.3}s", ended.answer, ended.at.as_secs_f64()),
            None => f.write_str(" = never answered"),
        }
    }
}

/// All calls of a run.
#[derive(Clone)]
pub struct History {
    recorder: Recorder,
    operations: Arc<Mutex<Vec<Operation>>>,
}

impl History {
    pub fn new(recorder: &Recorder) -> History {
        History { recorder: recorder.clone(), operations: Arc::default() }
    }

    /// Notes a call; the number is for [`ended`](Self::ended).
    pub fn called(&self, client: &str, server: Server, call: Call) -> usize {
        let mut operations = self.lock();
        let number = operations.len();
        let called = self.recorder.event(client, format_args!("#{number} → {server}: {call}"));
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

    pub fn ended(&self, number: usize, answer: Answer) {
        let client = self.lock()[number].client.clone();
        let seq = self.recorder.event(&client, format_args!("#{number} = {answer}"));
        let at = self.recorder.now();
        self.lock()[number].ended = Some(Ended { seq, at, answer });
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Operation>> {
        self.operations.lock().expect("no holder of this lock panics")
    }
}

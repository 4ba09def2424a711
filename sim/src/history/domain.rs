use drydock_harness::history::{self, Domain};

use super::{Answer, Call, Reply, Server};

/// What is asked of Drydock.
pub enum Drydock {}

/// All calls of a run.
pub type History = history::History<Drydock>;

pub type Operation = history::Operation<Drydock>;

impl Domain for Drydock {
    type Server = Server;
    type Call = Call;
    type Answer = Answer;
    type Reply = Reply;

    fn reply(answer: &Answer) -> Option<&Reply> {
        answer.ok()
    }

    fn is_open(answer: &Answer) -> bool {
        answer.is_open()
    }
}

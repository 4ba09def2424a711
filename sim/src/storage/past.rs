//! The past of coordination stores, whoever they are.

use drydock_core::coord::Event;

/// What one store held and did.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// What happened before, as far as this store knows it.
    pub inherited: Vec<Event>,
    pub events: Vec<Event>,
}

impl Past {
    pub fn whole(self) -> Vec<Event> {
        let mut events = self.inherited;
        events.extend(self.events);
        events
    }
}

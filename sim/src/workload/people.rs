//! People: each is a user with tokens, who does one thing after the other at any gateway until the
//! load ends, sometimes as the operator, sometimes with a token that is gone. Few names and few
//! places, so that they meet; what is made under a key has a name of its own.

use uuid::Uuid;

use super::Session;
use crate::history::{Act, Answer, By, Call, GatewayCall, Reply, Role, Server, Text, Token};
use crate::plan::{GatewayOp, Plan};

/// Groups below each other and projects have these many names.
const NAMES: u64 = 3;
/// How often a creation is asked for again under its key, at most.
const REPEATS: u64 = 2;
/// What somebody remembers of each kind.
const REMEMBERED: usize = 8;

/// What somebody knows.
struct Person<'a> {
    plan: &'a Plan,
    session: &'a Session,
    number: usize,
    /// The newest is used most; deleted ones stay.
    tokens: Vec<Token>,
    orgs: Vec<Uuid>,
    groups: Vec<Uuid>,
    projects: Vec<Uuid>,
    /// Whether the newest token opens nothing any more.
    locked_out: bool,
    /// Keys and names that are to differ.
    next: u64,
}

/// One person's life.
pub async fn person(plan: &Plan, session: &Session, number: usize) {
    let [least, greatest] = plan.workload.pause_ms;
    let total: u64 = plan.workload.gateway.values().map(|weight| u64::from(*weight)).sum();
    let (tokens, orgs, groups, projects) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (locked_out, next) = (true, 0);
    let mut person =
        Person { plan, session, number, tokens, orgs, groups, projects, locked_out, next };
    session.sleep_until(plan.workload.from_ms).await;
    loop {
        session.sleep_ms(session.draw(least, greatest)).await;
        if session.now_ms() >= plan.load_ms || total == 0 {
            return;
        }
        match person.tokens.is_empty() || person.locked_out {
            true => person.enter().await,
            false => person.act(total).await,
        }
    }
}

impl Person<'_> {
    fn name(&self) -> String {
        user_name(self.number as u64)
    }

    /// Becomes a user with a token, with the operator's help.
    async fn enter(&mut self) {
        let user = Act::CreateUser { name: self.name() };
        let made = self.ask(By::Admin, user, None).await;
        if made.ok().is_some() || made.code() == Some("user_already_exists") {
            self.make_token(By::Admin).await;
        }
    }

    async fn make_token(&mut self, by: By) {
        let (key, user) = (self.fresh(), self.name());
        let act = Act::MakeToken { user, name: format!("token-{key}") };
        self.create(by, act, key).await;
    }

    async fn act(&mut self, total: u64) {
        let op = self.choose(total);
        let by = self.by();
        match op {
            GatewayOp::MakeToken => self.make_token(by).await,
            GatewayOp::DropToken => {
                let nth = self.draw(0, self.tokens.len() as u64 - 1) as usize;
                let token = self.tokens[nth].clone();
                let act = Act::DropToken { user: self.name(), token: token.id };
                self.ask(by, act, None).await;
                // It is gone now, if that was answered: it opens nothing any more.
                let project = self.project();
                self.ask(By::User(token), Act::GetProject { project }, None).await;
                if nth + 1 == self.tokens.len() {
                    self.make_token(By::Admin).await;
                }
            }
            GatewayOp::CreateOrg | GatewayOp::CreateProject if self.draw(0, 1) == 0 => {
                let key = self.fresh();
                let name = format!("own-{}-{key}", self.number);
                let act = match op {
                    GatewayOp::CreateOrg => Act::CreateOrg { name },
                    _ => Act::CreateProject { parent: self.group(), name, public: false },
                };
                self.create(by, act, key).await;
            }
            _ => {
                if let Some(act) = self.make(op) {
                    let answer = self.ask(by.clone(), act.clone(), None).await;
                    self.look_back(by, &act, &answer).await;
                }
            }
        }
    }

    /// What was just answered is so everywhere, for everybody: looks, half of the time, at any
    /// gateway.
    async fn look_back(&mut self, by: By, act: &Act, answer: &Answer) {
        let id = match answer.ok() {
            Some(Reply::Named { id, .. } | Reply::Changed { id, .. }) => id.to_string(),
            _ => String::new(),
        };
        let look = match (act, answer.ok()) {
            (Act::GetProject { .. }, _) | (_, None) => return,
            (
                Act::CreateProject { .. } | Act::RenameProject { .. } | Act::ChangeProject { .. },
                _,
            ) => Act::GetProject { project: id },
            (Act::DeleteProject { project }, _) => Act::GetProject { project: project.to_string() },
            (Act::CreateGroup { .. } | Act::RenameGroup { .. } | Act::MoveGroup { .. }, _) => {
                Act::ListProjects { group: id }
            }
            (Act::DeleteGroup { group }, _) => Act::ListProjects { group: group.to_string() },
            (Act::CreateSecret { group, .. }, _) => Act::ListSecrets { group: group.clone() },
            (Act::SetRole { .. } | Act::RemoveMember { .. }, _) => {
                Act::ListProjects { group: self.group() }
            }
            _ => return,
        };
        if self.draw(0, 1) == 0 {
            self.ask(by, look, None).await;
        }
    }

    fn choose(&self, total: u64) -> GatewayOp {
        let mut left = self.draw(0, total - 1);
        for (op, weight) in &self.plan.workload.gateway {
            let weight = u64::from(*weight);
            if left < weight {
                return *op;
            }
            left -= weight;
        }
        unreachable!("the weights add up to the total")
    }

    /// Mostly the newest token.
    fn by(&self) -> By {
        match (self.draw(0, 9), self.tokens.last()) {
            (0, _) | (_, None) => By::Admin,
            (1, Some(_)) => {
                let nth = self.draw(0, self.tokens.len() as u64 - 1) as usize;
                By::User(self.tokens[nth].clone())
            }
            (_, Some(token)) => By::User(token.clone()),
        }
    }

    fn make(&self, op: GatewayOp) -> Option<Act> {
        let (user, org) = (|| self.user(), || self.org());
        let (group, project) = (|| self.group(), || self.project());
        let public = || self.draw(0, 1) == 0;
        let known = |of: &[Uuid]| match of.len() as u64 {
            0 => None,
            count => Some(of[self.draw(0, count - 1) as usize]),
        };
        Some(match op {
            GatewayOp::RenameUser => {
                let free = self.plan.topology.clients as u64 + 1;
                Act::RenameUser { user: user(), to: user_name(self.draw(1, free)) }
            }
            GatewayOp::SetAdmin => Act::SetAdmin { user: user(), admin: self.draw(0, 2) == 0 },
            GatewayOp::DeleteUser => Act::DeleteUser { user: user() },
            GatewayOp::CreateOrg => Act::CreateOrg { name: org() },
            GatewayOp::RenameOrg => {
                let free = self.plan.workload.orgs as u64 + 1;
                Act::RenameOrg { org: org(), to: format!("org-{}", self.draw(1, free)) }
            }
            GatewayOp::DeleteOrg => Act::DeleteOrg { org: known(&self.orgs)? },
            GatewayOp::SetRole => Act::SetRole {
                org: org(),
                user: user(),
                role: if public() { Role::Owner } else { Role::Member },
            },
            GatewayOp::RemoveMember => Act::RemoveMember { org: org(), user: user() },
            GatewayOp::CreateGroup => {
                let (parent, name) = (group(), format!("group-{}", self.draw(1, NAMES)));
                Act::CreateGroup { parent, name, public: public() }
            }
            GatewayOp::RenameGroup => {
                Act::RenameGroup { group: group(), to: format!("group-{}", self.draw(1, NAMES)) }
            }
            GatewayOp::MoveGroup => Act::MoveGroup { group: group(), parent: group() },
            GatewayOp::DeleteGroup => Act::DeleteGroup { group: known(&self.groups)? },
            GatewayOp::CreateProject => {
                let (parent, name) = (group(), format!("project-{}", self.draw(1, NAMES)));
                Act::CreateProject { parent, name, public: public() }
            }
            GatewayOp::RenameProject => {
                let to = format!("project-{}", self.draw(1, NAMES));
                Act::RenameProject { project: project(), to }
            }
            GatewayOp::ChangeProject => Act::ChangeProject {
                project: project(),
                branch: format!("branch-{}-{}", self.number, self.draw(0, u64::from(u32::MAX))),
                parent: public().then(group),
            },
            GatewayOp::DeleteProject => Act::DeleteProject { project: known(&self.projects)? },
            GatewayOp::GetProject => Act::GetProject { project: project() },
            GatewayOp::ListProjects => Act::ListProjects { group: group() },
            GatewayOp::CreateSecret => Act::CreateSecret {
                group: group(),
                name: format!("secret-{}", self.draw(1, NAMES)),
                text: Text(self.draw(0, u64::from(u32::MAX))),
            },
            GatewayOp::ListSecrets => Act::ListSecrets { group: group() },
            GatewayOp::MakeToken | GatewayOp::DropToken => return None,
        })
    }

    fn user(&self) -> String {
        user_name(self.draw(1, self.plan.topology.clients as u64))
    }

    fn org(&self) -> String {
        format!("org-{}", self.draw(1, self.plan.workload.orgs as u64))
    }

    /// The path of a root group, or of one up to two below it.
    fn group(&self) -> String {
        let mut path = match self.draw(0, 3) {
            0 => format!("user/{}", self.user()),
            _ => format!("org/{}", self.org()),
        };
        for _ in 0..self.draw(0, 2) {
            path += &format!("/group-{}", self.draw(1, NAMES));
        }
        path
    }

    fn project(&self) -> String {
        format!("{}/project-{}", self.group(), self.draw(1, NAMES))
    }

    fn draw(&self, least: u64, greatest: u64) -> u64 {
        self.session.draw(least, greatest)
    }

    /// A key that nobody else has.
    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.number as u64 * 1_000_000 + self.next
    }

    /// Creates under a key, again if nobody knows what became of it, or just so.
    async fn create(&mut self, by: By, act: Act, key: u64) {
        for _ in 0..=self.draw(0, REPEATS) {
            let answer = self.ask(by.clone(), act.clone(), Some(key)).await;
            if self.session.now_ms() >= self.plan.load_ms {
                return;
            }
            if answer.ok().is_none() && !answer.is_open() {
                return;
            }
        }
    }

    async fn ask(&mut self, by: By, act: Act, key: Option<u64>) -> Answer {
        let gateway = self.draw(1, self.plan.topology.gateways as u64) as usize;
        let call = GatewayCall { by, act: act.clone(), key };
        let newest = self.tokens.last().is_some_and(|token| call.by == By::User(token.clone()));
        let answer = self.session.ask(Server::Gateway(gateway), Call::Gateway(call)).await;
        self.locked_out |= newest && answer.code() == Some("unauthorized");
        match (&act, answer.ok()) {
            (_, Some(Reply::Token(token))) if !self.tokens.contains(token) => {
                remember(&mut self.tokens, token.clone());
                self.locked_out = false;
            }
            (Act::CreateOrg { .. }, Some(Reply::Named { id, .. })) => {
                remember(&mut self.orgs, *id);
            }
            (Act::CreateGroup { .. }, Some(Reply::Named { id, .. })) => {
                remember(&mut self.groups, *id);
            }
            (Act::CreateProject { .. } | Act::GetProject { .. }, Some(Reply::Named { id, .. })) => {
                remember(&mut self.projects, *id)
            }
            _ => {}
        }
        answer
    }
}

fn remember<T>(known: &mut Vec<T>, new: T) {
    known.push(new);
    if known.len() > REMEMBERED {
        known.remove(0);
    }
}

fn user_name(number: u64) -> String {
    format!("user-{number}")
}

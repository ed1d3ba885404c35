//! Waits: armed with a row outside, consumed when they have happened, disarmed when their owner goes.

use chrono::{DateTime, Utc};

use super::incident::About;
use super::step::{Step, Thrown, Turn};
use crate::element::definition::Trigger;
use crate::element::room::{Arm, ArmKind, Fault, Given, JobSpec};
use crate::element::rules;
use crate::graph::NodeIx;
use crate::instance::{
    Fact, JobRow, Need, Outcome, Owner, Payload, Reaction, Receiver, SubscriptionRow, TimerRow, TokenId, Topic, Wait,
    WaitId, WaitKind,
};
use crate::model::{Name, Ref};

impl<'a> Turn<'a> {
    /// Arms one thing. The inner error is a fault of the step: a task whose own record could not be made.
    pub fn arm(&mut self, owner: Owner, arm: Arm) -> Step<Result<(), Fault>> {
        let Arm { node, kind, count } = arm;
        match kind {
            ArmKind::Task(task) => return self.open_task(owner, node, *task, count),
            ArmKind::Timer(at) => self.arm_timer(owner, node, at, count),
            ArmKind::Message(name, key) => self.arm_message(owner, node, name, key),
            ArmKind::Signal(name) => {
                let topic = Topic::signal(&name);
                self.listen(owner, node, WaitKind::Signal(name), [topic]);
            }
            ArmKind::Record(topic) => {
                self.listen(owner, node, WaitKind::Record(topic.as_str().to_string()), [topic]);
            }
            ArmKind::Condition(truth, reads) => {
                let topics: Vec<Topic> = reads.iter().map(Topic::record).collect();
                self.listen(owner, node, WaitKind::Condition(truth, reads), topics);
            }
            ArmKind::Stage(record, revision) => {
                let topic = Topic::record(&record);
                self.listen(owner, node, WaitKind::Stage(record, revision), [topic]);
            }
            ArmKind::Job(job) => self.arm_job(owner, node, *job, count),
            ArmKind::Passive => {
                self.arm_wait(owner, node, WaitKind::Passive, count);
            }
        }
        Ok(Ok(()))
    }

    /// Keeps a wait; what it means outside is the caller's.
    pub fn arm_wait(&mut self, owner: Owner, node: NodeIx, kind: WaitKind, count: u32) -> WaitId {
        let id = self.number();
        self.fact(Fact::Armed(Wait { id, owner, node, kind, count }));
        id
    }

    fn listen(&mut self, owner: Owner, node: NodeIx, kind: WaitKind, topics: impl IntoIterator<Item = Topic>) {
        let wait = self.arm_wait(owner, node, kind, 0);
        self.listen_to(wait, topics);
    }

    /// Listens to further topics for a wait.
    pub fn listen_to(&mut self, wait: WaitId, topics: impl IntoIterator<Item = Topic>) {
        for topic in topics {
            self.need(Need::Listen(SubscriptionRow { instance: self.run.row.id, wait, topic }));
        }
    }

    /// A timer; when its instant is read from records, it follows them (S14).
    fn arm_timer(&mut self, owner: Owner, node: NodeIx, at: DateTime<Utc>, count: u32) {
        let wait = self.arm_wait(owner, node, WaitKind::Timer(at.timestamp_micros()), count);
        self.need(Need::ArmTimer(TimerRow { instance: self.run.row.id, wait, due: at }));
        let followed = self.followed(owner, node);
        self.listen_to(wait, followed.iter().map(Topic::record));
    }

    /// The row of a timer that is armed already, for an instant in microseconds.
    pub fn arm_row(&mut self, wait: WaitId, due: i64) {
        let due = DateTime::from_timestamp_micros(due).unwrap_or(self.context.now);
        self.need(Need::ArmTimer(TimerRow { instance: self.run.row.id, wait, due }));
    }

    /// The records whose columns the instant of a timer at `node` is read from.
    pub fn followed(&self, owner: Owner, node: NodeIx) -> Vec<Ref> {
        let Some(trigger) = self.trigger(node) else { return Vec::new() };
        let instants = match trigger {
            Trigger::At(instants) => instants.as_slice(),
            _ => return Vec::new(),
        };
        let given = Given::default();
        let (token, scope) = self.place_of(owner);
        let view = self.view(node, token, scope, &given);
        instants.iter().flat_map(|at| view.reads_of(at)).collect()
    }

    /// What a node waits for, when it is an event.
    pub fn trigger(&self, node: NodeIx) -> Option<&'a Trigger> {
        self.def.element(node)?.trigger()
    }

    /// The token and scope in which an owner's expressions are evaluated.
    pub fn place_of(&self, owner: Owner) -> (TokenId, u32) {
        match owner {
            Owner::Token(token) => (token, self.run.state.token(token).map_or(0, |found| found.scope)),
            Owner::Scope(scope) => (0, scope),
        }
    }

    /// A kept message may be taken at once (S15).
    fn arm_message(&mut self, owner: Owner, node: NodeIx, name: Name, key: String) {
        let topic = Topic::message(&name, &key);
        let wait = self.arm_wait(owner, node, WaitKind::Message(name.clone(), key.clone()), 0);
        self.listen_to(wait, [topic]);
        self.thrown.push_back(Thrown::Kept(wait, name, key));
    }

    fn arm_job(&mut self, owner: Owner, node: NodeIx, job: JobSpec, count: u32) {
        // Another attempt is the same job: the world outside knows it by its id.
        let id = job.again.unwrap_or_else(|| self.context.ids.next_id());
        let wait = self.arm_wait(owner, node, WaitKind::Job(id), count);
        self.need(Need::KeepJob(Box::new(JobRow {
            id,
            instance: self.run.row.id,
            wait,
            service: job.service,
            with: job.with.into_iter().collect(),
            attempt: job.attempt,
            due: job.due.timestamp_micros(),
            leased_until: None,
            record: self.run.state.record.clone(),
            step: self.def.step(node),
            timeout: job.timeout,
            held: false,
            lapses: 0,
            leased_at: None,
            late: false,
        })));
    }

    /// Arms the boundary events of an activity.
    pub fn arm_boundaries(&mut self, token: TokenId, node: NodeIx) -> Step {
        for boundary in self.def.boundaries_of(node) {
            self.arm_event(Owner::Token(token), *boundary)?;
        }
        Ok(())
    }

    /// Arms an event at a border or of a handler.
    pub fn arm_event(&mut self, owner: Owner, node: NodeIx) -> Step {
        let Some(trigger) = self.trigger(node) else { return Ok(()) };
        let given = Given::default();
        let (token, scope) = self.place_of(owner);
        let armed = rules::arm(&self.view(node, token, scope, &given), node, trigger);
        match armed {
            Ok(arms) => {
                for arm in arms {
                    let _infallible = self.arm(owner, arm)?;
                }
                Ok(())
            }
            Err(fault) => {
                self.report(fault, About::waiting(owner, node, None));
                Ok(())
            }
        }
    }

    /// The wait has happened: it is gone, and so is its row.
    pub fn consume(&mut self, wait: Option<WaitId>) {
        let Some(wait) = wait.and_then(|id| self.run.state.wait(id)).cloned() else { return };
        self.fact(Fact::Disarmed(wait.id));
        match wait.kind {
            WaitKind::Timer(_) => {
                self.need(Need::DisarmTimer(self.run.row.id, wait.id));
                if !self.followed(wait.owner, wait.node).is_empty() {
                    self.need(Need::Unlisten(self.run.row.id, wait.id));
                }
            }
            WaitKind::Job(id) => self.need(Need::CloseJob(id)),
            WaitKind::Message(..)
            | WaitKind::Signal(_)
            | WaitKind::Record(_)
            | WaitKind::Condition(..)
            | WaitKind::Stage(..) => self.need(Need::Unlisten(self.run.row.id, wait.id)),
            WaitKind::Task(_) | WaitKind::Call(_) | WaitKind::Scopes | WaitKind::Passive | WaitKind::Incident(_) => {}
        }
    }

    /// Every wait of the owner is withdrawn, with the reason that its task shows.
    pub fn disarm(&mut self, owner: Owner, reason: &str) {
        let waits: Vec<WaitId> = self.run.state.waits.of(owner).map(|wait| wait.id).collect();
        for wait in waits {
            self.withdraw(wait, reason);
        }
        if let Owner::Scope(scope) = owner {
            self.mend_scope(scope, false, reason);
        }
    }

    /// Every wait of the token that means this node itself is withdrawn; its boundary events stay.
    pub fn disarm_node(&mut self, token: TokenId, node: NodeIx) {
        let own = self.run.state.waits.of(Owner::Token(token)).filter(|wait| wait.node == node);
        let waits: Vec<WaitId> = own.map(|wait| wait.id).collect();
        for wait in waits {
            self.withdraw(wait, "asked_again");
        }
    }

    fn withdraw(&mut self, id: WaitId, reason: &str) {
        let kind = self.run.state.wait(id).map(|wait| wait.kind.clone());
        self.consume(Some(id));
        match kind {
            Some(WaitKind::Task(task)) => {
                self.need(Need::CloseTask(task, Outcome::Withdrawn(Name::new(reason))));
                self.withdraw_mirror(task, reason);
            }
            // Called in this very turn it does not begin at all.
            Some(WaitKind::Call(instance)) if self.out.calls.iter().any(|call| call.id == instance) => {
                self.out.calls.retain(|call| call.id != instance);
            }
            Some(WaitKind::Call(instance)) => {
                self.react(Receiver::Instance(instance), Payload::Cancel(Name::new(reason)));
            }
            _ => {}
        }
    }

    /// Asks another instance or a start, in the same commit.
    pub fn react(&mut self, to: Receiver, payload: Payload) {
        let principal = self.context.on_behalf_of.clone().or_else(|| self.run.state.initiator.clone());
        self.out.reactions.push(Reaction {
            to,
            payload,
            depth: self.context.depth.saturating_add(1),
            root: *self.context.root.as_bytes(),
            principal,
        });
    }
}

//! Something that a wait waited for has happened: whose wait is it, does it fit, and what follows.

use super::Refused;
use super::brought::Woken;
use super::incident::About;
use super::step::{Step, Thrown, Turn};
use crate::element::Element;
use crate::element::definition::{RecordTrigger, Trigger};
use crate::element::room::{Event, Fault, Given, View};
use crate::entity::{EventKind, RecordEvent};
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::{Fact, Need, Owner, Payload, Place, TimerRow, TokenId, Topic, Wait, WaitId, WaitKind};
use crate::model::expr::Expr;
use crate::model::schedule::CatchUp;
use crate::model::{Name, Value};

impl Turn<'_> {
    /// Delivers what a reaction brings; a wait that is gone is passed by (S16).
    pub fn deliver(&mut self, wait: WaitId, payload: Payload) -> Step {
        let Some(found) = self.run.state.wait(wait).cloned() else {
            self.note(NodeIx::PROCESS, "what it waited for came too late: the wait is gone");
            return Ok(());
        };
        match payload {
            Payload::Record(event) => self.record_changed(&found, &event),
            Payload::Mirror(event) => self.mirror_changed(&found, &event),
            Payload::Message(name, key, with, ttl) => {
                let with = with.into_iter().collect();
                if self.message(&found, &with)? { Ok(()) } else { self.pass_on(&found, &name, key, with, ttl) }
            }
            Payload::Signal(_, with) => self.message(&found, &with.into_iter().collect()).map(drop),
            Payload::Returned(with) => {
                let values: Values = with.into_iter().collect();
                self.wake(wait, &Event::Done(&values), &Given::default(), true)
            }
            Payload::Thrown { code, with, escalation: true, ended, .. } => self.escalated(&found, code, with, ended),
            Payload::Thrown { code, with, results, .. } => self.thrown_by_call(&found, code, with, results),
            // These are commands of their own.
            Payload::Cancel(_) | Payload::Schedule | Payload::Due | Payload::Done(_) | Payload::Failed(_) => Ok(()),
        }
    }

    /// Wakes a wait: an activity resumes, a race is won, a boundary event or handler fires.
    pub fn wake(&mut self, wait: WaitId, event: &Event<'_>, given: &Given<'_>, consume: bool) -> Step {
        let Some(found) = self.run.state.wait(wait).cloned() else { return Ok(()) };
        self.spend()?;
        match self.def.element(found.node) {
            Some(Element::EventPart(part)) => self.wake_part(&found, part, event, given),
            _ => self.wake_event(&found, found.node, event, given, consume),
        }
    }

    /// Wakes what waits for an event: the event of the wait itself, or the one that it is a part of.
    pub fn wake_event(
        &mut self,
        wait: &Wait,
        node: NodeIx,
        event: &Event<'_>,
        given: &Given<'_>,
        consume: bool,
    ) -> Step {
        match wait.owner {
            Owner::Scope(scope) => {
                let Some(Element::EventSubProcess(handler)) = self.def.element(node) else { return Ok(()) };
                if consume && !handler.interrupting {
                    self.occurred(wait)?;
                }
                self.handle(scope, node, handler.interrupting, event, given)
            }
            Owner::Token(token) => self.wake_token(token, wait, node, event, given, consume),
        }
    }

    fn wake_token(
        &mut self,
        token: TokenId,
        wait: &Wait,
        node: NodeIx,
        event: &Event<'_>,
        given: &Given<'_>,
        consume: bool,
    ) -> Step {
        let (Some(at), Some(element)) = (self.run.state.node_of(token), self.def.element(node)) else { return Ok(()) };
        if at == node {
            let scope = self.run.state.token(token).map_or(0, |found| found.scope);
            let woken = Woken { wait: Some(wait.id).filter(|_| consume), event: Some((event, given)) };
            return match element.room().resume(&self.view(at, token, scope, given), event) {
                Ok(decided) => self.act(token, at, decided, woken),
                Err(fault) => self.fail_taking(token, at, fault, woken),
            };
        }
        match element {
            Element::BoundaryEvent(border) => {
                if consume && !border.interrupting {
                    self.occurred(wait)?;
                }
                self.at_border(token, node, border.interrupting, event, given)
            }
            Element::CatchEvent(_) => {
                self.disarm(Owner::Token(token), "lost_race");
                self.fact(Fact::Placed(token, Place::In(node)));
                self.resume_at(token, node, event, given)
            }
            _ => Ok(()),
        }
    }

    /// A wait that stays beyond its occurrence: the next instant of a cycle, or the end of a timer.
    pub fn occurred(&mut self, wait: &Wait) -> Step {
        let WaitKind::Timer(due) = wait.kind else { return Ok(()) };
        let (every, catch_up) = match self.trigger(wait.node) {
            Some(Trigger::After { every: Some(every), catch_up, .. }) => (every.clone(), *catch_up),
            _ => {
                self.consume(Some(wait.id));
                return Ok(());
            }
        };
        let (token, scope) = self.place_of(wait.owner);
        let given = Given::default();
        let view = self.view(wait.node, token, scope, &given);
        // Without drift: from the instant it was due, not from now; what was missed meanwhile is caught up with as it says (S14).
        let mut next = chrono::DateTime::from_timestamp_micros(due).unwrap_or(self.context.now);
        for _ in 0..10_000 {
            match view.instant(&every, next) {
                Ok(later) if later > next => next = later,
                _ => break,
            }
            if next > self.context.now || catch_up == CatchUp::All {
                break;
            }
        }
        let kind = WaitKind::Timer(next.timestamp_micros());
        self.fact(Fact::Rearmed(Wait { kind, count: wait.count.saturating_add(1), ..wait.clone() }));
        self.need(Need::ArmTimer(TimerRow { instance: self.run.row.id, wait: wait.id, due: next }));
        Ok(())
    }

    /// A record changed that a wait listens to.
    pub fn record_changed(&mut self, wait: &Wait, event: &RecordEvent) -> Step {
        match &wait.kind {
            WaitKind::Stage(_, since) => self.stage_changed(wait, *since, event),
            WaitKind::Record(_) => {
                let given = Given { event: Some(event), ..Given::default() };
                match self.fits(wait, &given) {
                    Ok(true) => self.wake(wait.id, &Event::Record(event), &given, true),
                    Ok(false) => Ok(()),
                    Err(fault) => {
                        self.note(wait.node, format!("the event did not match: {}", fault.message));
                        Ok(())
                    }
                }
            }
            WaitKind::Condition(..) => self.look_at_condition(wait.id),
            WaitKind::Timer(_) => self.follow(wait),
            _ => Ok(()),
        }
    }

    /// The stage of a followed record changed, by anybody; a change older than the present list is passed by.
    fn stage_changed(&mut self, wait: &Wait, since: u64, event: &RecordEvent) -> Step {
        let Some(Element::StageScope(scope)) = self.def.element(wait.node) else { return Ok(()) };
        if event.revision() <= since || !event.has_changed(&scope.column) {
            return Ok(());
        }
        let (token, at) = self.place_of(wait.owner);
        let given = Given::default();
        let record = self.view(wait.node, token, at, &given).load(event.record());
        match record {
            Ok(record) => match record.get(&scope.column) {
                Value::Text(stage) => {
                    let (stage, revision) = (Name::new(stage), record.rev);
                    self.wake(wait.id, &Event::Stage(&stage, revision), &given, false)
                }
                _ => Ok(()),
            },
            // A deleted record cancels the run by itself (S27).
            Err(_) => Ok(()),
        }
    }

    /// A condition is looked at again: it fires on the edge from false to true (S17).
    pub fn look_at_condition(&mut self, id: WaitId) -> Step {
        let Some(wait) = self.run.state.wait(id).cloned() else { return Ok(()) };
        let (WaitKind::Condition(before, records), Some(Trigger::Condition(condition))) =
            (&wait.kind, self.trigger(wait.node))
        else {
            return Ok(());
        };
        let (token, scope) = self.place_of(wait.owner);
        let given = Given::default();
        let looked = self.view(wait.node, token, scope, &given).watch(condition);
        let (now, reads) = match looked {
            Ok(found) => found,
            Err(fault) => {
                self.note(wait.node, format!("the condition cannot be looked at: {}", fault.message));
                return Ok(());
            }
        };
        if now != *before || reads != *records {
            if reads != *records {
                self.need(Need::Unlisten(self.run.row.id, id));
                self.listen_to(id, reads.iter().map(Topic::record));
            }
            self.fact(Fact::Rearmed(Wait { kind: WaitKind::Condition(now, reads), ..wait.clone() }));
        }
        if now && !before { self.wake(id, &Event::Condition, &given, true) } else { Ok(()) }
    }

    /// A timer whose instant is read from records follows them; a null is an incident (S14).
    pub fn follow(&mut self, wait: &Wait) -> Step {
        let (token, scope) = self.place_of(wait.owner);
        let given = Given::default();
        let Some(Trigger::At(instants)) = self.trigger(wait.node) else { return Ok(()) };
        let position = usize::try_from(wait.count).unwrap_or(usize::MAX);
        let Some(at) = instants.get(position) else { return Ok(()) };
        match self.view(wait.node, token, scope, &given).instant(at, self.context.now) {
            Ok(due) => {
                let kind = WaitKind::Timer(due.timestamp_micros());
                let (lost, same) = (self.lost(wait), kind == wait.kind);
                if same && lost.is_none() {
                    return Ok(());
                }
                lost.into_iter().for_each(|id| self.fact(Fact::Mended(id, "the data are mended".to_string())));
                if !same {
                    self.fact(Fact::Rearmed(Wait { kind, ..wait.clone() }));
                }
                self.need(Need::ArmTimer(TimerRow { instance: self.run.row.id, wait: wait.id, due }));
                Ok(())
            }
            // One incident is enough.
            Err(_) if self.lost(wait).is_some() => Ok(()),
            Err(fault) => {
                self.need(Need::DisarmTimer(self.run.row.id, wait.id));
                self.report(fault, About::waiting(wait.owner, wait.node, Some(wait.id)));
                Ok(())
            }
        }
    }

    /// A message or signal for a wait; whether it was taken.
    pub fn message(&mut self, wait: &Wait, with: &Values) -> Step<bool> {
        let given = Given { message: Some(with), ..Given::default() };
        match self.fits(wait, &given) {
            Ok(true) => {
                self.wake(wait.id, &Event::Message(with), &given, true)?;
                return Ok(true);
            }
            Ok(false) => self.note(wait.node, "what came did not meet the condition of the wait"),
            Err(fault) => self.note(wait.node, format!("what came did not match: {}", fault.message)),
        }
        Ok(false)
    }

    /// A wait just armed takes the oldest kept message that it is meant for; the others stay (S15).
    fn take_kept(&mut self, wait: WaitId, name: &Name, key: &str) -> Step {
        for (number, with) in self.world.kept_messages(name, key, self.context.now)? {
            let Some(found) = self.run.state.wait(wait).cloned() else { return Ok(()) };
            if !self.taken.contains(&number) && self.message(&found, &with)? {
                self.taken.insert(number);
                self.need(Need::TakeMessage(name.clone(), key.to_string(), number));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether what came meets the condition of the wait's trigger. A null is no match.
    fn fits(&self, wait: &Wait, given: &Given<'_>) -> Result<bool, Fault> {
        let Some(trigger) = self.trigger(wait.node) else { return Ok(true) };
        let (token, scope) = self.place_of(wait.owner);
        let view = self.view(wait.node, token, scope, given);
        match trigger {
            Trigger::Record(record) => fits_record(&view, record, given.event),
            Trigger::Message { when, .. } | Trigger::Signal { when, .. } => fits_when(&view, when.as_ref()),
            _ => Ok(true),
        }
    }

    /// An error of a call: what the called run returned so far is taken first (S9).
    fn thrown_by_call(
        &mut self,
        wait: &Wait,
        code: Name,
        with: Vec<(Name, Value)>,
        results: Vec<(Name, Value)>,
    ) -> Step {
        let Owner::Token(token) = wait.owner else { return Ok(()) };
        self.consume(Some(wait.id));
        if let Some(Element::CallActivity(call)) = self.def.element(wait.node)
            && !results.is_empty()
        {
            let (values, (_, scope)) = (results.into_iter().collect(), self.place_of(wait.owner));
            let given = Given { result: Some(&values), ..Given::default() };
            let taken = match self.view(wait.node, token, scope, &given).assignments(&call.take) {
                Ok(effects) => self.effects(token, wait.node, effects)?,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = taken {
                self.note(wait.node, format!("what the call returned was not taken: {}", fault.message));
            }
        }
        self.throw(token, wait.node, of_call(code, with), false)
    }

    /// An escalation of a call: while that goes on, the call's token does not move.
    fn escalated(&mut self, wait: &Wait, code: Name, with: Vec<(Name, Value)>, ended: bool) -> Step {
        let Owner::Token(token) = wait.owner else { return Ok(()) };
        self.escalated_by_call(token, wait, of_call(code, with), ended)
    }

    /// What was thrown is delivered: to the run's own waits in this turn, to others by reactions.
    pub fn deliver_thrown(&mut self, thrown: Thrown) -> Step {
        self.arm_quiet()?;
        match thrown {
            Thrown::Signal(name, with) => self.broadcast(&name, &with),
            Thrown::Message { name, key, with, ttl } => self.publish(&name, key, with, ttl),
            Thrown::Kept(wait, name, key) => self.take_kept(wait, &name, &key),
        }
    }

    /// Whether an occurrence of a cycle comes too late, and those are left out.
    fn is_left_out(&self, wait: &Wait, due: i64) -> bool {
        let node = match self.def.element(wait.node) {
            Some(Element::EventPart(part)) => part.of,
            _ => wait.node,
        };
        let repeats = match self.def.element(node) {
            Some(Element::BoundaryEvent(event)) => !event.interrupting,
            Some(Element::EventSubProcess(event)) => !event.interrupting,
            _ => false,
        };
        let due = chrono::DateTime::from_timestamp_micros(due).unwrap_or(self.context.now);
        match self.trigger(wait.node) {
            Some(Trigger::After { every: Some(_), catch_up, .. }) => {
                repeats && catch_up.leaves_out(due, self.context.now)
            }
            _ => false,
        }
    }

    /// A timer is due. One that moved meanwhile, or is gone, is passed by.
    pub fn fire(&mut self, wait: WaitId) -> Step {
        match self.run.state.wait(wait).map(|found| found.kind.clone()) {
            Some(WaitKind::Timer(due)) if due <= self.context.now.timestamp_micros() => {
                if let Some(missed) = self.run.state.wait(wait).filter(|found| self.is_left_out(found, due)).cloned() {
                    return self.occurred(&missed);
                }
                self.wake(wait, &Event::Fired, &Given::default(), true)
            }
            Some(WaitKind::Timer(_)) => Ok(()),
            _ => Err(Refused::NotWaiting("the timer is gone".into()).into()),
        }
    }
}

fn of_call(code: Name, with: Vec<(Name, Value)>) -> Fault {
    let message = format!("the called process threw {code}");
    Fault { code, message, with: with.into_iter().collect(), catchable: true }
}

/// Whether a record event meets a trigger: its kind, its columns, its condition.
pub(super) fn fits_record(
    view: &View<'_>,
    trigger: &RecordTrigger,
    event: Option<&RecordEvent>,
) -> Result<bool, Fault> {
    let Some(event) = event else { return Ok(false) };
    if event.kind != trigger.kind || event.record().entity != trigger.entity {
        return Ok(false);
    }
    if !trigger.changed.is_empty() && !trigger.changed.iter().any(|column| event.has_changed(column)) {
        return Ok(false);
    }
    for (column, value) in &trigger.equal {
        if !event.value(column).same(&view.eval(value)?) {
            return Ok(false);
        }
    }
    if trigger.edge && held_before(view, trigger, event)? {
        return Ok(false);
    }
    fits_when(view, trigger.when.as_ref())
}

/// Whether the condition held before the change.
fn held_before(view: &View<'_>, trigger: &RecordTrigger, event: &RecordEvent) -> Result<bool, Fault> {
    if event.kind == EventKind::Created {
        return Ok(false);
    }
    let kept = event.values.iter().filter(|(column, _)| !event.has_changed(column));
    let values = kept.chain(&event.changed).cloned().collect();
    let before = RecordEvent { values, changed: Vec::new(), ..event.clone() };
    let given = Given { event: Some(&before), ..*view.given };
    // What cannot be evaluated did not hold.
    Ok(fits_when(&View { given: &given, ..*view }, trigger.when.as_ref()).unwrap_or(false))
}

fn fits_when(view: &View<'_>, when: Option<&Expr>) -> Result<bool, Fault> {
    when.map_or(Ok(true), |when| view.fits(when))
}

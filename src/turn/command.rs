//! A command: to which run it goes, what it asks of it, and what comes of a turn that took too long.

use std::collections::BTreeMap;

use super::react::{Asked, Fan, brought, delivery, undelivered};
use super::start::{Beginning, find, open};
use super::step::{Step, Stop, Turn};
use super::task::{Assigning, MirrorSays};
use super::{Context, Input, Output, Refused, Route, World};
use crate::element::definition::{Definition, Trigger};
use crate::element::room::{Event, Given};
use crate::element::rules::canonical;
use crate::entity::{Cause, Overlay, SaveContext, Wish, plan};
use crate::graph::NodeIx;
use crate::instance::command::Failure;
use crate::instance::rows::Values;
use crate::instance::{
    Caller, Command, Fact, Id, InstanceRow, Need, Payload, Run, StartBy, Status, Topic, WaitId, WaitKind,
};
use crate::model::suggest::did_you_mean;
use crate::model::{Name, Ref, Type, Value};

/// To which instance a command goes: tasks, and saves that complete or reassign a task's own record, belong to the task's instance (S26).
///
/// # Errors
/// When there is no such task, or the store fails.
pub fn route(command: &Command, catalog: &crate::element::Catalog, world: &dyn World) -> Result<Route, Refused> {
    match command {
        Command::Complete { task, .. } | Command::Claim(task) | Command::Release(task) | Command::Reassign(task, _) => {
            let row = world.task(*task)?;
            let row = row
                .ok_or_else(|| Refused::NotWaiting(format!("expected an open task, found none with the id {task}")))?;
            Ok(Route::Instance(row.instance))
        }
        Command::Save(wish) => match wish.target().map(|target| world.task_of(target)).transpose()?.flatten() {
            Some(row) if speaks_of_task(catalog, wish) => Ok(Route::Instance(row.instance)),
            _ => Ok(Route::Free),
        },
        _ => Ok(Route::Free),
    }
}

/// Whether a save of a task's own record touches what the library maps to the task.
fn speaks_of_task(catalog: &crate::element::Catalog, wish: &Wish) -> bool {
    let Some(mirror) = catalog.library.tasks.as_ref() else { return false };
    match wish {
        Wish::Delete { .. } => true,
        Wish::Update { set, .. } => set.iter().any(|(column, _)| mirror.maps(column)),
        Wish::Create { .. } => false,
    }
}

/// Carries out one command.
///
/// # Errors
/// When the command is refused, or when the store fails; nothing has changed then.
pub fn run(mut input: Input<'_>) -> Result<Box<Output>, Refused> {
    if let Some(run) = input.instance.take() {
        let command = input.command;
        admit(command, &run)?;
        let mut turn = going_on(input, run)?;
        turn.command(command).and_then(|()| turn.own_effects()).and_then(|()| turn.settle()).map_err(refused)?;
        return Ok(turn.finish());
    }
    match input.command {
        Command::Start { by: StartBy::Event(at, Payload::Schedule), record: None, process, version, .. } => {
            let def = find(input.catalog, process, *version)?;
            match fan(&input, input.world).by_clock(def, *at) {
                Some(asked) => {
                    let mut out = Output::default();
                    ask(&input, &mut out, asked);
                    Ok(Box::new(out))
                }
                None => start(input),
            }
        }
        Command::Start { .. } => start(input),
        Command::Save(wish) => save(&mut input, wish.clone()).map(Box::new),
        Command::Signal(name, with) => signal(&input, name, with).map(Box::new),
        Command::Publish { message, key, with } => publish(&input, message, key, with).map(Box::new),
        other => Err(Refused::Invalid(format!("expected a run for {}, found none", name_of(other)))),
    }
}

/// What comes of a command whose turn took too many steps: one incident where it began (S22). A run that was to begin exists then, with
/// its first token before the first node.
///
/// # Errors
/// As [`run`].
pub fn overrun(mut input: Input<'_>) -> Result<Box<Output>, Refused> {
    let command = input.command;
    let wait = wait_named(command, input.world)?;
    let mut turn = match input.instance.take() {
        Some(run) => going_on(input, run)?,
        None => opened(input)?,
    };
    turn.out_of_budget(command, wait);
    Ok(turn.finish())
}

fn start(input: Input<'_>) -> Result<Box<Output>, Refused> {
    let mut turn = opened(input)?;
    turn.settle().map_err(refused)?;
    Ok(turn.finish())
}

fn opened(input: Input<'_>) -> Result<Box<Turn<'_>>, Refused> {
    let Command::Start { process, version, by, record, new, with, caller, depth } = input.command else {
        return Err(Refused::Invalid(format!("expected a start, found {}", name_of(input.command))));
    };
    let def = find(input.catalog, process, *version)?;
    open(input, def, Beginning { by, record, new, with, caller, depth: *depth }).map_err(refused)
}

fn going_on(input: Input<'_>, run: Box<Run>) -> Result<Box<Turn<'_>>, Refused> {
    let def = find(input.catalog, &run.row.process, Some(run.row.version))?;
    Ok(Turn::new(input, def, run))
}

fn refused(stop: Stop) -> Refused {
    match stop {
        Stop::Refused(refused) => refused,
        Stop::Budget => Refused::Overrun,
    }
}

/// What is over takes no commands; what is suspended only goes on or is canceled.
fn admit(command: &Command, run: &Run) -> Result<(), Refused> {
    let Run { row, state } = run;
    if state.status.is_over() {
        return Err(Refused::NotWaiting(format!("the instance {} is over", row.id)));
    }
    let goes_on = matches!(command, Command::Suspend(_) | Command::Cancel(_));
    if state.status == Status::Suspended && !goes_on {
        return Err(Refused::Suspended(row.id));
    }
    Ok(())
}

/// The wait that a command is about: where an incident is put when the turn is undone.
fn wait_named(command: &Command, world: &dyn World) -> Result<Option<WaitId>, Refused> {
    Ok(match command {
        Command::Fire(wait)
        | Command::JobDone(wait, _)
        | Command::JobFailed(wait, _)
        | Command::Deliver(wait, _)
        | Command::Act(wait, _) => Some(*wait),
        Command::Complete { task, .. } => world.task(*task)?.map(|row| row.wait),
        Command::Save(wish) => match wish.target() {
            Some(target) => world.task_of(target)?.map(|row| row.wait),
            None => None,
        },
        _ => None,
    })
}

impl Turn<'_> {
    fn command(&mut self, command: &Command) -> Step {
        match command {
            Command::Complete { task, outcome, form } => self.complete_task(*task, outcome.as_ref(), form, None),
            Command::Claim(task) => self.assign_task(*task, Assigning::Claim),
            Command::Release(task) => self.assign_task(*task, Assigning::Release),
            Command::Reassign(task, user) => self.assign_task(*task, Assigning::To(user.clone())),
            Command::Fire(wait) => self.fire(*wait),
            Command::JobDone(wait, values) => self.job(*wait, |values| Event::Done(values), values),
            Command::JobFailed(wait, failure) => self.job_failed(*wait, failure),
            Command::Deliver(wait, payload) => self.deliver(*wait, payload.clone()),
            Command::Act(wait, values) => self.act_by_hand(*wait, values),
            Command::Mend(id, how) => self.mend(*id, how.clone()),
            Command::Cancel(reason) => self.cancel(reason),
            Command::Suspend(on) => self.suspend(*on),
            Command::Save(wish) => self.save_of_task_record(wish.clone()),
            other => Err(Refused::Invalid(format!("expected no run for {}", name_of(other))).into()),
        }
    }

    fn job(&mut self, wait: WaitId, event: fn(&Values) -> Event<'_>, values: &Values) -> Step {
        self.check_job(wait)?;
        self.wake(wait, &event(values), &Given::default(), true)
    }

    fn job_failed(&mut self, wait: WaitId, failure: &Failure) -> Step {
        self.check_job(wait)?;
        self.wake(wait, &Event::Failed(failure), &Given::default(), true)
    }

    fn check_job(&self, wait: WaitId) -> Step {
        match self.run.state.wait(wait).map(|found| &found.kind) {
            Some(WaitKind::Job(_)) => Ok(()),
            _ => Err(Refused::NotWaiting("the job was withdrawn".into()).into()),
        }
    }

    /// An action that a boundary event or handler offers to people.
    fn act_by_hand(&mut self, wait: WaitId, values: &Values) -> Step {
        let found = self.run.state.wait(wait).cloned();
        if let Some(found) = &found
            && self.choose(found)?
        {
            return Ok(());
        }
        let Some(Trigger::Manual { roles, .. }) = found.and_then(|found| self.trigger(found.node)) else {
            return Err(Refused::NotWaiting("no such action is offered".into()).into());
        };
        self.check_roles(roles)?;
        let given = Given { form: Some(values), ..Given::default() };
        self.wake(wait, &Event::Acted(values), &given, true)
    }

    /// Whether the one who acts has one of these roles; everybody has where none is named.
    pub fn check_roles(&self, roles: &[Name]) -> Step {
        if !roles.is_empty() && !self.context.principal.may_perform(None, roles) {
            let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            let text = format!("{} may not do this: it is for the roles {}", self.context.principal, roles.join(", "));
            return Err(Refused::NotAllowed(text).into());
        }
        Ok(())
    }

    /// Cancels the run with everything it started; a called run is canceled by its caller only.
    fn cancel(&mut self, reason: &Name) -> Step {
        if let Some(caller) = &self.run.state.caller
            && self.context.depth == 0
        {
            let text = format!("the run was called by {}: cancel that one", caller.instance);
            return Err(Refused::NotAllowed(text).into());
        }
        self.finish_instance(Status::Canceled, reason)
    }

    fn suspend(&mut self, on: bool) -> Step {
        match (on, self.run.state.status) {
            (true, Status::Running) | (false, Status::Suspended) => {
                self.fact(Fact::Suspended(on));
                self.hold(on);
                Ok(())
            }
            (true, _) => Err(Refused::NotWaiting("the run is suspended already".into()).into()),
            (false, _) => Err(Refused::NotWaiting("the run is not suspended".into()).into()),
        }
    }

    /// While a run is suspended nothing falls due: its timers are disarmed and its jobs held, until it goes on.
    fn hold(&mut self, on: bool) {
        // What has lost its instant waits for the incident to be mended.
        let live = self.run.state.waits.iter().filter(|wait| on || self.lost(wait).is_none());
        let waits: Vec<(WaitId, WaitKind)> = live.map(|wait| (wait.id, wait.kind.clone())).collect();
        for (wait, kind) in waits {
            match kind {
                WaitKind::Timer(_) if on => self.need(Need::DisarmTimer(self.run.row.id, wait)),
                WaitKind::Timer(due) => self.arm_row(wait, due),
                WaitKind::Job(id) => self.need(Need::HoldJob(id, on)),
                _ => {}
            }
        }
    }

    /// A person saves a task's own record: completing, canceling or reassigning it *is* the task command (S26).
    fn save_of_task_record(&mut self, wish: Wish) -> Step {
        let target = wish.target().cloned().ok_or_else(|| Refused::Invalid("expected a record to change".into()))?;
        let row = self
            .world
            .task_of(&target)?
            .ok_or_else(|| Refused::NotWaiting(format!("{target} is no longer a task's record")))?;
        self.out.answer.record = Some(target.clone());
        match self.says(&wish, &target)? {
            Some(MirrorSays::Outcome(outcome)) => {
                self.complete_task(row.id, Some(&outcome), &Values::new(), Some(wish))
            }
            Some(MirrorSays::Moved { owner, due }) => {
                if owner == Some(None) && row.roles.is_empty() {
                    return Err(Refused::Invalid(format!(
                        "the task {} is for no role: it cannot be nobody's",
                        row.step
                    ))
                    .into());
                }
                self.try_save(wish, NodeIx::PROCESS).map_err(Refused::from)?;
                self.task_moved(row.id, owner, due)
            }
            None => {
                self.try_save(wish, NodeIx::PROCESS).map_err(Refused::from)?;
                Ok(())
            }
        }
    }

    /// What the save would say about the task: planned and looked at, not yet made.
    fn says(&mut self, wish: &Wish, target: &Ref) -> Step<Option<MirrorSays>> {
        let mark = self.mark();
        self.try_save(wish.clone(), NodeIx::PROCESS).map_err(Refused::from)?;
        let says = self.events.iter().find(|event| event.record() == target).and_then(|event| self.read_mirror(event));
        self.undo(mark);
        Ok(says)
    }
}

/// A change of a record by a person or the host: no run of its own; what follows are reactions.
fn save(input: &mut Input<'_>, wish: Wish) -> Result<Output, Refused> {
    let mut overlay = Overlay::new(input.world);
    let cause =
        Cause { command: input.context.command, on_behalf_of: input.context.on_behalf_of.clone(), ..Cause::default() };
    let plan = {
        let Context { now, principal, ids, .. } = &mut input.context;
        let mut context = SaveContext { now: *now, principal, ids, cause: &cause };
        plan(&input.catalog.library, &overlay, wish, &mut context)?
    };
    overlay.push(&plan.changes);
    let mut out = Output { transitions: plan.transitions, changes: plan.changes, ..Output::default() };
    out.answer.record = Some(plan.record);
    for event in &plan.events {
        let asked = fan(input, &overlay).record(event)?;
        ask(input, &mut out, asked);
    }
    Ok(out)
}

/// What is declared under a name, or the names that are near it.
fn declared<'l, T>(what: &str, name: &Name, all: &'l BTreeMap<Name, T>) -> Result<&'l T, Refused> {
    all.get(name).ok_or_else(|| {
        let near = did_you_mean(name, all.keys().map(|known| &**known));
        let help = near.map_or(String::new(), |near| format!("; {near}"));
        Refused::Unknown(format!("expected a {what} of the library, found {name}{help}"))
    })
}

/// What comes with a message or signal has the declared names and types; what is left out is null.
fn check_values(of: &Name, with: &Values, declared: &[(Name, Type)]) -> Result<(), Refused> {
    for (name, value) in with {
        let Some((_, ty)) = declared.iter().find(|(known, _)| known == name) else {
            let near = did_you_mean(name, declared.iter().map(|(known, _)| &**known));
            let known: Vec<&str> = declared.iter().map(|(known, _)| &**known).collect();
            let help = near.unwrap_or_else(|| format!("it brings {}", known.join(", ")));
            return Err(Refused::Invalid(format!("{of} has no {name}; {help}")));
        };
        if !ty.accepts(value) {
            return Err(Refused::Invalid(format!("the part {name} of {of} is {ty}, found {value}")));
        }
    }
    Ok(())
}

fn signal(input: &Input<'_>, name: &Name, with: &Values) -> Result<Output, Refused> {
    let found = declared("signal", name, &input.catalog.library.signals)?;
    check_values(name, with, &found.with)?;
    let asked = fan(input, input.world).signal(name, with)?;
    let mut out = Output::default();
    let count = u32::try_from(asked.reactions.len()).unwrap_or(u32::MAX);
    out.answer.delivery = Some(super::Delivery::Broadcast(count));
    ask(input, &mut out, asked);
    Ok(out)
}

fn publish(input: &Input<'_>, name: &Name, key: &Value, with: &Values) -> Result<Output, Refused> {
    let found = declared("message", name, &input.catalog.library.messages)?;
    check_values(name, with, &found.with)?;
    let key = key_of(name, key, found.key.as_ref())?;
    let with = brought(input.catalog, name, &key, with.clone());
    let key = canonical(&key);
    let line = input.world.listeners(&Topic::message(name, &key))?;
    let asked = fan(input, input.world).message(name, &key, &with, None, &line)?;
    let (need, note) = undelivered(input.catalog, &input.context, name, &key, &with, None, &asked);
    let mut out = Output::default();
    out.answer.delivery = Some(delivery(&asked, need.as_ref(), note.as_ref()));
    out.needs.extend(need);
    out.notes.extend(note);
    ask(input, &mut out, asked);
    Ok(out)
}

/// The key of a message; a text names a record where it can be of one entity only.
fn key_of(message: &Name, key: &Value, declared: Option<&Type>) -> Result<Value, Refused> {
    let fitted = match (declared, key) {
        (Some(Type::Ref(entities)), Value::Text(id)) if entities.len() == 1 => {
            entities.first().map_or(Value::NULL, |entity| Value::Ref(Ref::new(&**entity, &**id)))
        }
        (_, key) => key.clone(),
    };
    match declared {
        Some(ty) if fitted.is_null() => {
            Err(Refused::Invalid(format!("{message} needs its key, {ty}: it says whom it is for")))
        }
        Some(ty) if !ty.accepts(&fitted) => Err(Refused::Invalid(format!("the key of {message} is {ty}, found {key}"))),
        None if !fitted.is_null() => Err(Refused::Invalid(format!("{message} has no key, found {key}"))),
        _ => Ok(fitted),
    }
}

fn fan<'a>(input: &'a Input<'_>, window: &'a dyn crate::entity::Window) -> Fan<'a> {
    Fan { catalog: input.catalog, world: input.world, window, context: &input.context, own: None }
}

fn ask(input: &Input<'_>, out: &mut Output, asked: Asked) {
    let fan = fan(input, input.world);
    let principal = input.context.on_behalf_of.clone();
    out.reactions.extend(asked.reactions.into_iter().map(|(to, payload)| fan.reaction(to, payload, principal.clone())));
    out.notes.extend(asked.notes);
}

/// The row of a run that begins.
pub(super) fn fresh_row(id: Id, def: &Definition, caller: Option<&Caller>, context: &Context) -> InstanceRow {
    InstanceRow {
        id,
        revision: 0,
        process: def.process.clone(),
        version: def.version,
        record: None,
        status: Status::Running,
        incidents: 0,
        key: None,
        parent: caller.map(|caller| caller.instance),
        root: caller.map_or(id, |caller| caller.root),
        initiator: context.on_behalf_of.clone(),
        started: context.now,
        ended: None,
    }
}

fn name_of(command: &Command) -> &'static str {
    match command {
        Command::Start { .. } => "a start",
        Command::Complete { .. } | Command::Claim(_) | Command::Release(_) | Command::Reassign(..) => "a task command",
        Command::Fire(_) => "a timer",
        Command::JobDone(..) | Command::JobFailed(..) => "a job's result",
        Command::Deliver(..) => "a reaction",
        Command::Act(..) => "an action",
        Command::Mend(..) => "mending an incident",
        Command::Cancel(_) => "canceling",
        Command::Suspend(_) => "suspending",
        Command::Save(_) => "a save",
        Command::Signal(..) => "a signal",
        Command::Publish { .. } => "a message",
    }
}

/// What a reaction asks of a run, as a command.
pub fn of_reaction(payload: Payload, wait: Option<WaitId>) -> Option<Command> {
    match (payload, wait) {
        (Payload::Cancel(reason), _) => Some(Command::Cancel(reason)),
        (Payload::Due, Some(wait)) => Some(Command::Fire(wait)),
        (Payload::Done(values), Some(wait)) => Some(Command::JobDone(wait, values.into_iter().collect())),
        (Payload::Failed(failure), Some(wait)) => Some(Command::JobFailed(wait, failure)),
        (payload, Some(wait)) => Some(Command::Deliver(wait, payload)),
        _ => None,
    }
}

/// A start that a reaction asks for, as a command.
pub fn start_of_reaction(process: Name, at: u32, record: Option<Ref>, payload: Payload) -> Command {
    Command::Start {
        process,
        version: None,
        by: StartBy::Event(at, payload),
        record,
        new: None,
        with: Values::new(),
        caller: None,
        depth: 0,
    }
}

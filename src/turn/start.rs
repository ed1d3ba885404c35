//! A run begins: its guard, its record, its parameters.

use std::borrow::Cow;

use super::command::fresh_row;
use super::step::{Step, Turn};
use super::{CallStart, Input, Refused};
use crate::element::definition::{Definition, Param, Start, StartTrigger};
use crate::element::room::{Fault, Given};
use crate::element::rules::canonical;
use crate::entity::{Principal, Wish};
use crate::graph::NodeIx;
use crate::instance::fact::Started;
use crate::instance::rows::Values;
use crate::instance::{Caller, Fact, Owner, Payload, Run, ScopeId, StartBy, State};
use crate::model::{Name, Ref, Value};

/// What a start is given.
pub(super) struct Beginning<'c> {
    pub by: &'c StartBy,
    pub record: &'c Option<Ref>,
    pub new: &'c Option<Values>,
    pub with: &'c Values,
    pub caller: &'c Option<Caller>,
    pub depth: u32,
}

/// Whether a call may start its process now: it exists, takes the parameters, and its guard is free.
pub(super) fn admit(turn: &Turn<'_>, call: &CallStart) -> Result<(), Refused> {
    let def = find(turn.catalog, &call.process, call.version)?;
    if !def.starts.iter().any(|start| matches!(start.trigger, StartTrigger::Called)) {
        return Err(Refused::NotAllowed(format!("{} is not started by calls: it has no `called: true`", call.process)));
    }
    check_entity(def, call.record.as_ref())?;
    if let (Some(entity), None) = (&def.entity, &call.record) {
        return Err(Refused::Invalid(format!(
            "{} needs the {entity} that it is about: the call names none",
            call.process
        )));
    }
    parameters(def, &call.with)?;
    let Some(key) = probe_key(turn, def, call)? else { return Ok(()) };
    let earlier = turn.out.calls.iter().find(|other| {
        other.process == call.process && probe_key(turn, def, other).ok().flatten().as_ref() == Some(&key)
    });
    let running = match earlier {
        Some(other) => Some(other.id),
        None => turn.world.running(&call.process, &key)?,
    };
    match running {
        Some(running) => Err(Refused::AlreadyRunning { process: call.process.clone(), key: key.to_string(), running }),
        None => Ok(()),
    }
}

/// The guard's key of a run that does not exist yet.
fn probe_key(turn: &Turn<'_>, def: &Definition, call: &CallStart) -> Result<Option<Name>, Refused> {
    let mut state = State::default();
    let vars = parameters(def, &call.with)?;
    begin(&mut state, def, call.record.clone(), vars);
    let given = Given::default();
    let view = crate::element::View { def, state: &state, ..turn.view(NodeIx::PROCESS, 0, 0, &given) };
    key(&view, def)
}

fn begin(state: &mut State, def: &Definition, record: Option<Ref>, vars: Vec<Value>) {
    let started = Started {
        process: def.process.clone(),
        version: def.version,
        record,
        initiator: None,
        caller: None,
        key: None,
        vars,
        entry: def.scopes.get(&NodeIx::PROCESS).map_or(NodeIx::PROCESS, |info| info.entry),
        depth: 0,
    };
    crate::instance::apply::apply(state, &Fact::Started(Box::new(started)));
}

/// The `one_per` key; none when the process has no such guard.
fn key(view: &crate::element::View<'_>, def: &Definition) -> Result<Option<Name>, Refused> {
    let Some(parts) = &def.one_per else { return Ok(None) };
    let mut key = String::new();
    for part in parts {
        let value = view.eval(part).map_err(Refused::from)?;
        if !key.is_empty() {
            key.push('|');
        }
        key.push_str(&canonical(&value));
    }
    Ok(Some(Name::new(key)))
}

pub(super) fn find<'a>(
    catalog: &'a crate::element::Catalog,
    process: &Name,
    version: Option<u32>,
) -> Result<&'a std::sync::Arc<Definition>, Refused> {
    catalog.get(process, version).ok_or_else(|| {
        let known = crate::model::suggest::did_you_mean(process, catalog.definitions.keys().map(|name| name.as_str()));
        let help = known.map_or(String::new(), |near| format!("; did you mean {near}?"));
        let version = version.map_or(String::new(), |version| format!(" version {version}"));
        Refused::Unknown(format!("expected a process, found no {process}{version}{help}"))
    })
}

fn check_entity(def: &Definition, record: Option<&Ref>) -> Result<(), Refused> {
    match (&def.entity, record) {
        (Some(entity), Some(record)) if *entity != record.entity => {
            Err(Refused::Invalid(format!("{} is about a {entity}, found {record}", def.process)))
        }
        _ => Ok(()),
    }
}

/// Parameters in order, checked against their types; what is missing is null until its `initial` fills it.
fn parameters(def: &Definition, with: &Values) -> Result<Vec<Value>, Refused> {
    if let Some(unknown) = with.keys().find(|name| !def.params.iter().any(|param| param.name == **name)) {
        let known: Vec<&str> = def.params.iter().map(|param| param.name.as_str()).collect();
        return Err(Refused::Invalid(format!("{} takes {}, found {unknown}", def.process, known.join(", "))));
    }
    let take = |param: &Param| match with.get(&param.name) {
        Some(value) if !param.ty.accepts(value) => Err(Refused::Invalid(format!(
            "the parameter {} of {} is {}, found {value}",
            param.name, def.process, param.ty
        ))),
        Some(value) if !(param.required && value.is_null()) => Ok(value.clone()),
        _ if param.required => Err(Refused::Invalid(format!("{} requires the parameter {}", def.process, param.name))),
        _ => Ok(Value::NULL),
    };
    def.params.iter().map(take).collect()
}

/// A new run: a turn whose state has begun.
pub(super) fn open<'a>(mut input: Input<'a>, def: &'a Definition, beginning: Beginning<'_>) -> Step<Box<Turn<'a>>> {
    let id = match beginning.by {
        StartBy::Call(id) => *id,
        _ => input.context.ids.next_id(),
    };
    let row = fresh_row(id, def, beginning.caller.as_ref(), &input.context);
    let mut turn = Turn::new(input, def, Box::new(Run { row, state: State::default() }));
    turn.begin(beginning)?;
    Ok(turn)
}

impl<'a> Turn<'a> {
    pub(super) fn begin(&mut self, beginning: Beginning<'_>) -> Step {
        let Beginning { by, record, new, with, caller, depth } = beginning;
        let start = self.chosen_start(by)?;
        let (message, event) = match by {
            StartBy::Event(_, Payload::Record(event)) => (None, Some(&**event)),
            StartBy::Event(_, Payload::Message(_, _, values, _) | Payload::Signal(_, values)) => {
                (Some(values.iter().cloned().collect::<Values>()), None)
            }
            _ => (None, None),
        };
        let given = Given { message: message.as_ref(), event, ..Given::default() };
        let made = self.new_record(start, new.as_ref(), &given)?;
        let record = match (made, record) {
            (Some(made), _) => Some(made),
            (None, Some(record)) => Some(record.clone()),
            (None, None) => self.about(start, &given)?,
        };
        check_entity(self.def, record.as_ref())?;
        self.needs_record(start, record.as_ref())?;
        let with = self.with_start_values(start, with, &given)?;
        let vars = parameters(self.def, &with)?;
        let info = self.def.scopes.get(&NodeIx::PROCESS);
        let started = Started {
            process: self.def.process.clone(),
            version: self.def.version,
            record,
            initiator: self.initiating_user(),
            caller: caller.clone(),
            key: None,
            vars: padded(vars, info.map_or(0, |info| info.vars.len())),
            entry: start.and_then(|start| start.entry).or(info.map(|info| info.entry)).unwrap_or(NodeIx::PROCESS),
            depth,
        };
        self.start_guarded(started)
    }

    /// A process with an entity runs about a record: a start that names none and makes none is refused.
    fn needs_record(&self, start: Option<&Start>, record: Option<&Ref>) -> Result<(), Refused> {
        let (Some(entity), None) = (&self.def.entity, record) else { return Ok(()) };
        let new = match start.map(|start| &start.trigger) {
            Some(StartTrigger::Manual { new, .. }) if !new.is_empty() => {
                let columns: Vec<&str> = new.iter().map(|column| &**column).collect();
                format!(", or the columns of a new one: {}", columns.join(", "))
            }
            _ => String::new(),
        };
        let process = &self.def.process;
        Err(Refused::Invalid(format!("{process} needs the {entity} that it is about; name its record{new}")))
    }

    /// The parameters as given, and those that the start fills.
    fn with_start_values<'w>(
        &self,
        start: Option<&Start>,
        with: &'w Values,
        given: &Given<'_>,
    ) -> Step<Cow<'w, Values>> {
        let mut with = Cow::Borrowed(with);
        for (name, expr) in start.map(|start| start.with.as_slice()).unwrap_or_default() {
            let value = self.view(NodeIx::PROCESS, 0, 0, given).eval(expr).map_err(Refused::from)?;
            with.to_mut().entry(name.clone()).or_insert(value);
        }
        Ok(with)
    }

    fn start_guarded(&mut self, started: Started) -> Step {
        // The guard's key may read parameters with their starting values, so the run begins first.
        let key = if self.def.one_per.is_some() {
            crate::instance::apply::apply(&mut self.run.state, &Fact::Started(Box::new(started.clone())));
            let given = Given::default();
            let key = key(&self.view(NodeIx::PROCESS, 0, 0, &given), self.def)?;
            self.run.state = State::default();
            key
        } else {
            None
        };
        if let Some(key) = &key
            && let Some(running) = self.world.running(&self.def.process, key)?
            && running != self.run.row.id
        {
            let process = self.def.process.clone();
            return Err(Refused::AlreadyRunning { process, key: key.to_string(), running }.into());
        }
        self.fact(Fact::Started(Box::new(Started { key, ..started })));
        if let Some(info) = self.def.scopes.get(&NodeIx::PROCESS) {
            self.set_initials(info, ScopeId::MIN)?;
            for handler in &info.handlers {
                self.arm_event(Owner::Scope(0), *handler)?;
            }
        }
        self.schedule(1);
        Ok(())
    }

    fn initiating_user(&self) -> Option<Ref> {
        match &self.context.principal {
            Principal::User { user, .. } => Some(user.clone()),
            Principal::System => self.context.on_behalf_of.clone(),
        }
    }

    /// The start event by which this run begins; one by hand needs a manual start and its roles.
    fn chosen_start(&self, by: &StartBy) -> Step<Option<&'a Start>> {
        let process = &self.def.process;
        match by {
            StartBy::Call(_) => Ok(self.def.starts.iter().find(|start| matches!(start.trigger, StartTrigger::Called))),
            StartBy::Event(at, _) => match self.def.starts.get(*at as usize) {
                Some(start) => Ok(Some(start)),
                None => Err(Refused::Unknown(format!("{process} has no start {at}")).into()),
            },
            StartBy::Hand => {
                let manual = self.def.starts.iter().find(|start| matches!(start.trigger, StartTrigger::Manual { .. }));
                match (manual, &self.context.principal) {
                    (Some(Start { trigger: StartTrigger::Manual { roles, .. }, .. }), principal)
                        if !roles.is_empty() && !principal.may_perform(None, roles) =>
                    {
                        let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
                        let roles = roles.join(", ");
                        Err(Refused::NotAllowed(format!(
                            "{principal} may not start {process}: it is for the roles {roles}"
                        ))
                        .into())
                    }
                    (Some(start), _) => Ok(Some(start)),
                    // The host itself may start everything.
                    (None, Principal::System) => Ok(None),
                    (None, _) => {
                        Err(Refused::NotAllowed(format!("{process} is not started by hand: it has no `manual` start"))
                            .into())
                    }
                }
            }
        }
    }

    fn new_record(&mut self, start: Option<&Start>, form: Option<&Values>, given: &Given<'_>) -> Step<Option<Ref>> {
        let Some(entity) = self.def.entity.clone() else { return Ok(None) };
        let set: Vec<(Name, Value)> = match (form, start.and_then(|start| start.new.as_ref())) {
            (Some(form), _) => form.clone().into_iter().collect(),
            (None, Some(new)) => {
                let view = self.view(NodeIx::PROCESS, 0, 0, given);
                let values = view.eval_all(new).map_err(Refused::from)?;
                values.into_iter().collect()
            }
            (None, None) => return Ok(None),
        };
        let record = self.try_save(Wish::Create { entity, id: None, set }, NodeIx::PROCESS).map_err(Refused::from)?;
        Ok(Some(record))
    }

    fn about(&self, start: Option<&Start>, given: &Given<'_>) -> Step<Option<Ref>> {
        let Some(about) = start.and_then(|start| start.about.as_ref()) else {
            let own = given.event.map(|event| event.record().clone());
            return Ok(own.filter(|record| self.def.entity.as_ref() == Some(&record.entity)));
        };
        match self.view(NodeIx::PROCESS, 0, 0, given).eval(about).map_err(Refused::from)? {
            Value::Ref(record) => Ok(Some(record)),
            _ => Ok(None),
        }
    }
}

fn padded(mut vars: Vec<Value>, len: usize) -> Vec<Value> {
    vars.resize(len.max(vars.len()), Value::NULL);
    vars
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Refused::Step { code: fault.code, message: fault.message, with: fault.with }
    }
}

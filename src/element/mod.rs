//! What each BPMN element decides, one room each. This file is the register.
//!
//! A room sees a frozen [`View`] and returns a [`Move`]; it changes nothing. `turn` is the only place that acts, `instance::apply` the
//! only one that writes. A new element is its room, one line in [`Element`], and its trace. Absent by intent: the store, the clock,
//! identifiers, other instances.

pub mod definition;
pub mod env;
pub mod joins;
pub mod room;
pub mod rules;

pub mod ad_hoc;
pub mod approval;
pub mod boundary_event;
pub mod call_activity;
pub mod catch_event;
pub mod compensation_throw;
pub mod complex_gateway;
pub mod create_record;
pub mod decide;
pub mod delete_record;
pub mod end_event;
pub mod error_throw;
pub mod escalation_throw;
pub mod event_gateway;
pub mod event_part;
pub mod event_sub_process;
pub mod exclusive_gateway;
pub mod incident_step;
pub mod inclusive_gateway;
pub mod link_event;
pub mod multi_instance;
pub mod notify;
pub mod parallel_gateway;
pub mod print;
pub mod quantity;
pub mod read_records;
pub mod repeat;
pub mod script_task;
pub mod send_task;
pub mod service_task;
pub mod signal_throw;
pub mod stage_change;
pub mod stage_scope;
pub mod start_event;
pub mod sub_process;
pub mod update_record;
pub mod user_task;

pub use definition::{Catalog, Definition, Param, Root, Start, Trigger, VarDecl, VarRef};
pub use room::{Effect, Event, Fault, Move, Next, Room, View};

/// Every element that runs, with its room. One line each.
#[derive(Debug)]
pub enum Element {
    /// The process itself, and nodes that a stored version has but this definition does not.
    Nothing(start_event::Nothing),
    /// Where a scope begins.
    StartEvent(start_event::StartEvent),
    /// Where a path, a scope or the instance ends.
    EndEvent(end_event::EndEvent),
    /// Work of a person.
    UserTask(Box<user_task::UserTask>),
    /// Work of the host's code, inside the turn or outside.
    ServiceTask(Box<service_task::ServiceTask>),
    /// Assignments to variables and columns.
    ScriptTask(script_task::ScriptTask),
    /// A question to a decision table.
    Decide(Box<decide::Decide>),
    /// Makes a record.
    CreateRecord(Box<create_record::CreateRecord>),
    /// Changes records.
    UpdateRecord(Box<update_record::UpdateRecord>),
    /// Deletes records.
    DeleteRecord(Box<delete_record::DeleteRecord>),
    /// Reads records into variables.
    ReadRecords(Box<read_records::ReadRecords>),
    /// Moves a record to a stage.
    StageChange(stage_change::StageChange),
    /// Sends a message.
    SendTask(send_task::SendTask),
    /// Throws a signal.
    SignalThrow(signal_throw::SignalThrow),
    /// Tells a person something.
    Notify(notify::Notify),
    /// Renders a document.
    Print(print::Print),
    /// Raises an error.
    ErrorThrow(error_throw::ErrorThrow),
    /// Throws an escalation.
    EscalationThrow(escalation_throw::EscalationThrow),
    /// Compensates completed activities.
    CompensationThrow(compensation_throw::CompensationThrow),
    /// Waits for one event: a timer, a message, a signal, a record change, a condition.
    CatchEvent(catch_event::CatchEvent),
    /// Takes one of several flows.
    ExclusiveGateway(exclusive_gateway::ExclusiveGateway),
    /// Takes all flows; waits for all.
    ParallelGateway(parallel_gateway::ParallelGateway),
    /// Takes every flow whose condition holds; waits for those that can still come.
    InclusiveGateway(inclusive_gateway::InclusiveGateway),
    /// Waits for some of its flows, then takes in the rest.
    ComplexGateway(Box<complex_gateway::ComplexGateway>),
    /// Leads to, or comes from, another part of its scope.
    LinkEvent(link_event::LinkEvent),
    /// Takes several tokens for one.
    StartQuantity(quantity::StartQuantity),
    /// Sends several tokens on for one.
    CompletionQuantity(quantity::CompletionQuantity),
    /// Waits for the first of several events.
    EventGateway(event_gateway::EventGateway),
    /// One of the triggers of an event that has several.
    EventPart(Box<event_part::EventPart>),
    /// An event at the border of an activity.
    BoundaryEvent(Box<boundary_event::BoundaryEvent>),
    /// A handler of a scope.
    EventSubProcess(Box<event_sub_process::EventSubProcess>),
    /// A scope with its own variables, boundary events and handlers.
    SubProcess(sub_process::SubProcess),
    /// A task for each of several people, who decide together.
    Approval(Box<approval::Approval>),
    /// Offers the activities of an ad-hoc sub-process.
    AdHoc(Box<ad_hoc::AdHoc>),
    /// A scope per stage of a record.
    StageScope(Box<stage_scope::StageScope>),
    /// A scope per element of a list.
    MultiInstance(Box<multi_instance::MultiInstance>),
    /// A scope repeated.
    Repeat(Box<repeat::Repeat>),
    /// Another process, waited for or not.
    CallActivity(Box<call_activity::CallActivity>),
    /// Stops visibly until somebody chooses a way out.
    IncidentStep(incident_step::IncidentStep),
}

impl Element {
    /// What it waits for, when it is an event.
    pub fn trigger(&self) -> Option<&Trigger> {
        match self {
            Element::CatchEvent(event) => Some(&event.trigger),
            Element::BoundaryEvent(event) => Some(&event.trigger),
            Element::EventSubProcess(event) => Some(&event.trigger),
            Element::EventPart(part) => Some(&part.trigger),
            _ => None,
        }
    }

    /// Whether it only leads tokens on: it is no activity or event, which a token is in.
    pub fn is_gateway(&self) -> bool {
        use Element::{ComplexGateway, ExclusiveGateway, InclusiveGateway, ParallelGateway};
        matches!(self, ExclusiveGateway(_) | ParallelGateway(_) | InclusiveGateway(_) | ComplexGateway(_))
    }

    /// Whether it is an activity: work, not an event or a gateway.
    pub fn is_activity(&self) -> bool {
        use Element::{
            AdHoc, BoundaryEvent, CatchEvent, CompensationThrow, CompletionQuantity, EndEvent, ErrorThrow,
            EscalationThrow, EventGateway, EventPart, EventSubProcess, LinkEvent, SignalThrow, StartEvent,
            StartQuantity,
        };
        !self.is_gateway()
            && !matches!(
                self,
                AdHoc(_)
                    | BoundaryEvent(_)
                    | CatchEvent(_)
                    | CompensationThrow(_)
                    | CompletionQuantity(_)
                    | EndEvent(_)
                    | ErrorThrow(_)
                    | EscalationThrow(_)
                    | EventGateway(_)
                    | EventPart(_)
                    | EventSubProcess(_)
                    | LinkEvent(_)
                    | SignalThrow(_)
                    | StartEvent(_)
                    | StartQuantity(_)
            )
    }

    /// The room of this element.
    pub fn room(&self) -> &dyn Room {
        match self {
            Element::Nothing(room) => room,
            Element::StartEvent(room) => room,
            Element::EndEvent(room) => room,
            Element::UserTask(room) => &**room,
            Element::ServiceTask(room) => &**room,
            Element::ScriptTask(room) => room,
            Element::Decide(room) => &**room,
            Element::CreateRecord(room) => &**room,
            Element::UpdateRecord(room) => &**room,
            Element::DeleteRecord(room) => &**room,
            Element::ReadRecords(room) => &**room,
            Element::StageChange(room) => room,
            Element::SendTask(room) => room,
            Element::SignalThrow(room) => room,
            Element::Notify(room) => room,
            Element::Print(room) => room,
            Element::ErrorThrow(room) => room,
            Element::EscalationThrow(room) => room,
            Element::CompensationThrow(room) => room,
            Element::CatchEvent(room) => room,
            Element::ExclusiveGateway(room) => room,
            Element::ParallelGateway(room) => room,
            Element::InclusiveGateway(room) => room,
            Element::ComplexGateway(room) => &**room,
            Element::LinkEvent(room) => room,
            Element::StartQuantity(room) => room,
            Element::CompletionQuantity(room) => room,
            Element::EventGateway(room) => room,
            Element::EventPart(room) => &**room,
            Element::BoundaryEvent(room) => &**room,
            Element::EventSubProcess(room) => &**room,
            Element::SubProcess(room) => room,
            Element::Approval(room) => &**room,
            Element::AdHoc(room) => &**room,
            Element::StageScope(room) => &**room,
            Element::MultiInstance(room) => &**room,
            Element::Repeat(room) => &**room,
            Element::CallActivity(room) => &**room,
            Element::IncidentStep(room) => room,
        }
    }
}

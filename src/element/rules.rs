//! What several rooms share: filled texts, filters, arming of triggers, the inclusive join.

use std::collections::BTreeMap;

use super::Element;
use super::definition::{RecordTrigger, Trigger};
use super::room::{Arm, ArmKind, Fault, View};
use crate::entity::{Order, Query};
use crate::graph::{FlowIx, NodeIx, reach};
use crate::instance::{Place, TokenId, Topic};
use crate::model::expr::{Expr, Template};
use crate::model::{Lang, Name, Ref, Text, Value};

/// A text with `{expr}` in it, in one or several languages.
#[derive(Debug, Default)]
pub struct TextTemplate {
    /// One template per language; without a language it is for all.
    pub texts: Vec<(Option<Lang>, Template)>,
}

impl TextTemplate {
    /// The filled text, in every language.
    ///
    /// # Errors
    /// When a value in it is null or denied.
    pub fn fill(&self, view: &View<'_>) -> Result<Text, Fault> {
        let mut by_lang = BTreeMap::new();
        for (lang, template) in &self.texts {
            let text = view.fill(template)?;
            match lang {
                None => return Ok(Text::plain(text)),
                Some(lang) => by_lang.insert(lang.clone(), text),
            };
        }
        Ok(Text::by_lang(by_lang))
    }
}

/// Which records a step reads or changes.
#[derive(Debug)]
pub struct Filter {
    /// The entity.
    pub entity: Name,
    /// A condition on each row; every row when none.
    pub condition: Option<Expr>,
    /// The equalities in the condition: they narrow the query.
    pub equal: Vec<(Name, Expr)>,
    /// The order of the result.
    pub order: Vec<Order>,
    /// How many at most.
    pub limit: Option<Expr>,
}

impl Filter {
    /// The records that fit, in order; at most `most` of them. A condition that is null does not fit.
    ///
    /// # Errors
    /// When the condition cannot be evaluated, or the store fails.
    pub fn find(&self, view: &View<'_>, most: Option<usize>) -> Result<Vec<Ref>, Fault> {
        let limit = match &self.limit {
            Some(limit) => Some(view.count(limit)?),
            None => most,
        };
        let mut query = Query::all(self.entity.clone());
        query.order.clone_from(&self.order);
        for (column, value) in &self.equal {
            match view.eval(value)? {
                Value::Null(_) => return Ok(Vec::new()),
                value => query.eq.push((column.clone(), value)),
            }
        }
        let mut found = Vec::new();
        for record in view.query(&query)? {
            if limit.is_some_and(|limit| found.len() >= limit) {
                break;
            }
            let row = record.reference();
            let fits = match &self.condition {
                Some(condition) => view.with_row(&row, |view| view.fits(condition))?,
                None => true,
            };
            if fits {
                found.push(row);
            }
        }
        Ok(found)
    }
}

/// One record, or those that a filter finds.
#[derive(Debug)]
pub enum Selection {
    /// The record that an expression names.
    One(Expr),
    /// The records that fit.
    Where(Filter),
}

impl Selection {
    /// The records.
    ///
    /// # Errors
    /// When the expression is null, or as [`Filter::find`].
    pub fn find(&self, view: &View<'_>) -> Result<Vec<Ref>, Fault> {
        match self {
            Selection::One(record) => match view.needed(record)? {
                Value::List(items) => Ok(items
                    .iter()
                    .filter_map(|item| if let Value::Ref(item) = item { Some(item.clone()) } else { None })
                    .collect()),
                _ => Ok(vec![view.record(record)?]),
            },
            Selection::Where(filter) => filter.find(view, None),
        }
    }
}

/// What a trigger at `node` waits for now. Errors, escalations and compensation arm nothing outside.
///
/// # Errors
/// When an instant, a key or a condition cannot be evaluated.
pub fn arm(view: &View<'_>, node: NodeIx, trigger: &Trigger) -> Result<Vec<Arm>, Fault> {
    let one = |kind| Ok(vec![Arm { node, kind, count: 0 }]);
    match trigger {
        Trigger::After { after, .. } => one(ArmKind::Timer(view.instant(after, view.now)?)),
        Trigger::At(instants) => {
            let due = |at: &Expr| Ok(Arm { node, kind: ArmKind::Timer(view.instant(at, view.now)?), count: 0 });
            instants.iter().map(due).collect()
        }
        Trigger::Message { name, key, .. } => one(ArmKind::Message(name.clone(), message_key(view, key.as_ref())?)),
        Trigger::Signal { name, .. } => one(ArmKind::Signal(name.clone())),
        Trigger::Record(trigger) => one(ArmKind::Record(topic(view, trigger)?)),
        Trigger::Condition(condition) => {
            let (truth, reads) = view.watch(condition)?;
            one(ArmKind::Condition(truth, reads))
        }
        Trigger::Manual { .. } => one(ArmKind::Passive),
        Trigger::Error(_) | Trigger::Escalation(_) | Trigger::Compensation => Ok(Vec::new()),
    }
}

/// The canonical key of a message: the author's, else the record the run is about, else none.
fn message_key(view: &View<'_>, key: Option<&Expr>) -> Result<String, Fault> {
    match (key, &view.state.record) {
        (Some(key), _) => Ok(canonical(&view.needed(key)?)),
        (None, Some(record)) => Ok(canonical(&Value::Ref(record.clone()))),
        (None, None) => Ok(String::new()),
    }
}

/// Where a listener for record changes is found: by its own record, by an equality, else by the whole entity.
fn topic(view: &View<'_>, trigger: &RecordTrigger) -> Result<Topic, Fault> {
    if trigger.only_self
        && let Some(record) = &view.state.record
    {
        return Ok(Topic::record(record));
    }
    match trigger.equal.first() {
        Some((column, value)) => Ok(Topic::column(&trigger.entity, column, &canonical(&view.eval(value)?))),
        None => Ok(Topic::entity(&trigger.entity)),
    }
}

/// A text that is equal for equal values, whatever their scale or spelling.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Null(_) => String::new(),
        Value::Ref(record) => record.id.to_string(),
        other => other.normal().to_string(),
    }
}

/// The inclusive join (S1): the tokens that merge with this one, or none while more can still come.
pub fn inclusive_join(view: &View<'_>) -> Option<Vec<TokenId>> {
    if !none_can_come(view, &[]) {
        return None;
    }
    let own = view.state.token(view.token).map(|token| token.place);
    let others = view.def.graph.incoming(view.node).iter().filter_map(|flow| {
        let own_flow = own == Some(Place::Arrived(*flow));
        if own_flow { None } else { arrived(view, *flow).next() }
    });
    Some(others.collect())
}

/// Whether no token can come any more by a flow that holds none, unless it could as well come by one that does (S1). The flows of `taken`
/// have given theirs.
pub fn none_can_come(view: &View<'_>, taken: &[FlowIx]) -> bool {
    let graph = &view.def.graph;
    let incoming = graph.incoming(view.node);
    let (full, empty): (Vec<FlowIx>, Vec<FlowIx>) =
        incoming.iter().partition(|flow| taken.contains(flow) || arrived(view, **flow).next().is_some());
    let before = |flows: &[FlowIx]| {
        let starts = flows.iter().filter_map(|flow| graph.source(*flow)).filter(|node| *node != view.node);
        reach::walk(starts, |node| {
            let from = sources(view, node);
            from.into_iter().filter(|found| *found != view.node).collect()
        })
    };
    let (to_empty, to_full) = (before(&empty), before(&full));
    !view.state.tokens.iter().filter(|token| token.scope == view.scope).any(|token| {
        let at = match token.place {
            Place::Entering(node) | Place::In(node) => Some(node),
            Place::Arrived(flow) => graph.target(flow),
        };
        at.is_some_and(|node| node != view.node && to_empty.contains(&node) && !to_full.contains(&node))
    })
}

/// The tokens of this scope that wait at the end of a flow.
fn arrived<'a>(view: &View<'a>, flow: FlowIx) -> impl Iterator<Item = TokenId> + use<'a> {
    let (scope, place) = (view.scope, Place::Arrived(flow));
    let tokens = view.state.tokens.iter().filter(move |token| token.scope == scope && token.place == place);
    tokens.map(|token| token.id)
}

/// Where a token at `node` may have come from: along flows, and from the host of a boundary event.
fn sources(view: &View<'_>, node: NodeIx) -> Vec<NodeIx> {
    let graph = &view.def.graph;
    let mut found: Vec<NodeIx> = graph.incoming(node).iter().filter_map(|flow| graph.source(*flow)).collect();
    if let Some(Element::BoundaryEvent(event)) = view.def.element(node) {
        found.push(event.host);
    }
    found
}

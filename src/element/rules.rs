//! What several rooms share: filled texts, filters, arming of triggers, the inclusive join.

use std::collections::BTreeMap;

use super::Element;
use super::definition::{RecordTrigger, Trigger};
use super::room::{Arm, ArmKind, Fault, View};
use crate::entity::{Order, Query};
use crate::graph::ways::FlowSet;
use crate::graph::{FlowIx, NodeIx};
use crate::instance::{Owner, Place, Token, TokenId, Topic};
use crate::model::expr::{Expr, Template};
use crate::model::{Lang, Name, Ref, Text, Value};

/// A text with `{expr}` in it, in one or several languages.
#[derive(Debug, Default)]
pub struct TextTemplate {
    /// One template per language; without a language it is for all.
    pub texts: Vec<(Option<Lang>, Template)>,
}

impl TextTemplate {
    /// The text, when no value is to be filled in.
    pub fn constant(&self) -> Option<Text> {
        let text = |(lang, template): &(Option<Lang>, Template)| Some((lang.clone(), template.constant()?));
        let texts: Vec<(Option<Lang>, String)> = self.texts.iter().map(text).collect::<Option<_>>()?;
        match texts.as_slice() {
            [(None, text)] => Some(Text::plain(text.clone())),
            _ => Some(Text::by_lang(texts.into_iter().filter_map(|(lang, text)| Some((lang?, text))).collect())),
        }
    }

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

/// A title for people: as it is written, and with its values.
#[derive(Debug, Default)]
pub struct Title {
    /// As it is written.
    pub text: Text,
    /// What fills in its values, when it has any.
    pub filled: Option<TextTemplate>,
}

impl Title {
    /// The title with its values; as it is written where one of them is missing.
    pub fn show(&self, view: &View<'_>) -> Text {
        let filled = self.filled.as_ref().and_then(|template| template.fill(view).ok());
        filled.unwrap_or_else(|| self.text.clone())
    }
}

impl From<Text> for Title {
    fn from(text: Text) -> Self {
        Self { text, filled: None }
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
            let due =
                |(count, at): (u32, &Expr)| Ok(Arm { node, kind: ArmKind::Timer(view.instant(at, view.now)?), count });
            (0..).zip(instants).map(due).collect()
        }
        Trigger::Message { name, key, .. } => one(ArmKind::Message(name.clone(), message_key(view, key.as_ref())?)),
        Trigger::Signal { name, .. } => one(ArmKind::Signal(name.clone())),
        Trigger::Record(trigger) => one(ArmKind::Record(topic(view, trigger)?)),
        Trigger::Condition(condition) => {
            let (truth, reads) = view.watch(condition)?;
            one(ArmKind::Condition(truth, reads))
        }
        Trigger::Manual { .. } => one(ArmKind::Passive),
        Trigger::Error(_) | Trigger::Escalation(_) | Trigger::Compensation | Trigger::Cancel => Ok(Vec::new()),
        Trigger::Several { parts, .. } => {
            let mut arms = Vec::new();
            for part in parts {
                if let Some(Element::EventPart(event)) = view.def.element(*part) {
                    arms.extend(arm(&View { node: *part, ..*view }, *part, &event.trigger)?);
                }
            }
            Ok(arms)
        }
    }
}

/// Whether what is waited for has happened already: a condition that holds (S17), or all of several. What has is waited for no more.
pub fn has_happened(trigger: &Trigger, arms: &mut Vec<Arm>) -> bool {
    let holds = |arm: &Arm| matches!(arm.kind, ArmKind::Condition(true, _));
    if let Trigger::Several { all: true, .. } = trigger {
        arms.retain(|arm| !holds(arm));
        return arms.is_empty();
    }
    arms.iter().any(holds)
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
    none_can_come(view, &[]).then(|| merged(view))
}

/// One token of each flow that holds one, but for the flow of the token that joins.
pub fn merged(view: &View<'_>) -> Vec<TokenId> {
    let own = view.state.token(view.token).map(|token| token.place);
    let mut seen: Vec<Place> = own.into_iter().collect();
    let mut others = Vec::new();
    let incoming = view.def.graph.incoming(view.node);
    for token in view.tokens() {
        let here = matches!(token.place, Place::Arrived(flow) if incoming.contains(&flow));
        if here && !seen.contains(&token.place) {
            seen.push(token.place);
            others.push(token.id);
        }
    }
    others
}

/// Whether no token can come any more by a flow that holds none, unless it could as well come by one that does (S1). The flows of `taken`
/// have given theirs.
pub fn none_can_come(view: &View<'_>, taken: &[FlowIx]) -> bool {
    awaited(view, taken).next().is_none()
}

/// The tokens that a join waits for: each can still come by a flow that holds none, and not as well by one that does (S1).
pub fn awaited<'a>(view: &View<'a>, taken: &[FlowIx]) -> impl Iterator<Item = &'a Token> + use<'a> {
    let View { def, state, node, scope, .. } = *view;
    let join = def.joins.get(&node);
    let tokens = move || state.tokens.of(Owner::Scope(scope));
    let mut full = FlowSet::default();
    let arrived = tokens().filter_map(|token| if let Place::Arrived(flow) = token.place { Some(flow) } else { None });
    let flows = arrived.chain(taken.iter().copied());
    flows.filter_map(|flow| join?.position(flow)).for_each(|at| full.insert(at));
    tokens().filter(move |token| join.is_some_and(|join| join.waits_for(&def.graph, token.place, &full)))
}

//! Steps on records, services, messages and people: one node each.

use super::{At, Compiler};
use crate::element::Element;
use crate::element::call_activity::CallActivity;
use crate::element::create_record::CreateRecord;
use crate::element::definition::Root;
use crate::element::delete_record::DeleteRecord;
use crate::element::error_throw::ErrorThrow;
use crate::element::escalation_throw::EscalationThrow;
use crate::element::notify::Notify;
use crate::element::print::Print;
use crate::element::read_records::{ReadMode, ReadRecords};
use crate::element::rules::{Filter as Found, Selection};
use crate::element::script_task::ScriptTask;
use crate::element::send_task::SendTask;
use crate::element::service_task::{Retry, ServiceTask};
use crate::element::signal_throw::SignalThrow;
use crate::element::stage_change::StageChange;
use crate::element::update_record::UpdateRecord;
use crate::entity::{Document, Order};
use crate::graph::NodeIx;
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::draft::ExprText;
use crate::load::problem::Problem;
use crate::load::process::draft::{Call, Filter, Keep, Service, Verb};
use crate::load::process::signature::Signature;
use crate::load::process::words::parts;
use crate::load::read::{Entry, Node};
use crate::model::{Duration, Expr, Name, Names, Schema, Span, Template, Type, Value};

impl<'a> Compiler<'a> {
    /// Compiles what a step does; gives the node at whose border events may stand.
    pub(super) fn verb(&mut self, at: &At<'a>) -> Option<NodeIx> {
        let names = self.names();
        let element = match &at.step.verb {
            Verb::Service(service) => self.service(service, &names),
            Verb::Set(set) => Element::ScriptTask(ScriptTask { set: self.assigns(set, &names) }),
            Verb::Decide(decide) => self.decide(decide, &names),
            Verb::Create { entity, set, into } => self.create(entity, set, into.as_ref(), &names),
            Verb::Update { what, filter, set } => self.update(at, what, filter, set),
            Verb::Delete { what, filter } => self.delete(at, what, filter),
            Verb::Read { entity, filter, keep, into } => self.read(entity, filter, *keep, into.as_ref()),
            Verb::Stage { change, set } => return self.stage_step(at, change, set),
            Verb::Notify { who, text } => self.notify(who, *text, &names),
            Verb::Print { document, record, into } => self.print(document, *record, into.as_ref(), &names)?,
            Verb::Send { message, key, with, ttl } => self.send(message, *key, with, *ttl, &names),
            Verb::Signal { name, with } => self.signal(name, with, &names),
            Verb::Raise { code, with } => return self.raise(at, code, with, &names),
            Verb::Escalate { code, with } => {
                let with = self.arguments(with, None, "the escalation", code.span, &names);
                Element::EscalationThrow(EscalationThrow { code: code.value.clone(), with })
            }
            Verb::Compensate { activity, waits } => return Some(self.compensate(at, activity.as_ref(), *waits)),
            Verb::Call(call) => self.call(call, &names),
            Verb::Broken => {
                self.notes.sound = false;
                self.plan.same(at.entry, at.after);
                return None;
            }
            _ => return self.structure(at),
        };
        Some(self.simple(at, element))
    }

    fn service(&mut self, service: &'a Service<'a>, names: &Names) -> Element {
        let found = self.cx.words.library.services.get(&service.name.value).cloned();
        if found.is_none() {
            let known = self.cx.words.library.services.keys().map(|name| &**name);
            self.cx.words.unknown("unknown-service", "service", &service.name.value, service.name.span, known);
        }
        let (with, returns) = match &found {
            Some(found) => (Some(parts(&found.with)), parts(&found.returns)),
            None => (None, Vec::new()),
        };
        let what = format!("the service `{}`", service.name.value);
        let with = self.arguments(service.with, with.as_deref(), &what, service.name.span, names);
        let results = self.result_names(&returns);
        let take = if found.is_some() { self.assigns(service.take, &results) } else { Vec::new() };
        let timeout = service.timeout.map(|node| self.instant(node, names));
        let retry = service.retry.map_or_else(Retry::default, |node| self.retry(node));
        Element::ServiceTask(Box::new(ServiceTask { service: service.name.value.clone(), with, take, retry, timeout }))
    }

    /// `retry: {times: 5, backoff: 10 s, factor: 2, max: 1 h}`.
    fn retry(&mut self, node: &'a Node) -> Retry {
        let mut retry = Retry::default();
        let Some(map) = MapReader::new(node, "`retry`", self.cx.problems) else { return retry };
        let number = |key| {
            let found = map.int(key)?;
            let fits = u32::try_from(found.value).ok();
            if fits.is_none() {
                self.cx.problems.error("wrong-type", found.span, format!("expected `{key}` of 0 or more"));
            }
            fits
        };
        let length = |key| {
            let node = map.get(key)?;
            let text = cursor::scalar(node, "a length of time", self.cx.problems)?;
            match Duration::parse(&text.text) {
                Ok(length) if length.months == 0 && !length.is_working() && length.micros >= 0 => Some(length.micros),
                _ => {
                    let message = format!("expected an exact length of time such as `10 s`, found `{}`", text.text);
                    self.cx.problems.error("wrong-type", node.span, message);
                    None
                }
            }
        };
        retry.times = number("times").unwrap_or(retry.times);
        retry.factor = number("factor").unwrap_or(retry.factor);
        retry.backoff = length("backoff").unwrap_or(retry.backoff);
        retry.max = length("max").unwrap_or(retry.max);
        map.finish();
        retry
    }

    fn create(
        &mut self,
        entity: &Spanned<Name>,
        set: &'a [Entry],
        into: Option<&Spanned<Name>>,
        names: &Names,
    ) -> Element {
        let known = self.cx.words.records(entity);
        let entities: Vec<Name> = known.then(|| entity.value.clone()).into_iter().collect();
        let set = self.columns(&entities, set, names);
        if known {
            self.cx.words.check_required(entity, &set);
        }
        let into = self.into(into);
        Element::CreateRecord(Box::new(CreateRecord { entity: entity.value.clone(), set, into }))
    }

    /// The variable that `as` names; the node writes it.
    fn into(&mut self, name: Option<&Spanned<Name>>) -> Option<crate::element::VarRef> {
        let name = name?;
        let var = self.variable(name, None)?;
        self.write(var, name.span);
        Some(var)
    }

    fn update(&mut self, at: &At<'a>, what: &'a Node, filter: &'a Filter<'a>, set: &'a [Entry]) -> Element {
        let (what, entities, names) = self.selection(at, what, filter);
        let written = set;
        let set = self.columns(&entities, set, &names);
        if let Selection::One(record) = &what {
            for (column, value) in &set {
                let place = written.iter().find(|entry| *entry.key.text == **column);
                let span = place.map_or(at.step.at, |entry| entry.value.span);
                self.moved |= self.moves(record.text(), record.ty(), column, value, span);
            }
        }
        Element::UpdateRecord(Box::new(UpdateRecord { what, set }))
    }

    fn delete(&mut self, at: &At<'a>, what: &'a Node, filter: &'a Filter<'a>) -> Element {
        let place = what.span;
        let (what, entities, _) = self.selection(at, what, filter);
        for entity in entities.into_iter().filter(|entity| self.cx.words.library.is_entity(entity)) {
            self.cx.words.records(&Spanned::new(entity, place));
        }
        Element::DeleteRecord(Box::new(DeleteRecord { what }))
    }

    /// One record, or those of an entity that fit; with the names for their columns.
    fn selection(&mut self, at: &At<'a>, what: &'a Node, filter: &'a Filter<'a>) -> (Selection, Vec<Name>, Names) {
        let names = self.names();
        let word = what.word().unwrap_or_default();
        let is_var = self.seen.iter().any(|seen| *seen.name == *word);
        let is_bulk = filter.condition.is_some() || (self.cx.words.library.is_entity(word) && !is_var);
        if !is_bulk {
            let (record, entities) = self.record_or_list(what, &names);
            for key in [filter.limit].into_iter().flatten().chain(filter.order_by.iter().copied()) {
                let problem = Problem::error("unknown-key", key.span, "one record needs no `limit` and no `order_by`");
                self.cx.problems.push(problem.help("name an entity to change several of its records"));
            }
            return (Selection::One(record), entities, names);
        }
        let Some(entity) = cursor::name(what, self.cx.problems) else {
            return (Selection::One(super::names::nothing()), Vec::new(), names);
        };
        if filter.limit.is_none() {
            let message = format!("a change of several records of `{}` needs the key `limit`", entity.value);
            let problem = Problem::error("bulk-without-limit", at.step.at, message);
            self.cx.problems.push(problem.help("write how many are surely enough, for example `limit: 1000`"));
        }
        let found = self.filter(&entity, filter);
        let mut row = self.names();
        row.row(&*entity.value, self.slot(Root::Row));
        (Selection::Where(found), vec![entity.value], row)
    }

    /// A record, or a list of records.
    fn record_or_list(&mut self, node: &'a Node, names: &Names) -> (Expr, Vec<Name>) {
        let expr = self.expr(node, names, None);
        let entities = match expr.ty() {
            Type::List(of) => match &**of {
                Type::Ref(entities) => entities.to_vec(),
                _ => self.entities_of(&expr, node.span),
            },
            _ => self.entities_of(&expr, node.span),
        };
        (expr, entities)
    }

    fn filter(&mut self, entity: &Spanned<Name>, filter: &'a Filter<'a>) -> Found {
        self.cx.words.entity(entity);
        let slot = self.slot(Root::Row);
        let mut names = self.names();
        let limit = filter.limit.map(|node| self.expr(node, &names, Some(&Type::Int)));
        names.searched(&*entity.value, slot);
        let condition = filter.condition.map(|node| self.bool(node, &names));
        let equal = condition.as_ref().map(|condition| condition.equalities(slot)).unwrap_or_default();
        let order = filter.order_by.iter().filter_map(|node| self.order(&entity.value, node)).collect();
        Found { entity: entity.value.clone(), condition, equal, order, limit }
    }

    /// `column`, `column asc` or `column desc`.
    fn order(&mut self, entity: &Name, node: &'a Node) -> Option<Order> {
        let text = &cursor::scalar(node, "a column, then `desc` for the largest first", self.cx.problems)?.text;
        let (column, way) = text.split_once(' ').unwrap_or((text, "asc"));
        let descending = match way.trim() {
            "asc" => false,
            "desc" => true,
            other => {
                let message = format!("expected `asc` or `desc` behind `{column}`, found `{other}`");
                self.cx.problems.error("wrong-type", node.span, message);
                false
            }
        };
        let column = Name::new(column);
        self.cx.words.column(entity, &column, node.span)?;
        Some(Order { column, descending })
    }

    fn read(
        &mut self,
        entity: &Spanned<Name>,
        filter: &'a Filter<'a>,
        keep: Keep,
        into: Option<&Spanned<Name>>,
    ) -> Element {
        let filter = self.filter(entity, filter);
        let mode = match keep {
            Keep::First => ReadMode::First,
            Keep::All => ReadMode::All,
            Keep::Count => ReadMode::Count,
        };
        match self.into(into) {
            Some(into) => Element::ReadRecords(Box::new(ReadRecords { filter, mode, into })),
            None => Element::ScriptTask(ScriptTask::default()),
        }
    }

    fn stage_step(&mut self, at: &At<'a>, change: &'a Node, set: &'a [Entry]) -> Option<NodeIx> {
        let names = self.names();
        let found = self.stage_change(change, set, &names);
        let leaves = found.as_ref().is_some_and(|(_, leaves)| *leaves);
        let element = match found {
            Some((change, _)) => Element::StageChange(change),
            None => Element::ScriptTask(ScriptTask::default()),
        };
        let node = self.node(at, element);
        let flow = self.plan.flow(node, at.after, crate::model::Text::default(), at.step.at);
        if leaves {
            self.plan.ends(node, flow);
        }
        Some(node)
    }

    /// `self -> won`; with it, whether the move surely leaves the stage whose list it stands in.
    pub(super) fn stage_change(
        &mut self,
        node: &'a Node,
        set: &'a [Entry],
        names: &Names,
    ) -> Option<(StageChange, bool)> {
        let (record, to) = self.halves(node, "->", "a move such as `self -> won`")?;
        let expr = self.compile(&record, names, None)?;
        let entities = self.entities_of(&expr, record.span);
        let [entity] = entities.as_slice() else {
            let message = format!("expected a record of one entity, found {}", expr.ty());
            self.cx.problems.error("wrong-type", record.span, message);
            return None;
        };
        let Some(column) = self.cx.words.stage_column(entity) else {
            self.cx.problems.error("unknown-stage", record.span, format!("`{entity}` has no stages"));
            return None;
        };
        let to_expr = self.compile(&to, names, Some(&Type::Stage(entity.clone())))?;
        let set = self.columns(std::slice::from_ref(entity), set, names);
        let leaves = self.check_move(&record.text, entity, &to_expr, node.span);
        Some((StageChange { record: expr, column, to: to_expr, set }, leaves))
    }

    fn notify(&mut self, who: &'a Node, text: Option<&'a Node>, names: &Names) -> Element {
        let (who, _) = self.record(who, names);
        let text = text.map(|text| {
            let _words = crate::load::cursor::text(text, self.cx.problems);
            self.template(text, names)
        });
        let text = text.unwrap_or_default();
        Element::Notify(Notify { who, text })
    }

    fn print(
        &mut self,
        document: &Spanned<Name>,
        record: Option<&'a Node>,
        into: Option<&Spanned<Name>>,
        names: &Names,
    ) -> Option<Element> {
        let Some(found) = self.cx.words.library.documents.get(&document.value).cloned() else {
            let known = self.cx.words.library.documents.keys().map(|name| &**name);
            self.cx.words.unknown("unknown-document", "document", &document.value, document.span, known);
            return Some(Element::ScriptTask(ScriptTask::default()));
        };
        let record = match record {
            Some(node) => self.expr(node, names, Some(&Type::reference(&*found.entity))),
            None => self.own_record(&found.entity, document.span, names)?,
        };
        let Some(keeps) = self.cx.words.keeps(&found.entity) else {
            let problem = Problem::error(
                "unknown-entity",
                document.span,
                "there is no entity `document` to keep what is printed",
            );
            self.cx.problems.push(problem.help("declare the entity `document` with the columns `name` and `body`"));
            return Some(Element::ScriptTask(ScriptTask::default()));
        };
        let template = self.document_template(&found, document)?;
        let into = self.into(into);
        Some(Element::Print(Print { document: document.value.clone(), record, template, keeps, into }))
    }

    /// The template of a document: the columns of its record are bare names in it.
    fn document_template(&mut self, document: &Document, name: &Spanned<Name>) -> Option<Template> {
        let mut names = Names::new();
        self.surroundings(&mut names);
        names.row(&*document.entity, self.slot(Root::Row));
        let span = Span::new(name.span.file, 0, document.template.len());
        match Template::compile(&document.template, span, self.cx.words.library, &names) {
            Ok(template) => Some(template),
            Err(problems) => {
                for problem in problems {
                    let start = problem.span.start as usize;
                    let before = document.template.get(..start).unwrap_or_default();
                    let line = before.lines().count().max(1);
                    let message = format!("in line {line} of the template of `{}`: {}", name.value, problem.message);
                    let code = crate::load::codes::of_expression(problem.code);
                    self.cx.problems.push(Problem::error(code, name.span, message).maybe_help(problem.help));
                }
                Template::compile("", span, self.cx.words.library, &names).ok()
            }
        }
    }

    /// `self` where a step names no record.
    fn own_record(&mut self, entity: &Name, span: Span, names: &Names) -> Option<Expr> {
        let text = ExprText::made("self", span);
        text.compile(self.cx.words.library, names, Some(&Type::reference(&**entity)), self.cx.problems)
            .or_else(|| Some(super::names::nothing()))
    }

    pub(super) fn send(
        &mut self,
        message: &Spanned<Name>,
        key: Option<&'a Node>,
        with: &'a [Entry],
        ttl: Option<&'a Node>,
        names: &Names,
    ) -> Element {
        let key_type = self.message_key(message, key.is_some(), true);
        let parts = key_type.as_ref().map(|_| self.cx.words.message_parts(&message.value));
        let what = format!("the message `{}`", message.value);
        let with = self.arguments(with, parts.as_deref(), &what, message.span, names);
        let key = key.map(|node| self.expr(node, names, key_type.flatten().as_ref()));
        let ttl = ttl.map(|node| self.instant(node, names));
        Element::SendTask(SendTask { message: message.value.clone(), key, with, ttl })
    }

    /// The type of a message's key, when it has one. None: there is no such message, which is reported.
    pub(super) fn message_key(&self, message: &Spanned<Name>, given: bool, needed: bool) -> Option<Option<Type>> {
        let Some(found) = self.cx.words.library.messages.get(&message.value) else {
            let known = self.cx.words.library.messages.keys().map(|name| &**name);
            self.cx.words.unknown("unknown-message", "message", &message.value, message.span, known);
            return None;
        };
        match (&found.key, given) {
            (Some(key), false) if needed => {
                let text = format!("the message `{}` needs the key `key`: {key}", message.value);
                let problem = Problem::error("missing-key", message.span, text);
                self.cx.problems.push(problem.help("the key says whom it is for"));
            }
            (None, true) => {
                let text = format!("the message `{}` is declared without a key", message.value);
                let problem = Problem::error("unknown-key", message.span, text);
                self.cx.problems.push(problem.help("leave `key` out, or declare the key of the message"));
            }
            _ => {}
        }
        Some(found.key.clone())
    }

    pub(super) fn signal(&mut self, name: &Spanned<Name>, with: &'a [Entry], names: &Names) -> Element {
        let known = self.cx.words.signal(name);
        let parts = known.then(|| self.cx.words.signal_parts(&name.value));
        let what = format!("the signal `{}`", name.value);
        let with = self.arguments(with, parts.as_deref(), &what, name.span, names);
        Element::SignalThrow(SignalThrow { signal: name.value.clone(), with })
    }

    fn raise(&mut self, at: &At<'a>, code: &Spanned<Name>, with: &'a [Entry], names: &Names) -> Option<NodeIx> {
        let with = self.error_arguments(code, with, names);
        let node = self.node(at, Element::ErrorThrow(ErrorThrow { code: code.value.clone(), with }));
        Some(node)
    }

    /// The values of a declared error.
    pub(super) fn error_arguments(
        &mut self,
        code: &Spanned<Name>,
        with: &'a [Entry],
        names: &Names,
    ) -> Vec<(Name, Expr)> {
        let known = self.cx.words.error(code);
        let parts = known.then(|| self.cx.words.error_parts(&code.value));
        let what = format!("the error `{}`", code.value);
        self.arguments(with, parts.as_deref(), &what, code.span, names)
    }

    fn call(&mut self, call: &'a Call<'a>, names: &Names) -> Element {
        let callee = self.callee(&call.process.value, call.version.as_ref()).cloned();
        self.check_callee(call, callee.as_ref());
        let expected =
            callee.as_ref().and_then(|callee| callee.entity.as_ref()).map(|entity| Type::reference(&**entity));
        self.check_call_record(call, callee.as_ref());
        let record = call.record.map(|node| self.expr(node, names, expected.as_ref()));
        let what = format!("the process `{}`", call.process.value);
        let params = callee.as_ref().map(|callee| callee.params.as_slice());
        let with = self.arguments(call.with, params, &what, call.process.span, names);
        let results = self.result_names(callee.as_ref().map(|callee| callee.results.as_slice()).unwrap_or_default());
        let take = if callee.is_some() { self.assigns(call.take, &results) } else { Vec::new() };
        let version = call.version.as_ref().and_then(|version| u32::try_from(version.value).ok());
        let process = call.process.value.clone();
        Element::CallActivity(Box::new(CallActivity { process, version, record, with, take, detached: call.detached }))
    }

    /// A process with an entity is called for a record of it, another one for none.
    fn check_call_record(&self, call: &Call<'_>, callee: Option<&Signature>) {
        let Some(callee) = callee else { return };
        let process = &call.process;
        let problem = match (call.record, &callee.entity) {
            (Some(record), None) => {
                let message = format!("the process `{}` is about no record", process.value);
                Problem::error("unknown-key", record.span, message).help("leave `for` out")
            }
            (None, Some(entity)) => {
                let message = format!("nothing says which {entity} `{}` is called for", process.value);
                let help = format!("add `for:` with an expression that gives {}", Type::reference(&**entity));
                Problem::error("missing-key", process.span, message).help(help)
            }
            _ => return,
        };
        self.cx.problems.push(problem);
    }

    /// What is known of a process: the version named, else the newest.
    pub(super) fn callee(&self, process: &Name, version: Option<&Spanned<i64>>) -> Option<&'a Signature> {
        let versions = self.cx.signatures.get(process)?;
        match version {
            Some(version) => versions.iter().find(|found| i64::from(found.version) == version.value),
            None => versions.iter().max_by_key(|found| found.version),
        }
    }

    fn check_callee(&self, call: &Call<'_>, callee: Option<&Signature>) {
        let name = &call.process;
        match callee {
            None if self.cx.signatures.contains_key(&name.value) => {
                let span = call.version.as_ref().map_or(name.span, |version| version.span);
                let versions = self.cx.signatures.get(&name.value).into_iter().flatten();
                let known: Vec<String> = versions.map(|found| found.version.to_string()).collect();
                let problem = Problem::error("unknown-process", span, format!("`{}` has no such version", name.value));
                self.cx.problems.push(problem.help(format!("its versions are {}", known.join(", "))));
            }
            None => {
                let known = self.cx.signatures.keys().map(|known| &**known);
                self.cx.words.unknown("unknown-process", "process", &name.value, name.span, known);
            }
            Some(callee) if !callee.called => {
                let message = format!("the process `{}` is not started by calls", name.value);
                let mut problem = Problem::error("not-callable", name.span, message);
                problem = problem.help("add `- called: true` to its `start`");
                if let Some(span) = callee.span {
                    problem = problem.label(span, "this process");
                }
                self.cx.problems.push(problem);
            }
            Some(_) => {}
        }
        if let (true, Some(taken)) = (call.detached, call.take.first()) {
            let problem = Problem::error("wrong-shape", taken.key.span, "nothing can be taken from a detached call");
            self.cx.problems.push(problem.help("it is started and left alone; leave `detached` out to wait for it"));
        }
    }
}

/// Whether a value is the same wherever it is evaluated, and which.
pub(super) fn constant_word(expr: &Expr) -> Option<Name> {
    match expr.constant()? {
        Value::Text(text) => Some(Name::new(&**text)),
        _ => None,
    }
}

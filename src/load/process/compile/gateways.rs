//! Steps that branch: `choose`, `parallel`, `all_that_apply`, `race`, and the ends of paths.

use super::lists::Border;
use super::{At, Compiler};
use crate::element::catch_event::CatchEvent;
use crate::element::complex_gateway::ComplexGateway;
use crate::element::definition::{Assign, Root};
use crate::element::end_event::{EndEvent, Ends};
use crate::element::event_gateway::EventGateway;
use crate::element::exclusive_gateway::{Case as When, ExclusiveGateway};
use crate::element::incident_step::IncidentStep;
use crate::element::inclusive_gateway::InclusiveGateway;
use crate::element::parallel_gateway::ParallelGateway;
use crate::element::{Element, Trigger, rules};
use crate::graph::NodeIx;
use crate::load::cursor::Spanned;
use crate::load::draft::ExprText;
use crate::load::problem::Problem;
use crate::load::process::draft::{Case, Event, Step, Target, Title, ValueCase, Verb, Way};
use crate::load::process::notes::Branches;
use crate::load::process::plan::{Label, NewNode, join};
use crate::load::read::{Entry, Node};
use crate::model::{EnumType, Expr, Name, Names, Schema, Span, Text, Type, Value};

impl<'a> Compiler<'a> {
    /// The verbs that are more than a node with one way on.
    pub(super) fn structure(&mut self, at: &At<'a>) -> Option<NodeIx> {
        match &at.step.verb {
            Verb::UserTask(task) => return Some(self.user_task(at, task)),
            Verb::Approve(approve) => return Some(self.approve(at, approve)),
            Verb::Catch(event) => return Some(self.catch(at, event)),
            Verb::Incident { code, with, ways } => self.incident(at, code, with, ways),
            Verb::Choose(cases) => self.choose(at, cases),
            Verb::ChooseOn { on, cases } => self.choose_on(at, on, cases),
            Verb::Parallel { branches, until } => self.parallel(at, branches, *until),
            Verb::AllThatApply(cases) => self.all_that_apply(at, cases),
            Verb::Race(events) => self.race(at, events),
            Verb::Go(target) => self.go(at, target),
            Verb::End { title, results, terminate, process, cancel } => {
                let ends = match (cancel, terminate, process) {
                    (true, _, _) => self.cancels(at.step.at),
                    (_, _, true) => Ends::Instance,
                    (_, true, false) => Ends::Scope,
                    (_, false, false) => Ends::Path,
                };
                self.end(at, title.as_ref(), results, ends);
            }
            _ => return self.scoped(at),
        }
        None
    }

    /// Draws a flow to a branch, then compiles the branch.
    fn branch(&mut self, from: NodeIx, title: Text, span: Span, inside: impl FnOnce(&mut Self) -> Label) -> usize {
        let to = self.plan.label();
        let position = self.plan.flow(from, to, title, span);
        let entry = inside(self);
        self.plan.same(to, entry);
        position
    }

    fn choose(&mut self, at: &At<'a>, cases: &'a [Case<'a>]) {
        let names = self.names();
        let mut whens = Vec::new();
        for (position, case) in cases.iter().enumerate() {
            let when = case.when.map(|when| self.bool(when, &names));
            whens.push((when.map_or(When::Otherwise, When::When), position));
        }
        let conditions =
            whens.iter().filter_map(|(when, _)| if let When::When(when) = when { Some(when) } else { None });
        if !cases.iter().any(|case| case.when.is_none()) && !is_exhaustive(conditions) {
            let problem =
                Problem::error("choose-not-exhaustive", at.step.at, "when no case holds, nothing says what happens");
            self.cx.problems.push(problem.help("add `- otherwise: go_on`, or a step, or steps"));
        }
        let node = self.node(at, Element::ExclusiveGateway(ExclusiveGateway { on: None, cases: whens }));
        self.inside(at, |this| {
            for case in cases {
                let part = case.id.as_ref().map(|id| id.value.clone());
                let title = case.title.as_ref().map(|title| title.value.clone()).unwrap_or_default();
                this.branch(node, title, case.span, |this| {
                    this.then(&case.then, part.as_deref(), Border::None, at.after)
                });
            }
        });
    }

    fn choose_on(&mut self, at: &At<'a>, on: &'a Node, cases: &'a [ValueCase<'a>]) {
        let names = self.names();
        let on = self.expr(on, &names, None);
        let mut whens: Vec<(When, usize)> = Vec::new();
        for (position, case) in cases.iter().enumerate() {
            if case.values.is_empty() {
                whens.push((When::Otherwise, position));
            }
            for value in &case.values {
                self.case_value(&on, value, position, &mut whens);
            }
        }
        self.check_cases(at, &on, &whens);
        let node = self.node(at, Element::ExclusiveGateway(ExclusiveGateway { on: Some(on), cases: whens }));
        self.inside(at, |this| {
            for case in cases {
                let part = case.values.iter().map(|value| &*value.value).collect::<Vec<_>>().join("+");
                let part = if part.is_empty() { "otherwise".to_owned() } else { part };
                let title = case.title.as_ref().map(|title| title.value.clone()).unwrap_or_default();
                this.branch(node, title, case.span, |this| this.then(&case.then, Some(&part), Border::None, at.after));
            }
        });
    }

    fn case_value(&mut self, on: &Expr, word: &Spanned<String>, position: usize, whens: &mut Vec<(When, usize)>) {
        let text = ExprText::made(&word.value, word.span);
        let expected = Some(on.ty()).filter(|ty| **ty != Type::Any);
        let no_names = crate::model::Names::new();
        let Some(value) = text.compile(self.cx.words.library, &no_names, expected, self.cx.problems) else { return };
        let Some(value) = value.constant().cloned() else {
            let problem = Problem::error("wrong-type", word.span, format!("expected a value, found `{}`", word.value));
            self.cx.problems.push(problem.help("a case is a value; conditions are written `choose: [{when: ...}]`"));
            return;
        };
        let twice = whens.iter().any(|(when, _)| matches!(when, When::Is(known) if known.same(&value)));
        if twice {
            let problem =
                Problem::error("duplicate-case", word.span, format!("the case `{}` is written twice", word.value));
            self.cx.problems.push(problem.help("the second one can never be taken"));
        }
        whens.push((When::Is(value), position));
    }

    /// Whether the cases leave nothing out; else there must be an `otherwise`.
    fn check_cases(&self, at: &At<'a>, on: &Expr, whens: &[(When, usize)]) {
        if whens.iter().any(|(when, _)| matches!(when, When::Otherwise)) {
            return;
        }
        let library = self.cx.words.library;
        let all: Option<Vec<Value>> = match on.ty() {
            Type::Bool => Some(vec![Value::Bool(true), Value::Bool(false)]),
            Type::Enum(codes) => Some(codes.values.iter().map(|(code, _)| Value::text(&**code)).collect()),
            Type::Stage(entity) => Some(library.stages(entity).iter().map(|stage| Value::text(&**stage)).collect()),
            Type::Ref(entities) => match &**entities {
                [lookup] if library.is_lookup(lookup) => {
                    let row = |row: &Name| Value::Ref(crate::model::Ref::new(&**lookup, &**row));
                    Some(library.rows(lookup).iter().map(row).collect())
                }
                _ => None,
            },
            _ => None,
        };
        let has = |value: &Value| whens.iter().any(|(when, _)| matches!(when, When::Is(known) if known.same(value)));
        let problem = match all {
            Some(all) => {
                let missing: Vec<String> = all.iter().filter(|value| !has(value)).map(code_of).collect();
                if missing.is_empty() {
                    return;
                }
                let message = format!("the cases leave out {}", missing.join(", "));
                Problem::error("choose-not-exhaustive", at.step.at, message)
            }
            None => {
                let message = format!("the cases cannot cover every value of {}", on.ty());
                Problem::error("choose-not-exhaustive", at.step.at, message)
            }
        };
        self.cx.problems.push(problem.help("add them, or `otherwise: go_on`"));
    }

    fn parallel(&mut self, at: &At<'a>, branches: &'a [(Spanned<Name>, Vec<Step<'a>>)], until: Option<&'a Node>) {
        let node = self.split(at, Element::ParallelGateway(ParallelGateway));
        let first = self.plan.drawn();
        let (mut ends, mut parts) = (Vec::new(), Vec::new());
        self.inside(at, |this| {
            for (name, steps) in branches {
                let (end, begin) = (this.branch_end(at, &name.value, name.span), this.plan.len());
                this.branch(node, Text::default(), name.span, |this| {
                    this.within(&name.value, |this| this.list(steps, Border::Branch, end))
                });
                ends.push(end);
                parts.push((name.value.to_string(), begin..this.plan.len()));
            }
        });
        self.notes.branches.push(Branches { word: "parallel", parts });
        let Some(until) = until else {
            return self.join(at, &ends, first, Element::ParallelGateway(ParallelGateway));
        };
        let arriving: Vec<_> =
            ends.into_iter().zip(branches).filter(|(end, _)| self.plan.is_led_to(*end, first)).collect();
        let names: Vec<&Name> = branches.iter().map(|(name, _)| &name.value).collect();
        let gateway = ComplexGateway {
            until: self.activation(until, &names, "until"),
            branches: arriving.iter().map(|(_, (name, _))| name.value.clone()).collect(),
            taken: None,
        };
        // One flow per branch, drawn in the order of the branches, leads into the join.
        let drawn = self.plan.drawn();
        let mut last = Vec::new();
        for (end, (name, _)) in arriving {
            let key = join(&at.key, &format!("{}/arrived", name.value));
            let new = NewNode { key, id: None, title: Text::default(), scope: self.scope.node, span: name.span };
            let node = self.add(new, Element::ExclusiveGateway(ExclusiveGateway::default()));
            self.notes.made.insert(node);
            self.plan.place(end, node);
            let arrived = self.plan.label();
            self.plan.flow(node, arrived, Text::default(), name.span);
            last.push(arrived);
        }
        self.join(at, &last, drawn, Element::ComplexGateway(Box::new(gateway)));
    }

    /// How many branches are enough, or a condition over those that `arrived`.
    pub(super) fn activation(&mut self, node: &'a Node, branches: &[&Name], key: &str) -> Expr {
        let mut names = self.names();
        let values = branches.iter().map(|name| ((*name).clone(), Text::default())).collect();
        let branch = Type::Enum(EnumType { values }.into());
        names.shadow("arrived").root("arrived", Type::List(branch.into()), self.slot(Root::Arrived));
        let until = self.expr(node, &names, None);
        let count = if let Some(Value::Number(number)) = until.constant() { Some(*number) } else { None };
        let message = match until.ty() {
            Type::Bool | Type::Any => return until,
            Type::Int | Type::Number
                if count.is_none_or(|count| (1..=branches.len()).any(|fits| count == fits.into())) =>
            {
                return until;
            }
            Type::Int | Type::Number => format!("expected 1 to {} branches, found {}", branches.len(), until.text()),
            other => format!("expected how many branches are enough, or a condition over `arrived`, found {other}"),
        };
        let problem = Problem::error("wrong-type", node.span, message);
        let help = format!("write `{key}: 2`, or `{key}: list contains(arrived, name_of_a_branch)`");
        self.cx.problems.push(problem.help(help));
        until
    }

    fn all_that_apply(&mut self, at: &At<'a>, cases: &'a [Case<'a>]) {
        let names = self.names();
        let mut gateway = InclusiveGateway::default();
        for (position, case) in cases.iter().enumerate() {
            match case.when {
                Some(when) => gateway.cases.push((self.bool(when, &names), position)),
                None => gateway.otherwise = Some(position),
            }
        }
        let node = self.split(at, Element::InclusiveGateway(gateway));
        let first = self.plan.drawn();
        let (mut ends, mut parts) = (Vec::new(), Vec::new());
        self.inside(at, |this| {
            for (number, case) in cases.iter().enumerate() {
                let name = case
                    .id
                    .as_ref()
                    .map_or_else(|| format!("case{}", number.saturating_add(1)), |id| id.value.to_string());
                let (end, begin) = (this.branch_end(at, &name, case.span), this.plan.len());
                this.no_jump(case.then.next.as_ref());
                let title = case.title.as_ref().map(|title| title.value.clone()).unwrap_or_default();
                this.branch(node, title, case.span, |this| match &case.then.steps {
                    Some(steps) => this.within(&name, |this| this.list(steps, Border::Branch, end)),
                    None => end,
                });
                ends.push(end);
                parts.push((name, begin..this.plan.len()));
            }
        });
        self.notes.branches.push(Branches { word: "all_that_apply", parts });
        self.join(at, &ends, first, Element::InclusiveGateway(InclusiveGateway::default()));
    }

    /// A branch that is waited for ends in its join, nowhere else.
    fn no_jump(&mut self, next: Option<&Spanned<Target>>) {
        if let Some(next) = next.filter(|next| next.value != Target::GoOn) {
            let problem = Problem::error("bad-jump", next.span, "a branch of `all_that_apply` ends in its join");
            self.cx.problems.push(problem.help("write `steps: [...]`; behind the join it goes on with the next step"));
            self.notes.sound = false;
        }
    }

    /// A gateway that would take several flows for branches to join: they are merged before it.
    fn split(&mut self, at: &At<'a>, element: Element) -> NodeIx {
        self.plan.merge_at(at.entry, join(&at.key, "merge"), self.scope.node, at.step.at);
        self.node(at, element)
    }

    /// The end of a branch: one flow leads from it to the join.
    fn branch_end(&mut self, at: &At<'a>, branch: &str, span: Span) -> Label {
        let end = self.plan.label();
        self.plan.merge_at(end, join(&at.key, &format!("{branch}/merge")), self.scope.node, span);
        end
    }

    fn join(&mut self, at: &At<'a>, ends: &[Label], first: usize, element: Element) {
        if !ends.iter().any(|end| self.plan.is_led_to(*end, first)) {
            return;
        }
        let new = NewNode {
            key: join(&at.key, "join"),
            id: None,
            title: Text::default(),
            scope: self.scope.node,
            span: at.step.at,
        };
        let node = self.add(new, element);
        self.notes.made.insert(node);
        for end in ends {
            self.plan.place(*end, node);
        }
        self.plan.flow(node, at.after, Text::default(), at.step.at);
    }

    fn race(&mut self, at: &At<'a>, events: &'a [Event<'a>]) {
        let node = self.node(at, Element::EventGateway(EventGateway));
        self.inside(at, |this| {
            for event in events {
                let (trigger, take) = this.caught(event);
                this.check_cycle(event, false);
                let option = this.option(at, event, trigger, take);
                let here = this.plan.label();
                this.plan.place(here, option);
                this.plan.flow(node, here, Text::default(), event.span);
                let part = event.id.as_ref().map(|id| id.value.clone());
                let key = this.plan.node_at(option).map(|node| node.key.clone()).unwrap_or_default();
                let (_, keep) = this.with_event(event, &key, |this| {
                    this.branch(option, Text::default(), event.span, |this| {
                        this.then(&event.then, part.as_deref(), Border::None, at.after)
                    })
                });
                if let (Some(keep), Some(Element::CatchEvent(option))) = (keep, this.plan.element(option)) {
                    option.take.push(keep);
                }
            }
        });
    }

    fn option(&mut self, at: &At<'a>, event: &'a Event<'a>, trigger: Trigger, take: Vec<Assign>) -> NodeIx {
        let key = self.event_key(&at.key, event);
        let title = self.event_title(event);
        let id = event.id.as_ref().map(|id| id.value.clone());
        let new = NewNode { key, id, title, scope: self.scope.node, span: event.span };
        let node = self.add(new, Element::CatchEvent(CatchEvent { trigger, take }));
        self.parts(event, node);
        node
    }

    fn catch(&mut self, at: &At<'a>, event: &'a Event<'a>) -> NodeIx {
        let (trigger, take) = self.caught(event);
        let node = self.simple(at, Element::CatchEvent(CatchEvent { trigger, take }));
        self.parts(event, node);
        node
    }

    fn incident(&mut self, at: &At<'a>, code: &'a Spanned<Name>, with: &'a [Entry], ways: &'a [Way<'a>]) {
        let names = self.names();
        let with = self.error_arguments(code, with, &names);
        let step = IncidentStep { code: code.value.clone(), with, retry_at: None, ways: Vec::new() };
        let node = self.node(at, Element::IncidentStep(step));
        let is_retry = |way: &&Way<'_>| &*way.id.value == "retry";
        let retry = ways.iter().find(is_retry);
        let again = match retry.and_then(|way| way.then.next.as_ref()) {
            Some(next) => self.target(next, at.begin),
            None => at.begin,
        };
        if let Some(steps) = retry.filter(|way| way.then.steps.is_some()) {
            let problem =
                Problem::error("wrong-shape", steps.id.span, "`retry` repeats this step; it has no steps of its own");
            self.cx
                .problems
                .push(problem.help("write `retry: {next: id}` to begin at another step, or name the way otherwise"));
        }
        self.retries.push((node, again));
        let mut known = Vec::new();
        self.inside(at, |this| {
            for way in ways.iter().filter(|way| !is_retry(way)) {
                let title = this.way_title(way, &names);
                let flow = this.branch(node, title.text.clone(), way.id.span, |this| {
                    this.then(&way.then, Some(&way.id.value), Border::None, at.after)
                });
                known.push((way.id.value.clone(), title, flow));
            }
        });
        if known.is_empty() {
            self.plan.flow(node, at.after, Text::default(), at.step.at);
        }
        if let Some(way) = retry {
            let title = self.way_title(way, &names);
            let flow = self.plan.flow(node, again, title.text.clone(), way.id.span);
            known.push((way.id.value.clone(), title, flow));
        }
        if let Some(Element::IncidentStep(step)) = self.plan.element(node) {
            step.ways = known;
        }
    }

    fn way_title(&mut self, way: &Way<'a>, names: &Names) -> rules::Title {
        way.title.as_ref().map(|title| self.filled(title, names)).unwrap_or_default()
    }

    /// Where retries begin, once every place is known.
    pub(super) fn retry_places(&mut self) {
        for (node, label) in std::mem::take(&mut self.retries) {
            let place = self.plan.end_of(label).filter(|place| *place != node);
            if let Some(Element::IncidentStep(step)) = self.plan.element(node) {
                step.retry_at = place;
            }
        }
    }

    fn end(&mut self, at: &At<'a>, title: Option<&'a Title<'a>>, results: &'a [Entry], ends: Ends) {
        if ends == Ends::Path && self.done(at.step.at).is_none() {
            self.plan.same(at.entry, at.after);
            return;
        }
        let names = self.names();
        let mut returned = Vec::new();
        for entry in results {
            let name = Name::new(&*entry.key.text);
            let expected = self.seen.iter().find(|seen| seen.group == "params" && seen.name == name);
            let expected = expected.map(|seen| seen.ty.clone());
            returned.push((name, self.expr(&entry.value, &names, expected.as_ref())));
        }
        let title = self.title(at.step.title.as_ref().or(title));
        self.titled(at, title, Element::EndEvent(EndEvent { ends, results: returned }));
    }
}

/// Conditions of which one always holds, as far as their words show: `x` and `not(x)`, `n > 5` and `n <= 5`.
pub(super) fn is_exhaustive<'e>(conditions: impl Iterator<Item = &'e Expr> + Clone) -> bool {
    let all: Vec<&Expr> = conditions.take(MAX_COMPARED).collect();
    all.iter().any(|one| one.constant() == Some(&Value::Bool(true)) || all.iter().any(|other| one.complements(other)))
}

/// Most conditions of a gateway that are compared with each other.
const MAX_COMPARED: usize = 100;

fn code_of(value: &Value) -> String {
    match value {
        Value::Ref(row) => row.id.to_string(),
        Value::Text(code) => code.to_string(),
        other => other.to_string(),
    }
}

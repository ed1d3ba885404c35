//! Events at the borders of steps, handlers of scopes, and the time a process may take.

use std::sync::Arc;

use super::lists::Border;
use super::vars::Seen;
use super::{At, Compiler, Scope};
use crate::element::Element;
use crate::element::boundary_event::BoundaryEvent;
use crate::element::definition::{Assign, Target, Trigger};
use crate::element::end_event::EndEvent;
use crate::element::error_throw::ErrorThrow;
use crate::element::event_sub_process::EventSubProcess;
use crate::element::start_event::StartEvent;
use crate::graph::NodeIx;
use crate::load::draft::ExprText;
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft::{Event, FormItem, On, Target as To};
use crate::load::process::plan::{Label, NewNode, join};
use crate::load::read::Node;
use crate::model::schedule::CatchUp;
use crate::model::{Expr, Name, Names, Span, Text, Type, Value};

impl<'a> Compiler<'a> {
    /// The boundary events of a step.
    pub(super) fn boundary(&mut self, at: &At<'a>, host: Option<NodeIx>) {
        let Some(host) = host else {
            if let Some(event) = at.step.boundary.first().filter(|_| !at.step.word.is_empty()) {
                let message = format!("a `{}` step is no activity: it has no border", at.step.word);
                let problem = Problem::error("no-border", event.span, message);
                self.cx.problems.push(problem.help("put it into a `group` and write the `boundary` there"));
            }
            return;
        };
        for event in &at.step.boundary {
            self.border_event(at, host, event);
        }
    }

    fn border_event(&mut self, at: &At<'a>, host: NodeIx, event: &'a Event<'a>) {
        if event.on.is(|on| matches!(on, On::Cancel)) && !self.transactions.contains(&host) {
            let problem = Problem::error("wrong-shape", event.span, "only a transaction is canceled");
            self.cx.problems.push(problem.help("say `transaction: true` of the `group`, or use another event"));
        }
        if let On::Compensation = event.on {
            return self.compensation_border(at, host, event);
        }
        self.check_cycle(event, !event.interrupt);
        self.check_interrupt(event);
        let key = self.event_key(&at.key, event);
        let seen = self.seen.len();
        let (trigger, kept) = self.manual_trigger(event, &key);
        let names = self.event_names(event, &Problems::new());
        let mut take = self.assigns(event.take, &names);
        take.extend(kept.iter().filter_map(|seen| self.kept_entry(seen, &names)));
        let boundary = BoundaryEvent { host, trigger, interrupting: event.interrupt, take };
        let title = self.event_title(event);
        let id = event.id.as_ref().map(|id| id.value.clone());
        let new = NewNode { key: key.clone(), id, title, scope: self.scope.node, span: event.span };
        let node = self.add(new, Element::BoundaryEvent(Box::new(boundary)));
        self.parts(event, node);
        self.boundaries.entry(host).or_default().push(node);
        self.seen.extend(kept);
        let to = self.plan.label();
        self.plan.flow(node, to, Text::default(), event.span);
        let (entry, keep) = self.with_event(event, &key, |this| match event.interrupt {
            true => this.part(&key, |this| this.then(&event.then, None, Border::None, at.after)),
            false => this.own_path(event, &key),
        });
        if let (Some(keep), Some(Element::BoundaryEvent(event))) = (keep, self.plan.element(node)) {
            event.take.push(keep);
        }
        self.plan.same(to, entry);
        self.seen.truncate(seen);
    }

    /// The keys of what is compiled inside begin with an event's key.
    fn part<T>(&mut self, key: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.scope.prefix, key.to_owned());
        let done = inside(self);
        self.scope.prefix = outer;
        done
    }

    /// The list of an event that does not interrupt: a path that ends on its own.
    fn own_path(&mut self, event: &'a Event<'a>, key: &str) -> Label {
        if let Some(behind) = event.then.next.as_ref().filter(|next| matches!(next.value, To::Behind(_))) {
            let after = self.plan.label();
            return self.target(behind, after);
        }
        self.no_way_out(event);
        let (end, first) = (self.plan.label(), self.plan.drawn());
        let steps = event.then.steps.as_deref().unwrap_or_default();
        let entry = self.part(key, |this| this.list(steps, Border::OwnPath, end));
        if entry == end || self.plan.is_led_to(end, first) {
            let new = NewNode {
                key: join(key, "end"),
                id: None,
                title: Text::default(),
                scope: self.scope.node,
                span: event.span,
            };
            let node = self.add(new, Element::EndEvent(EndEvent::default()));
            self.notes.made.insert(node);
            self.plan.place(end, node);
        }
        entry
    }

    fn no_way_out(&mut self, event: &Event<'_>) {
        if let Some(next) = event.then.next.as_ref().filter(|next| matches!(next.value, To::Step(_))) {
            let problem = Problem::error("bad-jump", next.span, "an event that does not interrupt cannot go elsewhere");
            self.cx.problems.push(
                problem.help("what it begins is a path of its own; leave out `interrupt: false`, or write `steps`"),
            );
            self.notes.sound = false;
        }
    }

    fn check_interrupt(&self, event: &Event<'_>) {
        let always = if event.on.is(|on| matches!(on, On::Error(_))) {
            Some("an error")
        } else {
            event.on.is(|on| matches!(on, On::Cancel)).then_some("a cancel event")
        };
        if let (Some(what), false) = (always, event.interrupt) {
            let problem = Problem::error("wrong-shape", event.span, format!("{what} always interrupts"));
            self.cx
                .problems
                .push(problem.help("leave `interrupt: false` out; an `escalation` may leave the step running"));
        }
    }

    /// What an event waits for; the entries of an action's form are kept for the steps of the event.
    fn manual_trigger(&mut self, event: &'a Event<'a>, key: &str) -> (Trigger, Vec<Seen>) {
        let mut kept = Vec::new();
        let trigger = self.trigger(event, &mut |this: &mut Self, item: &FormItem, ty: &Type| {
            let FormItem::Entry(decl) = item else { return None };
            let name = Name::new(format!("{key}.{}", decl.name.value));
            let var = this.add_var(this.scope.node, name, ty.clone(), None);
            let (name, span) = (decl.name.value.clone(), decl.name.span);
            kept.push(Seen { group: "form", name, ty: ty.clone(), var, span });
            None
        });
        (trigger, kept)
    }

    /// The assignment that keeps an entry of an action's form for the steps of its event.
    fn kept_entry(&self, seen: &Seen, names: &Names) -> Option<Assign> {
        let text = ExprText::made(&seen.name, seen.span);
        let value = text.compile(self.cx.words.library, names, None, &Problems::new())?;
        Some(Assign { target: Target::Var(seen.var), value })
    }

    /// The handlers of the innermost scope.
    pub(super) fn handlers(&mut self, handlers: &'a [Event<'a>], host: Option<NodeIx>) {
        for event in handlers {
            self.handler(event, host);
        }
    }

    fn handler(&mut self, event: &'a Event<'a>, host: Option<NodeIx>) {
        self.check_cycle(event, !event.interrupt);
        self.check_interrupt(event);
        self.check_compensation(event);
        if !event.interrupt {
            self.no_way_out(event);
        }
        let key = self.event_key(&self.scope.key.clone(), event);
        // What it waits for is evaluated in the scope around it; what it keeps, in its own.
        let trigger = self.trigger(event, &mut |_, _, _| None);
        let title = self.event_title(event);
        let id = event.id.as_ref().map(|id| id.value.clone());
        let new = NewNode { key: key.clone(), id, title, scope: self.scope.node, span: event.span };
        let handler = EventSubProcess { trigger, interrupting: event.interrupt, take: Vec::new() };
        let node = self.add(new, Element::EventSubProcess(Box::new(handler)));
        self.parts(event, node);
        self.no_take(event);
        if let Some(info) = self.scopes.get_mut(&self.scope.node) {
            info.handlers.push(node);
        }
        self.scope_of(node, key, |this| this.handler_body(event, node, host));
    }

    /// What compensates stands in a scope that completes and can then be compensated.
    fn check_compensation(&mut self, event: &Event<'_>) {
        if !event.on.is(|on| matches!(on, On::Compensation)) {
            return;
        }
        let why = match self.plan.element(self.scope.node) {
            _ if self.scope.node == NodeIx::PROCESS => "a process that has ended is not compensated",
            Some(Element::EventSubProcess(_)) => "a handler is not compensated",
            _ => return,
        };
        let problem = Problem::error("wrong-shape", event.span, why);
        self.cx.problems.push(problem.help("write the handler into a `group`, or at the border of the `call`"));
    }

    /// The scope of a handler begins when its event has happened: there is nowhere to keep what a part brings.
    fn no_take(&self, event: &Event<'_>) {
        let On::Several { events, .. } = &event.on else { return };
        if let Some(entry) = events.iter().find_map(|part| part.take.first()) {
            let problem =
                Problem::error("wrong-shape", entry.key.span, "one of several events of a handler keeps nothing");
            self.cx.problems.push(problem.help("leave `take` out, or write a handler for each of the events"));
        }
    }

    fn handler_body(&mut self, event: &'a Event<'a>, node: NodeIx, host: Option<NodeIx>) {
        self.declare_all("vars", &event.vars);
        let kept = self.keep_all(event, node);
        let steps = event.then.steps.as_deref().unwrap_or_default();
        let names = self.event_names(event, &Problems::new());
        self.hidden_take(event.take, &names);
        self.declare_hidden(steps);
        let names = self.event_names(event, &Problems::new());
        let mut take = self.assigns(event.take, &names);
        take.extend(kept.iter().filter_map(|seen| self.kept_entry(seen, &names)));
        if let Some(Element::EventSubProcess(handler)) = self.plan.element(node) {
            handler.take = take;
        }
        self.drain_to(node);
        let border = if event.interrupt { Border::Scope } else { Border::OwnPath };
        let start = self.made("start", event.span, Element::StartEvent(StartEvent));
        if let Some(info) = self.scopes.get_mut(&node) {
            info.entry = start;
        }
        let (done, first) = (self.scope.done, self.plan.drawn());
        let exit = match &event.then.next {
            Some(next) if event.interrupt => self.leave_handler(next, host, done),
            _ => done,
        };
        let key = self.scope.key.clone();
        let (_, keep) = self.with_event(event, &key, |this| match &event.net {
            Some(net) => this.net(steps, net, host, exit, start),
            None => {
                let entry = this.hosted_list(steps, border, host, exit);
                this.plan.flow(start, entry, Text::default(), event.span);
            }
        });
        if let (Some(keep), Some(Element::EventSubProcess(event))) = (keep, self.plan.element(node)) {
            event.take.push(keep);
        }
        self.handlers(&event.handlers, None);
        if self.plan.is_led_to(done, first) {
            let end = self.made("end", event.span, Element::EndEvent(EndEvent::default()));
            self.plan.place(done, end);
        }
    }

    /// Where a handler's list leads when it names a step: out of the scope that it has ended.
    fn leave_handler(&mut self, next: &crate::load::cursor::Spanned<To>, host: Option<NodeIx>, done: Label) -> Label {
        self.bordered(Border::Scope, host, |this| this.target(next, done))
    }

    /// The entries of a handler's form are variables of the handler.
    fn keep_all(&mut self, event: &'a Event<'a>, node: NodeIx) -> Vec<Seen> {
        let form = match self.plan.element(node).map(|element| &*element).and_then(Element::trigger) {
            Some(Trigger::Manual { form, .. }) => form.clone(),
            _ => return Vec::new(),
        };
        let On::Manual { form: items, .. } = &event.on else { return Vec::new() };
        let mut kept = Vec::new();
        for item in items {
            let FormItem::Entry(decl) = item else { continue };
            let Some(entry) = form.iter().find(|entry| entry.name == decl.name.value) else { continue };
            let (name, ty) = (decl.name.value.clone(), entry.ty.clone());
            let var = self.add_var(self.scope.node, name.clone(), ty.clone(), None);
            let seen = Seen { group: "form", name, ty, var, span: decl.name.span };
            self.seen.push(seen.clone());
            kept.push(seen);
        }
        kept
    }

    /// What expressions read and write belongs to a node that is there already.
    pub(super) fn drain_to(&mut self, node: NodeIx) {
        let (reads, writes) = (std::mem::take(&mut self.reads), std::mem::take(&mut self.writes));
        self.notes.reads.entry(node).or_default().extend(reads);
        self.notes.writes.entry(node).or_default().extend(writes);
    }

    /// What is compiled inside belongs to the scope of this node.
    pub(super) fn scope_of<T>(&mut self, node: NodeIx, prefix: String, inside: impl FnOnce(&mut Self) -> T) -> T {
        let done = self.plan.label();
        let scope = Scope { node, key: prefix.clone(), prefix, done };
        let outer = std::mem::replace(&mut self.scope, scope);
        let seen = self.seen.len();
        self.scopes.entry(node).or_default();
        let result = inside(self);
        self.seen.truncate(seen);
        self.scope = outer;
        result
    }

    /// `timeout:` of the process: an interrupting handler. It raises `timeout`, which a caller may catch and is an incident
    /// else; where the process itself has a handler for it, that handler's steps are done.
    pub(super) fn timeout(&mut self, timeout: &'a Node) {
        let names = self.names();
        let after = self.instant(timeout, &names);
        let span = timeout.span;
        let trigger = Trigger::After { after, every: None, catch_up: CatchUp::default() };
        let handler = EventSubProcess { trigger, interrupting: true, take: Vec::new() };
        let node = self.made("timeout", span, Element::EventSubProcess(Box::new(handler)));
        if let Some(info) = self.scopes.get_mut(&NodeIx::PROCESS) {
            info.handlers.push(node);
        }
        let caught = self.process.handlers.iter().find(|event| is_timeout(event));
        self.scope_of(node, "timeout".to_owned(), |this| match caught {
            Some(event) => this.caught_timeout(event, node, span),
            None => this.raise_timeout(span),
        });
    }

    /// The steps of the process's own handler of `timeout`; `error` names no more than its code there.
    fn caught_timeout(&mut self, event: &'a Event<'a>, node: NodeIx, span: Span) {
        let steps = event.then.steps.as_deref().unwrap_or_default();
        self.declare_all("vars", &event.vars);
        let names = self.event_names(event, &Problems::new());
        self.hidden_take(event.take, &names);
        self.declare_hidden(steps);
        let names = self.event_names(event, &Problems::new());
        let take = self.assigns(event.take, &names);
        self.drain_to(node);
        let (_, keep) = self.with_event(event, "timeout", |this| {
            this.fill((steps, event.net.as_ref()), &[], (Border::Scope, None), span)
        });
        let error = Value::Map(Arc::new([(Name::new("code"), Value::text("timeout"))].into()));
        let keep = keep.map(|keep| Assign { value: Expr::literal("error", error, Type::Any), ..keep });
        if let Some(Element::EventSubProcess(handler)) = self.plan.element(node) {
            handler.take = take.into_iter().chain(keep).collect();
        }
    }

    fn raise_timeout(&mut self, span: Span) {
        let start = self.made("start", span, Element::StartEvent(StartEvent));
        if let Some(info) = self.scopes.get_mut(&self.scope.node) {
            info.entry = start;
        }
        let throw = ErrorThrow { code: Name::new("timeout"), with: Vec::new() };
        let raise = self.made("raise", span, Element::ErrorThrow(throw));
        let to = self.plan.label();
        self.plan.place(to, raise);
        self.plan.flow(start, to, Text::default(), span);
    }
}

fn is_timeout(event: &Event<'_>) -> bool {
    matches!(&event.on, On::Error(code) if code.as_ref().is_none_or(|code| &*code.value == "timeout"))
}

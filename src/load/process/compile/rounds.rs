//! Steps done several times: `each`, `repeat`, and what the flat form says of every activity.

use super::lists::Border;
use super::{At, Compiler};
use crate::element::Element;
use crate::element::multi_instance::{Behavior, MultiInstance, Over, Throw};
use crate::element::repeat::{Repeat, Test};
use crate::element::start_event::Nothing;
use crate::graph::NodeIx;
use crate::load::cursor::{self, Spanned};
use crate::load::draft::ExprText;
use crate::load::problem::Problem;
use crate::load::process::draft::{self, Each, Verb};
use crate::load::read::Node;
use crate::model::{Expr, Name, Names, Span, Type, Value};

impl<'a> Compiler<'a> {
    /// `each: x in list`.
    pub(super) fn each(&mut self, at: &At<'a>, each: &'a Each<'a>) -> NodeIx {
        let names = self.names();
        let (over, item) = self.rounds_of(each, &names);
        let at_once = self.at_once(each.at_once, &names);
        let collected = self.collected(each);
        let node = self.simple(at, Element::Nothing(Nothing));
        let room = self.scope_at(at, node, |this| {
            this.name_loop();
            if let Some((name, ty)) = item {
                let var = this.add_seen("vars", &name, ty, None);
                this.notes.unset.remove(&var);
            }
            this.declare_hidden(&each.steps);
            this.fill((&each.steps, None), &[], (Border::Round, Some(node)), at.step.at);
            let names = this.names();
            let until = each.until.map(|until| this.bool(until, &names));
            let collect = collected.and_then(|(var, value)| Some((this.collect(var, value)?, var)));
            let throws = this.throws(&each.throws, &names);
            MultiInstance { over, at_once, until, collect, throws }
        });
        self.forget_loop();
        let late = std::mem::take(&mut self.reads);
        self.notes.late_reads.insert(node, late);
        if let Some(element) = self.plan.element(node) {
            *element = Element::MultiInstance(Box::new(room));
        }
        node
    }

    /// What rounds are made for, and the variable of a round.
    fn rounds_of(&mut self, each: &'a Each<'a>, names: &crate::model::Names) -> (Over, Option<(Spanned<Name>, Type)>) {
        let head = match each.over {
            draft::Over::List(head) => head,
            draft::Over::Times(times) => return (Over::Times(self.expr(times, names, Some(&Type::Int))), None),
        };
        let halves = self.halves(head, " in ", "an item and its list, such as `line in self.lines`");
        let items = halves.as_ref().and_then(|(_, list)| self.compile(list, names, None));
        let ty = items.as_ref().map_or(Type::Any, |items| self.item_type(items, head.span));
        let name = halves.and_then(|(item, _)| self.item_name(&item));
        let over = Over::List(items.unwrap_or_else(super::names::nothing));
        (over, name.map(|name| (Spanned::new(name, head.span), ty)))
    }

    fn item_type(&self, items: &Expr, span: Span) -> Type {
        match items.ty() {
            Type::List(of) => (**of).clone(),
            Type::Any => Type::Any,
            other => {
                self.cx.problems.error("wrong-type", span, format!("expected a list to go through, found {other}"));
                Type::Any
            }
        }
    }

    fn item_name(&self, item: &ExprText) -> Option<Name> {
        let text = item.text.trim();
        cursor::valid_name(text, item.place(0..text.len()), self.cx.problems).map(|name| name.value)
    }

    /// How many rounds run at once: one, unless it says otherwise.
    fn at_once(&mut self, node: Option<&'a Node>, names: &crate::model::Names) -> Option<Expr> {
        match node {
            None => Some(Expr::literal("1", Value::Number(1.into()), Type::Int)),
            Some(node) if node.word() == Some("all") => None,
            Some(node) => Some(self.expr(node, names, Some(&Type::Int))),
        }
    }

    /// The variable that takes what the rounds give, and the node that says what.
    fn collected(&mut self, each: &'a Each<'a>) -> Option<(crate::element::VarRef, &'a Node)> {
        if let Some(second) = each.collect.get(1) {
            let problem = Problem::error("wrong-shape", second.key.span, "expected one name in `collect`, found two");
            self.cx.problems.push(problem.help("collect a value with several parts: `collect: {all: {a: x, b: y}}`"));
        }
        let entry = each.collect.first()?;
        let name = cursor::key_name(&entry.key, self.cx.problems)?;
        let var = self.variable(&name, None)?;
        self.write(var, name.span);
        Some((var, &entry.value))
    }

    fn collect(&mut self, var: crate::element::VarRef, value: &'a Node) -> Option<Expr> {
        let names = self.names();
        let declared = self.seen.iter().find(|seen| seen.var == var).map(|seen| seen.ty.clone());
        if let Some(Type::List(of)) = declared.filter(|ty| *ty != Type::list(Type::Any)) {
            return Some(self.expr(value, &names, Some(&of)));
        }
        let expr = self.expr(value, &names, None);
        let ty = Type::list(expr.ty().clone());
        self.seen.retype(var, &ty);
        let vars = self.scopes.get_mut(&var.scope).map(|info| &mut info.vars);
        if let Some(decl) = vars.and_then(|vars| vars.get_mut(usize::from(var.index))) {
            decl.ty = ty;
        }
        Some(expr)
    }

    /// What rounds throw when they complete.
    fn throws(&mut self, throws: &'a [draft::Throw<'a>], names: &Names) -> Vec<Throw> {
        let mut found = Vec::new();
        for throw in throws {
            let when = match throw.when {
                draft::Behavior::Each => Behavior::Each,
                draft::Behavior::First => Behavior::First,
                draft::Behavior::When(condition) => Behavior::When(self.bool(condition, names)),
            };
            let element = match &throw.verb {
                Verb::Send { message, key, with, ttl } => self.send(message, *key, with, *ttl, names),
                Verb::Signal { name, with } => self.signal(name, with, names),
                _ => continue,
            };
            found.push(Throw { when, element });
        }
        found
    }

    /// In a round `loop` is what is known of it.
    fn name_loop(&mut self) {
        self.rounds = self.rounds.saturating_add(1);
        self.names = None;
    }

    fn forget_loop(&mut self) {
        self.rounds = self.rounds.saturating_sub(1);
        self.names = None;
    }

    /// `repeat`, and the standard loop.
    pub(super) fn repeat(&mut self, at: &At<'a>, repeat: &'a draft::Repeat<'a>) -> NodeIx {
        self.name_loop();
        let names = self.names();
        let test = repeat.test.map(|(test, node)| (test, self.bool(node, &names)));
        let test = match test {
            Some((draft::Test::While, test)) => Test::While(test),
            Some((draft::Test::WhileAfter, test)) => Test::WhileAfter(test),
            Some((draft::Test::Until, test)) => Test::Until(test),
            None => Test::Always,
        };
        if !matches!(test, Test::While(_)) {
            // Looked at behind a round: what it reads may be set there.
            let reads = std::mem::take(&mut self.reads);
            self.late_reads.extend(reads);
        }
        let unlimited = if repeat.capped { u32::MAX } else { 1 };
        let max = repeat.max.as_ref().map_or(unlimited, |max| {
            u32::try_from(max.value).ok().filter(|max| *max > 0).unwrap_or_else(|| {
                self.cx.problems.error("wrong-type", max.span, "expected a maximum of 1 or more");
                1
            })
        });
        let node = self.simple(at, Element::Repeat(Box::new(Repeat { test, max, capped: repeat.capped })));
        let late = std::mem::take(&mut self.late_reads);
        self.scope_at(at, node, |this| {
            this.fill((&repeat.steps, None), &[], (Border::Scope, Some(node)), at.step.at);
        });
        self.forget_loop();
        self.notes.late_reads.insert(node, late);
        node
    }
}

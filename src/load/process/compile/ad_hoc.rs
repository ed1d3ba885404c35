//! `ad_hoc`: one node in the place of the scope's start offers what no flow inside leads to.

use super::{At, Compiler};
use crate::element::Element;
use crate::element::ad_hoc::{AdHoc, Begin};
use crate::element::end_event::EndEvent;
use crate::element::start_event::Nothing;
use crate::graph::NodeIx;
use crate::load::cursor;
use crate::load::problem::Problem;
use crate::load::process::draft::{self, Group};
use crate::load::read::{Node, Yaml};
use crate::model::suggest::did_you_mean;
use crate::model::{Name, Text, Type};

impl<'a> Compiler<'a> {
    /// The inside of an ad-hoc sub-process.
    pub(super) fn ad_hoc(&mut self, at: &At<'a>, host: NodeIx, group: &'a Group<'a>, ad_hoc: &'a draft::AdHoc<'a>) {
        let span = at.step.at;
        let node = self.made("choose", span, Element::Nothing(Nothing));
        self.ad_hocs.insert(node);
        if let Some(info) = self.scopes.get_mut(&self.scope.node) {
            info.entry = node;
        }
        let name = Name::new(format!("{}.begin", at.key));
        let begins = self.add_var(self.scope.node, name, Type::list(Type::Text), None);
        let done = self.scope.done;
        self.plan.flow(node, done, Text::default(), span);
        let offered = self.offered(group, host, node);
        if offered.is_empty() && self.notes.sound {
            let problem = Problem::error("wrong-shape", span, "nothing can be chosen here");
            self.cx.problems.push(problem.help("write steps that no other step leads to"));
        }
        self.handlers(&group.handlers, Some(host));
        let end = self.made("end", span, Element::EndEvent(EndEvent::default()));
        self.plan.place(done, end);
        let names = self.names();
        let room = AdHoc {
            roles: ad_hoc.roles.iter().filter(|role| self.cx.words.role(role)).map(|role| role.value.clone()).collect(),
            begin: ad_hoc.begin.map_or(Begin::Nothing, |begin| self.begin(begin, &offered, &names)),
            begins,
            at_once: ad_hoc.at_once.as_ref().and_then(|most| usize::try_from(most.value).ok()),
            until: ad_hoc.until.map(|until| self.bool(until, &names)),
            cancel_rest: ad_hoc.cancel_rest,
            done: match &ad_hoc.done {
                Some(title) => self.filled(title, &names),
                None => done_title().into(),
            },
        };
        self.drain_to(node);
        if let Some(element) = self.plan.element(node) {
            *element = Element::AdHoc(Box::new(room));
        }
    }

    /// Compiles what is inside; gives the ids of what is offered, in the order of the flows to it.
    fn offered(&mut self, group: &'a Group<'a>, host: NodeIx, node: NodeIx) -> Vec<Name> {
        let done = self.scope.done;
        if let Some(net) = &group.net {
            self.net(&group.steps, net, Some(host), done, node);
            let is_led_to = |id: &&Name| net.flows.iter().any(|flow| flow.to.value == **id);
            return net.names.iter().map(|name| &name.value).filter(|id| !is_led_to(id)).cloned().collect();
        }
        let first = self.plan.drawn();
        let places = self.loose_list(&group.steps, Some(host), done);
        let free: Vec<_> =
            group.steps.iter().zip(places).filter(|(_, place)| !self.plan.is_led_to(*place, first)).collect();
        for (step, place) in &free {
            self.plan.flow(node, *place, Text::default(), step.at);
        }
        free.into_iter().filter_map(|(step, _)| Some(step.id.as_ref()?.value.clone())).collect()
    }

    /// What begins by itself: `all`, ids, or an expression that gives ids.
    fn begin(&mut self, node: &'a Node, offered: &[Name], names: &crate::model::Names) -> Begin {
        match &node.yaml {
            Yaml::Scalar(_) if node.word() == Some("all") => Begin::All,
            Yaml::Seq(items) => {
                let ids = items.iter().filter_map(|item| cursor::name(item, self.cx.problems));
                let ids: Vec<_> = ids.collect();
                for id in ids.iter().filter(|id| !offered.contains(&id.value)) {
                    let message = format!("there is no step `{}` to begin with here", id.value);
                    let near = did_you_mean(&id.value, offered.iter().map(|name| &**name));
                    self.cx.problems.push(Problem::error("unknown-step", id.span, message).maybe_help(near));
                }
                Begin::These(ids.into_iter().map(|id| id.value).collect())
            }
            _ => Begin::Of(self.expr(node, names, Some(&Type::list(Type::Text)))),
        }
    }
}

fn done_title() -> Text {
    Text::by_lang([("en".into(), "Done".to_string()), ("ru".into(), "Готово".to_string())].into())
}

//! Links of the flat form: a throw leads to the catch of its name in the same scope (S20).

use super::net::Flat;
use super::step::Reader;
use super::{Flow, Gate, Step, Verb};
use crate::load::cursor::{MapReader, Spanned};
use crate::load::problem::Problem;
use crate::model::Name;
use crate::model::suggest::did_you_mean;

/// One end of a link.
#[derive(Debug)]
pub(super) struct Link {
    name: Spanned<Name>,
    node: Spanned<Name>,
    throws: bool,
}

impl<'t> Reader<'t> {
    /// `link: name` of an intermediate event.
    pub(super) fn link_node(
        &self,
        map: &MapReader<'t>,
        id: &Spanned<Name>,
        throws: bool,
        links: &mut Vec<Link>,
    ) -> Step<'t> {
        let word = if throws { "intermediate_throw_event" } else { "intermediate_catch_event" };
        links.extend(map.name("link").map(|name| Link { name, node: id.clone(), throws }));
        self.node_step(map, map.span(), id, Some(word), Verb::Gate(Gate::Link))
    }

    /// Every throw leads to its catch.
    pub(super) fn place_links(&self, flat: &mut Flat<'t>) {
        let links = std::mem::take(&mut flat.links);
        for (at, link) in links.iter().enumerate() {
            self.check_link(link, flat);
            let partner = links.iter().find(|other| other.throws != link.throws && other.name.value == link.name.value);
            let twin = links.iter().take(at).find(|other| !other.throws && other.name.value == link.name.value);
            match (partner, twin.filter(|_| !link.throws)) {
                (_, Some(first)) => {
                    let message = format!("the link `{}` is caught twice", link.name.value);
                    let problem = Problem::error("duplicate-link", link.name.span, message);
                    let help = "a link has one catch event; several throw events may lead to it";
                    self.problems.push(problem.help(help).label(first.name.span, "the first"));
                }
                (None, None) => self.lonely(link, &links),
                (Some(catch), None) if link.throws => flat.net.flows.push(link.flow(catch)),
                (Some(_), None) => {}
            }
        }
    }

    fn lonely(&self, link: &Link, links: &[Link]) {
        let (does, others) = if link.throws { ("catches", "catch") } else { ("throws", "throw") };
        let message = format!("nothing {does} the link `{}` in this scope", link.name.value);
        let names = links.iter().filter(|other| other.throws != link.throws).map(|other| &*other.name.value);
        let help = did_you_mean(&link.name.value, names)
            .unwrap_or_else(|| format!("add `{{type: intermediate_{others}_event, link: {}}}`", link.name.value));
        self.problems.push(Problem::error("unknown-link", link.name.span, message).help(help));
    }

    /// The link is the only way out of its throw, and the only way into its catch.
    fn check_link(&self, link: &Link, flat: &Flat<'t>) {
        let end = |flow: &&Flow<'t>| (if link.throws { &flow.from } else { &flow.to }).value == link.node.value;
        if let Some(flow) = flat.net.flows.iter().filter(|flow| !flow.is_link).find(end) {
            let message = match link.throws {
                true => format!("no flow leaves `{}`: its link goes on at the catch event", link.node.value),
                false => format!("no flow leads to `{}`: its link does", link.node.value),
            };
            self.problems.push(Problem::error("wrong-shape", flow.span, message).help("remove the flow, or the link"));
        }
    }
}

impl Link {
    fn flow<'t>(&self, catch: &Link) -> Flow<'t> {
        Flow {
            span: self.name.span,
            from: self.node.clone(),
            to: catch.node.clone(),
            when: None,
            otherwise: false,
            outcomes: Vec::new(),
            title: None,
            is_link: true,
        }
    }
}

//! Starts by the clock: the rule, the zone or calendar it goes by, and what happens to occurrences that were missed.

use super::Compiler;
use crate::load::bind::zone;
use crate::load::cursor::{self, Spanned};
use crate::load::problem::Problem;
use crate::load::process::draft::StartBy;
use crate::load::read::Node;
use crate::model::schedule::{CatchUp, Schedule};
use crate::model::{Calendar, Name};

impl<'a> Compiler<'a> {
    /// `schedule: R/PT24H` or `schedule: 0 9 * * mon-fri`, with `zone` or `calendar`, and `catch_up`.
    pub(super) fn schedule(&mut self, by: &StartBy<'a>) -> Option<Schedule> {
        let StartBy::Schedule { rule, catch_up, zone, calendar: named } = by else { return None };
        let calendar = self.calendar_of(zone.as_ref(), named.as_ref());
        let catch_up = self.catch_up(*catch_up);
        let text = &cursor::scalar(rule, "a schedule such as `R/PT24H`", self.cx.problems)?.text;
        match Schedule::parse(text, calendar) {
            Ok(schedule) => {
                let schedule = Schedule { working: named.is_some(), catch_up, ..schedule };
                if !schedule.comes() {
                    let problem = Problem::error("never-comes", rule.span, format!("`{text}` never comes"));
                    let help = match named {
                        Some(named) => format!("days that `{}` does not work are left out", named.value),
                        None => "no month has that day".to_owned(),
                    };
                    self.cx.problems.push(problem.help(help));
                }
                Some(schedule)
            }
            Err(wrong) => {
                let message = format!("expected {}, found {}", wrong.expected, wrong.found);
                self.cx.problems.push(Problem::error("wrong-type", rule.span, message).maybe_help(wrong.help));
                None
            }
        }
    }

    /// What the rule is read by: the zone or calendar that it names, else the calendar of the process or library.
    fn calendar_of(&self, written: Option<&Spanned<String>>, named: Option<&Spanned<Name>>) -> Calendar {
        if let (Some(zone), Some(_)) = (written, named) {
            let message = "a schedule goes by a `zone` or by a `calendar`, not by both";
            let problem = Problem::error("conflicting-keys", zone.span, message);
            self.cx.problems.push(problem.help("a calendar has its own zone"));
        }
        if let Some(named) = named {
            self.cx.words.calendar(named);
        }
        let library = self.cx.words.library;
        let own = || self.process.calendar.as_ref().map(|calendar| &calendar.value).or(library.calendar.as_ref());
        let name = named.map(|named| &named.value).or_else(own);
        let calendar = name.and_then(|name| library.calendars.get(name)).cloned().unwrap_or_default();
        let zone = written.and_then(|name| zone(name, self.cx.problems));
        Calendar { zone: zone.unwrap_or(calendar.zone), ..calendar }
    }

    /// `all`, `one` or `none` of what was missed.
    pub(super) fn catch_up(&self, written: Option<&Node>) -> CatchUp {
        match written.map(|node| (node, node.word())) {
            None | Some((_, Some("one"))) => CatchUp::One,
            Some((_, Some("all"))) => CatchUp::All,
            Some((_, Some("none"))) => CatchUp::Skip,
            Some((node, _)) => {
                self.cx.problems.error("wrong-type", node.span, "expected one of `all`, `one` and `none`");
                CatchUp::One
            }
        }
    }
}

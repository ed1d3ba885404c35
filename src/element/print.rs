//! `print`: renders a document's template for a record and keeps it as a `document` record.

use super::definition::VarRef;
use super::room::{Effect, Fault, Move, Room, View};
use crate::entity::Wish;
use crate::model::expr::{Expr, Template};
use crate::model::{Name, Value};

/// Renders a document.
#[derive(Debug)]
pub struct Print {
    /// The document, as the library names it.
    pub document: Name,
    /// The record it is for.
    pub record: Expr,
    /// The template, typed at load.
    pub template: Template,
    /// The entity that keeps documents, with the columns that take the document's name, its text and the record.
    pub keeps: Keeps,
    /// The variable that takes the reference.
    pub into: Option<VarRef>,
}

/// Where printed documents are kept.
#[derive(Debug)]
pub struct Keeps {
    /// The entity.
    pub entity: Name,
    /// The column for the document's name.
    pub name: Name,
    /// The column for the rendered text.
    pub body: Name,
    /// The column that refers to the record, when there is one for its entity.
    pub record: Option<Name>,
}

impl Room for Print {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let record = view.record(&self.record)?;
        let body = view.with_row(&record, |row| row.fill(&self.template))?;
        let mut set =
            vec![(self.keeps.name.clone(), Value::text(&*self.document)), (self.keeps.body.clone(), Value::text(body))];
        if let Some(column) = &self.keeps.record {
            set.push((column.clone(), Value::Ref(record)));
        }
        let wish = Wish::Create { entity: self.keeps.entity.clone(), id: None, set };
        Ok(Move::then_pass(vec![Effect::Save(wish, self.into)]))
    }
}

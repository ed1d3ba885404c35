//! What expressions are checked against.

use super::library::{Entity, Library, StageTable};
use crate::model::{Name, Schema, Type, Value};

impl Schema for Library {
    fn is_entity(&self, entity: &str) -> bool {
        self.entity(entity).is_some()
    }

    fn is_lookup(&self, entity: &str) -> bool {
        self.is_lookup_entity(entity)
    }

    fn entities(&self) -> Vec<Name> {
        self.entities.keys().cloned().collect()
    }

    fn column(&self, entity: &str, column: &str) -> Option<Type> {
        let entity = self.entity(entity)?;
        let list = || entity.children.iter().find(|child| &*child.name == column);
        let field = entity.field(column).map(|field| field.ty.clone());
        field.or_else(|| list().map(|child| Type::list(Type::reference(&*child.entity))))
    }

    fn columns(&self, entity: &str) -> Vec<Name> {
        let Some(entity) = self.entity(entity) else { return Vec::new() };
        let fields = entity.fields.iter().map(|field| field.name.clone());
        fields.chain(entity.children.iter().map(|child| child.name.clone())).collect()
    }

    fn rows(&self, lookup: &str) -> Vec<Name> {
        let rows = self.entity(lookup).and_then(|entity| entity.rows.as_ref());
        rows.map(|rows| rows.iter().map(|(code, _)| code.clone()).collect()).unwrap_or_default()
    }

    fn has_row(&self, lookup: &str, row: &str) -> bool {
        let rows = self.entity(lookup).and_then(|entity| entity.rows.as_ref());
        rows.is_some_and(|rows| rows.iter().any(|(code, _)| **code == *row))
    }

    fn stages(&self, entity: &str) -> Vec<Name> {
        let values = table(self.entity(entity)).map(|table| &*table.values).unwrap_or_default();
        values.iter().map(|stage| stage.name.clone()).collect()
    }

    fn stage_column(&self, entity: &str, column: &str) -> Option<Type> {
        let table = table(self.entity(entity))?;
        match column {
            "title" => Some(Type::Text),
            "position" => Some(Type::Int),
            "final" | "success" => Some(Type::Bool),
            _ => table.columns.iter().find(|(name, _)| &**name == column).map(|(_, ty)| ty.clone()),
        }
    }

    fn stage_columns(&self, entity: &str) -> Vec<Name> {
        let Some(table) = table(self.entity(entity)) else { return Vec::new() };
        let common = ["title", "position", "final", "success"].map(Name::from);
        common.into_iter().chain(table.columns.iter().map(|(name, _)| name.clone())).collect()
    }

    fn stage_value(&self, entity: &str, stage: &str, column: &str) -> Value {
        let Some(found) = self.stage(entity, stage) else { return Value::NULL };
        match column {
            "title" => Value::text(found.title.get(&self.language())),
            "position" => Value::Number(found.position.into()),
            "final" => Value::Bool(found.ends.is_some()),
            "success" => Value::Bool(found.ends == Some(super::Final::Success)),
            _ => found.columns.get(column).cloned().unwrap_or(Value::NULL),
        }
    }

    fn language(&self) -> &str {
        self.languages.first().map_or("en", |language| language)
    }

    fn setting(&self, name: &str) -> Option<Type> {
        self.settings.get(name).map(|setting| setting.ty.clone())
    }

    fn settings(&self) -> Vec<Name> {
        self.settings.keys().cloned().collect()
    }

    fn currency_entity(&self) -> Option<Name> {
        self.currencies.as_ref().map(|currencies| currencies.entity.clone())
    }
}

fn table(entity: Option<&Entity>) -> Option<&StageTable> {
    entity?.stages.as_ref()
}

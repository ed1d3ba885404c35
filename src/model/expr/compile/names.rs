//! What a bare word means: a local, a column, a root, a member of a group, or a code. Two meanings are a problem.

use super::*;

/// One thing a bare word can mean.
struct Meaning {
    typed: Typed,
    /// What it is, for messages.
    what: String,
    /// How to write it so that nothing else can be meant.
    plainly: Option<String>,
}

impl Compiler<'_> {
    pub(super) fn bare(&mut self, word: &str, hint: Option<&Type>, at: At) -> Typed {
        let mut meanings = self.meanings(word, at);
        if let Some((ty, value)) = hint.and_then(|ty| Some((ty, self.code(word, ty)?))) {
            // What cannot stand here is not meant.
            meanings.retain(|meaning| types::comparable(&meaning.typed.ty, ty));
            let (what, typed) = (format!("the value of {ty}"), constant(value, ty.clone(), at));
            meanings.push(Meaning { typed, what, plainly: Some(format!("\"{word}\"")) });
        }
        if meanings.len() > 1 {
            return self.ambiguous(word, &meanings, at);
        }
        match meanings.pop() {
            Some(meaning) => meaning.typed,
            None => self.unknown(word, hint, at),
        }
    }

    /// Whether the word stands for something without the help of an expected type.
    pub(super) fn is_name(&self, word: &str) -> bool {
        !self.meanings(word, At::default()).is_empty()
    }

    fn meanings(&self, word: &str, at: At) -> Vec<Meaning> {
        let mut found = Vec::new();
        if let (Some((ty, slot)), "?") = (&self.input, word) {
            found.push(meaning(Kind::Slot(*slot), ty.clone(), at, "the input", None));
        }
        self.local_meanings(word, at, &mut found);
        self.row_meanings(word, at, &mut found);
        let only = self.names.row.as_ref().is_some_and(|row| row.only);
        for entry in self.names.entries.iter().filter(|entry| entry.bare && entry.name.as_str() == word) {
            let (what, plainly) = match &entry.group {
                // A variable is no bare name there, but a column that is called as one could be meant as either.
                Some(_) if only && found.is_empty() => continue,
                Some(group) => (format!("`{group}.{word}`"), Some(format!("{group}.{word}"))),
                None => (format!("the name `{word}`"), None),
            };
            found.push(meaning(Kind::Slot(entry.slot), entry.ty.clone(), at, &what, plainly));
        }
        found
    }

    fn local_meanings(&self, word: &str, at: At, found: &mut Vec<Meaning>) {
        let innermost_item = self.locals.iter().rposition(|local| local.name.is_none());
        for (place, local) in self.locals.iter().enumerate() {
            match &local.name {
                Some(name) if name == word => {
                    found.push(meaning(Kind::Local(place), local.ty.clone(), at, "the iteration variable", None));
                }
                None if Some(place) == innermost_item && word == "item" => {
                    found.push(meaning(Kind::Local(place), local.ty.clone(), at, "the item", None));
                }
                None if Some(place) == innermost_item => {
                    let item = Typed { node: Node::new(Kind::Local(place), at), ty: local.ty.clone() };
                    if let Some(typed) = self.step(&item, word, at).filter(|_| types_have_columns(&local.ty)) {
                        let what = format!("the column `{word}` of the item");
                        found.push(Meaning { typed, what, plainly: Some(format!("item.{word}")) });
                    }
                }
                _ => {}
            }
        }
    }

    fn row_meanings(&self, word: &str, at: At, found: &mut Vec<Meaning>) {
        let Some(row) = &self.names.row else { return };
        let ty = Type::reference(&row.entity);
        let in_filter = self.locals.iter().any(|local| local.name.is_none());
        if word == "item" && !in_filter {
            found.push(meaning(Kind::Slot(row.slot), ty.clone(), at, "the record", None));
        }
        let record = Typed { node: Node::new(Kind::Slot(row.slot), at), ty };
        if let Some(typed) = self.step(&record, word, at) {
            // Inside a filter `item` is the filter's: there the record can only be written as `self`.
            let plainly = if in_filter { format!("self.{word}") } else { format!("item.{word}") };
            found.push(Meaning {
                typed,
                what: format!("the column `{word}` of {}", row.entity),
                plainly: Some(plainly),
            });
        }
    }

    fn ambiguous(&mut self, word: &str, meanings: &[Meaning], at: At) -> Typed {
        let what: Vec<&str> = meanings.iter().map(|meaning| meaning.what.as_str()).collect();
        let plainly: Vec<String> =
            meanings.iter().filter_map(|meaning| meaning.plainly.as_ref().map(|text| format!("`{text}`"))).collect();
        let help = (!plainly.is_empty()).then(|| format!("write {}", plainly.join(" or ")));
        let message = format!("expected one meaning of `{word}`, found {}", what.join(" and "));
        self.report(at, "ambiguous_name", message, help)
    }

    fn unknown(&mut self, word: &str, hint: Option<&Type>, at: At) -> Typed {
        let help = if self.problems.len() < MAX_PROBLEMS { self.help_for(word, hint) } else { None };
        let expected = match hint.filter(|ty| self.has_codes(ty)) {
            Some(ty) => format!("a name or {ty}"),
            None => "a name in scope".to_owned(),
        };
        self.report(at, "unknown_name", format!("expected {expected}, found `{word}`"), help)
    }

    /// How the word could have been meant: with a group before it, as a column of `self`, or spelled otherwise.
    fn help_for(&self, word: &str, hint: Option<&Type>) -> Option<String> {
        if let Some(entry) = self.names.entries.iter().find(|entry| entry.name.as_str() == word) {
            let group = entry.group.as_ref()?;
            return Some(format!("write `{group}.{word}`; a bare name is a column of the searched record here"));
        }
        let owner = self.names.entries.iter().find(|entry| {
            entry.group.is_none()
                && matches!(&entry.ty, Type::Ref(of) if !of.is_empty())
                && self.type_of_column(&entry.ty, word)
        });
        if let Some(owner) = owner {
            return Some(format!("a column is written `{}.{word}`", owner.name));
        }
        if self.schema.setting(word).is_some() {
            return Some(format!("a setting is written `settings.{word}`"));
        }
        if let Some(Type::List(of)) = hint
            && self.code(word, of).is_some()
        {
            return Some(format!("write `[{word}]` for a list of one"));
        }
        let columns = self.columns_in_scope();
        let locals = self.locals.iter().filter_map(|local| local.name.as_deref());
        let names = self.names.entries.iter().map(|entry| entry.name.as_str());
        let codes = hint.map_or_else(Vec::new, |ty| self.codes(ty));
        let near = |names: &mut dyn Iterator<Item = &str>| suggest::did_you_mean(word, names);
        let texty = matches!(hint, None | Some(Type::Text | Type::Any));
        near(&mut codes.iter().map(Name::as_str))
            .or_else(|| near(&mut locals.chain(names).chain(columns.iter().map(Name::as_str))))
            .or_else(|| one_of(&codes))
            .or_else(|| texty.then(|| format!("quote a text: \"{word}\"")))
    }

    fn columns_in_scope(&self) -> Vec<Name> {
        let item = self.locals.iter().rev().find(|local| local.name.is_none()).map(|local| local.ty.clone());
        let row = self.names.row.as_ref().map(|row| Type::reference(&row.entity));
        item.iter().chain(&row).flat_map(|ty| self.entries_of(ty)).collect()
    }

    fn type_of_column(&self, ty: &Type, column: &str) -> bool {
        matches!(ty, Type::Ref(entities) if entities.iter().any(|entity| self.schema.column(entity, column).is_some()))
    }

    /// Reports when a new local would hide a name.
    pub(super) fn fresh(&mut self, word: &Word) {
        if self.is_name(&word.text) {
            let help = Some("choose another name".to_owned());
            self.report(
                word.at,
                "ambiguous_name",
                format!("expected a new name, found `{}`, which is in scope already", word.text),
                help,
            );
        }
    }
}

fn meaning(kind: Kind, ty: Type, at: At, what: &str, plainly: Option<String>) -> Meaning {
    Meaning { typed: Typed { node: Node::new(kind, at), ty }, what: what.to_owned(), plainly }
}

/// Whether the columns of such an item are bare names: of records and maps.
fn types_have_columns(ty: &Type) -> bool {
    matches!(ty, Type::Ref(_) | Type::Map(_) | Type::Stage(_))
}

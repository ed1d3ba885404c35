//! The expressions of columns and checks.

use super::library::{is_column, is_known};
use super::names;
use crate::entity::{Check, Field, Library};
use crate::load::cursor::{self, Spanned};
use crate::load::draft::ExprText;
use crate::load::draft::entity::{CheckDraft, EntityDraft, FieldDraft};
use crate::load::problem::{Problem, Problems};
use crate::model::{Expr, Name, Names, Schema, Span, Type};

/// The expressions of one column.
pub(super) struct ColumnExpressions {
    name: Name,
    initial: Option<Expr>,
    again_when: Vec<Vec<Name>>,
    computed: Option<Expr>,
    sequence: Option<Expr>,
    currency: Option<Name>,
}

/// Compiles the expressions of all columns of an entity.
pub(super) fn expressions(draft: &EntityDraft, library: &Library, problems: &Problems) -> Vec<ColumnExpressions> {
    let entity = &draft.name.value;
    let names = names::of_record(entity);
    let bound = draft.fields.iter().filter_map(|field| {
        conflicts(field, problems);
        let ty = library.entity(entity)?.field(&field.decl.name.value)?.ty.clone();
        let compile = |text: &Option<ExprText>, ty: &Type| text.as_ref()?.compile(library, &names, Some(ty), problems);
        Some(ColumnExpressions {
            name: field.decl.name.value.clone(),
            initial: compile(&field.decl.initial, &ty),
            computed: compile(&field.computed, &ty),
            sequence: compile(&field.sequence, &Type::Text),
            again_when: field
                .again_when
                .iter()
                .filter_map(|path| self::path(entity, path, library, problems))
                .collect(),
            currency: field.decl.currency.as_ref().and_then(|text| currency(entity, text, library, problems)),
        })
    });
    bound.collect()
}

/// Puts compiled expressions into their columns.
pub(super) fn put(fields: &mut [Field], columns: Vec<ColumnExpressions>) {
    for column in columns {
        if let Some(field) = fields.iter_mut().find(|field| field.name == column.name) {
            field.initial = column.initial;
            field.again_when = column.again_when;
            field.computed = column.computed;
            field.sequence = column.sequence;
            field.currency = column.currency;
        }
    }
}

/// Reports keys of a column that contradict each other.
fn conflicts(field: &FieldDraft, problems: &Problems) {
    let FieldDraft { decl, computed, live, again_when, sequence } = field;
    let report = |span: Span, message: &str, help: &str| {
        problems.push(Problem::error("conflicting-keys", span, message).help(help));
    };
    if let (Some(_), Some(initial)) = (computed, &decl.initial) {
        let help = "`computed` is never typed over; `initial` may be, with `again_when` it is filled anew";
        report(initial.span, "a computed column has no starting value", help);
    }
    if let (Some(_), Some(sequence)) = (computed.as_ref().or(decl.initial.as_ref()), sequence) {
        report(sequence.span, "a numbered column takes its value from the sequence alone", "keep one of the two");
    }
    if let (Some(path), None) = (again_when.first(), &decl.initial) {
        report(
            path.span,
            "`again_when` fills a column anew with its `initial`, which is missing",
            "add `initial: ...`",
        );
    }
    if let (Some(live), None) = (live, computed) {
        report(live.span, "only a computed column can be live", "add `computed: ...`, or leave `live` out");
    }
    if computed.is_some() && decl.required {
        report(decl.name.span, "a computed column cannot be required", "require what it is computed from");
    }
}

/// The column that holds the currency of an amount.
fn currency(entity: &Name, text: &ExprText, library: &Library, problems: &Problems) -> Option<Name> {
    let name = cursor::valid_name(&text.text, text.span, problems)?;
    let of = library.entity(entity)?;
    if !is_column(of, &name, problems) {
        return None;
    }
    let ty = &of.field(&name.value)?.ty;
    if !matches!(ty, Type::Ref(_) | Type::Text) {
        let message = format!("a currency is a reference to its record, but `{}` is of type {ty}", name.value);
        problems.error("wrong-type", text.span, message);
        return None;
    }
    Some(name.value)
}

/// A path over references, such as `order.currency`; a part that does not exist is reported.
pub(super) fn path(entity: &Name, text: &ExprText, schema: &dyn Schema, problems: &Problems) -> Option<Vec<Name>> {
    let mut path = Vec::new();
    let mut owners = vec![entity.clone()];
    let mut at = 0;
    for part in text.text.split('.') {
        let name = cursor::valid_name(part, text.place(at..at + part.len()), problems)?;
        at += part.len() + 1;
        let types: Vec<Type> = owners.iter().filter_map(|owner| schema.column(owner, &name.value)).collect();
        let all = || owners.iter().flat_map(|owner| schema.columns(owner)).collect();
        if !is_known("unknown-column", "column", &name, !types.is_empty(), all, problems) {
            return None;
        }
        let refs = types.into_iter().filter_map(|ty| if let Type::Ref(entities) = ty { Some(entities) } else { None });
        owners = refs.flat_map(|entities| entities.to_vec()).collect();
        path.push(name.value);
    }
    Some(path)
}

/// What must hold.
pub(super) fn checks(draft: &EntityDraft, library: &Library, problems: &Problems) -> Vec<Check> {
    let names = names::of_record(&draft.name.value);
    draft.checks.iter().filter_map(|check| bind_check(check, library, &names, problems)).collect()
}

fn bind_check(draft: &CheckDraft, library: &Library, names: &Names, problems: &Problems) -> Option<Check> {
    let words = draft
        .words
        .iter()
        .filter_map(|(language, words)| Some((language.clone(), words.compile_template(library, names, problems)?)));
    let words = words.collect();
    Some(Check {
        that: draft.that.compile(library, names, Some(&Type::Bool), problems)?,
        error: draft.error.as_ref().map_or_else(|| Name::new("check_failed"), |error| error.value.clone()),
        text: super::library::text(draft.text.as_ref()),
        words,
    })
}

/// The type of a column that may be set; another is reported.
pub(super) fn settable(entity: &Name, column: &Spanned<Name>, library: &Library, problems: &Problems) -> Option<Type> {
    let of = library.entity(entity)?;
    if !is_column(of, column, problems) {
        return None;
    }
    let field = of.field(&column.value)?;
    if field.computed.is_some() {
        let message = format!("`{}` is computed and cannot be set", column.value);
        problems.error("computed-column", column.span, message);
    }
    Some(field.ty.clone())
}

//! Calls of built-ins: how many arguments, of which types, and the type of the result.

use super::super::builtin::{Gives, Takes};
use super::super::node::Step;
use super::*;

impl Compiler<'_> {
    pub(super) fn call(&mut self, builtin: Builtin, args: &[Ast], hint: Option<&Type>, at: At) -> Typed {
        let (least, most) = builtin.arity();
        if args.len() < least || args.len() > most {
            let message = format!("expected {}, found {} arguments", builtin.signature(), args.len());
            return self.report(at, "wrong_arguments", message, None);
        }
        match builtin {
            Builtin::Not => {
                let of = args.iter().map(|arg| self.must(arg, &Type::Bool).node).next();
                of.map_or_else(
                    || constant(Value::NULL, Type::Bool, at),
                    |of| Typed { node: Node::new(Kind::Not(of), at), ty: Type::Bool },
                )
            }
            Builtin::Changed | Builtin::Previous => self.change(builtin, args, at),
            Builtin::Sort if args.len() == 2 => self.sort_by(args, hint, at),
            _ => self.plain_call(builtin, args, hint, at),
        }
    }

    fn plain_call(&mut self, builtin: Builtin, args: &[Ast], hint: Option<&Type>, at: At) -> Typed {
        let known = self.problems.len();
        let mut typed: Vec<Typed> = Vec::new();
        for (place, arg) in args.iter().enumerate() {
            let hint = self.argument_hint(builtin, place, &typed, hint);
            let given = self.check(arg, hint.as_ref());
            let given = self.argument(builtin, place, given, args.len() == 1);
            typed.push(given);
        }
        if self.problems.len() > known {
            return Typed { node: Node::new(Kind::Broken, at), ty: Type::Any };
        }
        let ty = self.result(builtin, &typed, at);
        let nodes = typed.into_iter().map(|arg| arg.node).collect();
        let typed = Typed { node: Node::new(Kind::Call(builtin, nodes), at), ty };
        if self.problems.len() > known { typed } else { self.fold(typed) }
    }

    /// What a bare word means as this argument.
    fn argument_hint(&self, builtin: Builtin, place: usize, before: &[Typed], hint: Option<&Type>) -> Option<Type> {
        let gives = builtin.def().gives;
        match (builtin.takes(place), before.first()) {
            (Takes::Element, Some(list)) => list.ty.element().cloned(),
            (Takes::Perhaps, Some(first)) if gives == Gives::Common && first.ty != Type::Any => Some(first.ty.clone()),
            (Takes::Perhaps, _) if gives == Gives::Common => hint.cloned(),
            (Takes::List, _) if matches!(gives, Gives::Same | Gives::Common) => hint.cloned(),
            (Takes::Anything | Takes::Amount, Some(first)) if gives == Gives::Element => Some(first.ty.clone()),
            (Takes::Currency, _) => self.schema.currency_entity().map(Type::reference),
            _ => None,
        }
    }

    /// Checks one argument.
    fn argument(&mut self, builtin: Builtin, place: usize, given: Typed, alone: bool) -> Typed {
        use Type::{Any, Date, DateTime, Duration, Int, Money, Number};
        if given.is_broken() {
            return given;
        }
        let takes = builtin.takes(place);
        // Aggregates take a list, or the values one by one.
        let of_list = alone && builtin.is_aggregate();
        let ty = if of_list { given.ty.element().unwrap_or(&given.ty) } else { &given.ty };
        let (fits, expected) = match takes {
            Takes::Anything | Takes::Perhaps | Takes::Element | Takes::Column | Takes::Key => (true, ""),
            Takes::Text => (matches!(ty, Any | Type::Text | Type::Enum(_) | Type::Stage(_)), "text"),
            Takes::Number => (matches!(ty, Any | Int | Number), "a number"),
            Takes::Whole => (matches!(ty, Any | Int) || is_whole(&given), "a whole number"),
            Takes::Amount if of_list || matches!(builtin.def().gives, Gives::Element) => {
                (matches!(ty, Any | Int | Number | Money | Duration), "numbers, amounts or durations")
            }
            Takes::Amount => (matches!(ty, Any | Int | Number | Money), "a number or money"),
            Takes::Bool => (matches!(ty, Any | Type::Bool), "true or false"),
            Takes::Moment => (matches!(ty, Any | Date | DateTime), "a date or an instant"),
            Takes::List => (matches!(ty, Any | Type::List(_)), "a list"),
            Takes::Currency => (matches!(ty, Any | Type::Text | Type::Ref(_)), "a currency"),
            Takes::Map => (matches!(ty, Any | Type::Map(_)), "a context"),
        };
        let nullable = matches!(takes, Takes::Perhaps | Takes::Element);
        if given.node.is_null() && !nullable {
            let message = format!("expected {}, found null", builtin.signature());
            return self.report(given.node.at, "type_mismatch", message, None);
        }
        if fits {
            return given;
        }
        let help = types::mend(ty, &Type::Any);
        let message = format!("expected {expected} in {}, found {}", builtin.signature(), given.ty);
        self.report(given.node.at, "type_mismatch", message, help)
    }

    /// The type of the result.
    fn result(&mut self, builtin: Builtin, args: &[Typed], at: At) -> Type {
        let first = args.first().map_or(Type::Any, |arg| arg.ty.clone());
        match builtin.def().gives {
            Gives::Text => Type::Text,
            Gives::Int => Type::Int,
            Gives::Number => Type::Number,
            Gives::Bool => Type::Bool,
            Gives::Date => self.checked(builtin, args, Type::Date, at),
            Gives::DateTime => self.checked(builtin, args, Type::DateTime, at),
            Gives::Duration => self.checked(builtin, args, Type::Duration, at),
            Gives::Money => Type::Money,
            Gives::Texts => Type::list(Type::Text),
            Gives::Ints => Type::list(Type::Int),
            Gives::Same => self.same(builtin, args, first, at),
            Gives::Common => self.common(&args.iter().collect::<Vec<_>>(), "arguments of one type", at),
            Gives::Element => self.aggregate(builtin, args, first, at),
            Gives::Flat => {
                let mut element = first.element().cloned().unwrap_or(Type::Any);
                while let Type::List(of) = element {
                    element = *of;
                }
                Type::list(element)
            }
            Gives::Rounded if first == Type::Number && args.len() == 1 => Type::Int,
            Gives::Rounded => first,
            Gives::Column => Type::Any,
            Gives::Anything => self.checked(builtin, args, anything(builtin, args), at),
        }
    }

    /// A list with elements put in keeps its type only when they fit.
    fn same(&mut self, builtin: Builtin, args: &[Typed], first: Type, at: At) -> Type {
        let elements = args.iter().enumerate().filter(|(place, _)| builtin.takes(*place) == Takes::Element);
        let Type::List(of) = &first else {
            if builtin == Builtin::Abs
                && !matches!(first, Type::Any | Type::Int | Type::Number | Type::Money | Type::Duration)
            {
                self.mismatch(at, "a number, money or a duration in abs(x)", &first, None);
            }
            return first;
        };
        let list = Typed { node: Node::new(Kind::Broken, at), ty: (**of).clone() };
        let all: Vec<&Typed> = std::iter::once(&list).chain(elements.map(|(_, arg)| arg)).collect();
        if builtin == Builtin::Sort && !types::has_order(of) {
            return self.mismatch(at, "a list whose elements have an order", &first, None).ty;
        }
        Type::list(self.common(&all, "an element of the list's type", at))
    }

    fn aggregate(&mut self, builtin: Builtin, args: &[Typed], first: Type, at: At) -> Type {
        let ty = match (args, &first) {
            ([_], Type::List(of)) => (**of).clone(),
            ([_], _) => first,
            _ => self.common(&args.iter().collect::<Vec<_>>(), "values of one type", at),
        };
        match builtin {
            Builtin::Min | Builtin::Max if !types::has_order(&ty) => {
                let message = format!("values that have an order in {}", builtin.signature());
                self.mismatch(at, &message, &ty, None).ty
            }
            Builtin::Mean | Builtin::Median if ty == Type::Int => Type::Number,
            _ => ty,
        }
    }

    /// The conversions, whose one argument may be of several types.
    fn checked(&mut self, builtin: Builtin, args: &[Typed], ty: Type, at: At) -> Type {
        use Type::{Any, Date, DateTime, Duration, Int, Number, Text};
        let found = |place: usize| args.get(place).map(|arg| &arg.ty);
        let fits = match (builtin, args.len()) {
            (Builtin::Date, 1) => matches!(found(0), Some(Any | Text | Date | DateTime)),
            (Builtin::Date | Builtin::Time, 2..) => matches!(found(0), Some(Any | Int)),
            (Builtin::Time, _) => matches!(found(0), Some(Any | Text | DateTime | Date)),
            (Builtin::DateAndTime, 1) => matches!(found(0), Some(Any | Text | Date | DateTime)),
            (Builtin::DateAndTime, _) => {
                matches!((found(0), found(1)), (Some(Any | Date | DateTime), Some(Any | Text | Duration)))
            }
            (Builtin::WorkingDays | Builtin::WorkingHours, 1) => matches!(found(0), Some(Any | Int | Number)),
            (Builtin::WorkingDays, _) => matches!(found(0), Some(Any | Date | DateTime)),
            (Builtin::WorkingHours, _) => matches!((found(0), found(1)), (Some(Any | DateTime), Some(Any | DateTime))),
            _ => true,
        };
        if fits {
            return ty;
        }
        let types: Vec<String> = args.iter().map(|arg| arg.ty.to_string()).collect();
        let message = format!("expected {}, found ({})", builtin.signature(), types.join(", "));
        self.report(at, "type_mismatch", message, None).ty
    }

    /// `previous(column)`, `changed(column)`: of the record whose change is looked at.
    fn change(&mut self, builtin: Builtin, args: &[Ast], at: At) -> Typed {
        let Some((entity, slot)) = self.names.changing.clone() else {
            let message = format!("expected an event of a record for {}, found none here", builtin.signature());
            let help = "ask for it where the event is looked at, in its `when`, or keep it by its `take`";
            return self.report(at, "no_change", message, Some(help.to_owned()));
        };
        let word = match args.first().map(|arg| (&arg.kind, arg.at)) {
            Some((Written::Name(name), at)) => Word { text: name.clone(), at },
            Some((Written::Path(of, word), _)) if matches!(&of.kind, Written::Name(name) if self.is_changing(name, slot)) => {
                word.clone()
            }
            _ => {
                let message = format!("expected the name of a column of {entity}, found an expression");
                return self.report(at, "wrong_arguments", message, None);
            }
        };
        let Some(ty) = self.schema.column(&entity, &word.text) else {
            let known = self.schema.columns(&entity);
            let help = suggest::did_you_mean(&word.text, known.iter().map(Name::as_str));
            return self.report(
                word.at,
                "unknown_column",
                format!("expected a column of {entity}, found `{}`", word.text),
                help,
            );
        };
        let step = Box::new(Step { column: Name::new(&word.text), of: vec![entity], partial: false, base: word.at });
        match builtin {
            Builtin::Previous => Typed { node: Node::new(Kind::Previous(slot, step), at), ty },
            _ => Typed { node: Node::new(Kind::Changed(slot, step), at), ty: Type::Bool },
        }
    }

    fn is_changing(&self, name: &str, slot: Slot) -> bool {
        let row = self.names.row.as_ref().is_some_and(|row| name == "item" && row.slot == slot);
        let changing = self.names.changing.as_ref().map(|(entity, _)| Type::reference(entity));
        row || self.names.entries.iter().any(|entry| {
            entry.group.is_none()
                && entry.name.as_str() == name
                && (entry.slot == slot || Some(&entry.ty) == changing.as_ref())
        })
    }

    /// `sort(list, key)`: by an expression over each `item`.
    fn sort_by(&mut self, args: &[Ast], hint: Option<&Type>, at: At) -> Typed {
        let [source, key] = args else {
            return self.report(at, "wrong_arguments", format!("expected {}", Builtin::Sort.signature()), None);
        };
        let source = self.must_list(source, hint);
        let element = source.ty.element().cloned().unwrap_or(Type::Any);
        let (key, local) =
            self.with_local(Local { name: None, ty: element }, |this, local| (this.check(key, None), local));
        if !types::has_order(&key.ty) {
            return self.mismatch(key.node.at, "a key that has an order", &key.ty, None);
        }
        let kind = Kind::SortBy { source: source.node, local, key: key.node };
        Typed { node: Node::new(kind, at), ty: source.ty }
    }
}

fn is_whole(given: &Typed) -> bool {
    given.node.constant().is_some_and(|value| types::admits(&Type::Int, value))
}

/// The result of the built-ins that depend on how many arguments there are.
fn anything(builtin: Builtin, args: &[Typed]) -> Type {
    match (builtin, args.len()) {
        (Builtin::WorkingDays | Builtin::WorkingHours, 1) => Type::Duration,
        (Builtin::WorkingDays, _) => Type::Int,
        (Builtin::WorkingHours, _) => Type::Number,
        _ => Type::Any,
    }
}

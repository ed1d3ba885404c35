//! An opened database file: who acts, how ids are typed, how values are read.

use std::path::Path;
use std::sync::Arc;

use stageflow::engine::{Event, IncidentInfo, Session};
use stageflow::entity::{Library, Query};
use stageflow::instance::{Id, InstanceRow, TaskRow};
use stageflow::load::{Problems, did_you_mean, literal::Literals, read};
use stageflow::model::{Name, Ref, Schema, Type, Value};
use stageflow::store::{InstanceFilter, SqliteStore, TaskFilter};
use stageflow::{Engine, Error};

use crate::args::{Common, Format};
use crate::print::{self, Done};

/// How many rows a short id is looked for in, at most.
const SEARCHED: usize = 1_000_000;

/// Most names that an error lists.
const SHOWN: usize = 20;

/// An opened file.
pub struct Db {
    pub engine: Engine,
    pub format: Format,
    pub lang: String,
    actor: Option<String>,
}

/// Why a command failed: a short code, and what happened and what to do.
#[derive(Debug)]
pub struct Failed {
    pub code: String,
    pub text: String,
}

impl Failed {
    pub fn new(code: &str, text: String) -> Self {
        Self { code: code.to_string(), text }
    }

    /// A command that was typed wrongly.
    pub fn usage(text: String) -> Self {
        Self::new("usage", text)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::new(error.code(), error.to_string().trim_end().to_string())
    }
}

impl From<stageflow::store::StoreError> for Failed {
    fn from(error: stageflow::store::StoreError) -> Self {
        Error::from(error).into()
    }
}

/// The file that the command is about.
pub fn file(common: &Common) -> Result<&Path, Failed> {
    common.db.as_deref().ok_or_else(|| {
        Failed::usage("expected a database file; name it with `--db FILE`, or in the variable STAGEFLOW_DB".into())
    })
}

/// Opens the file; what is wrong with it is said with its name.
pub fn store(file: &Path) -> Result<SqliteStore, Failed> {
    SqliteStore::open(file).map_err(|error| {
        let failed = Failed::from(error);
        let named = failed.text.contains(&*file.to_string_lossy());
        if named { failed } else { Failed::new(&failed.code, format!("{}: {}", file.display(), failed.text)) }
    })
}

impl Db {
    /// Opens the file, which must be there: a mistyped name makes no new one.
    pub fn open(common: &Common) -> Result<Self, Failed> {
        let file = file(common)?;
        if !file.exists() {
            let help = format!("make it with `stageflow --db {} deploy LIBRARY`", file.display());
            return Err(Failed::new("unknown", format!("there is no file {}; {help}", file.display())));
        }
        let built = Engine::builder().store(store(file)?).remote_services().build();
        let engine = match built {
            Ok(engine) if !engine.catalog().library.entities.is_empty() => engine,
            Ok(_) | Err(Error::Build(_)) => {
                let help = format!("use `stageflow --db {} deploy LIBRARY`", file.display());
                return Err(Failed::new("unknown", format!("nothing was deployed in {}; {help}", file.display())));
            }
            Err(error) => return Err(error.into()),
        };
        let mut db = Self { engine, format: common.format, lang: common.lang.clone(), actor: None };
        if let Some(user) = &common.actor {
            db.actor = Some(db.record(user, &[Name::new("user")])?.id.to_string());
        }
        Ok(db)
    }

    /// Who acts.
    pub fn session(&self) -> Session<'_> {
        self.actor.as_deref().map_or_else(|| self.engine.system(), |user| self.engine.user(user))
    }

    pub fn library(&self) -> Arc<Library> {
        self.engine.catalog().library.clone()
    }

    /// Does something, works off what follows from it, and says what happened.
    pub fn telling(&self, work: impl FnOnce() -> Result<Done, Failed>) -> Result<(), Failed> {
        let told = self.engine.subscribe(|event| {
            matches!(
                event,
                Event::Transition(_)
                    | Event::Incident { .. }
                    | Event::Task { .. }
                    | Event::Notice { .. }
                    | Event::Ended { .. }
            )
        });
        let done = work()?;
        self.engine.settle()?;
        let mut events = Vec::new();
        while let Some(happening) = told.try_next() {
            events.push(happening);
        }
        print::done(self, &done, &events);
        Ok(())
    }

    /// The open task of a step, when there is only one, or of an id.
    pub fn task(&self, text: &str) -> Result<TaskRow, Failed> {
        let open = self.engine.tasks(&TaskFilter { limit: Some(SEARCHED), ..TaskFilter::default() })?;
        let title = |task: &TaskRow| format!("\"{}\"", task.title.get(&self.lang));
        one("an open task", text, &open, |task| (task.id.to_string(), vec![task.step.to_string()]), title)
    }

    pub fn instance(&self, text: &str) -> Result<InstanceRow, Failed> {
        let rows = self.engine.instances(&InstanceFilter { limit: Some(SEARCHED), ..InstanceFilter::default() })?;
        // A process's name means the run that goes on.
        let running: Vec<InstanceRow> =
            rows.iter().filter(|row| !row.status.is_over() && &*row.process == text).cloned().collect();
        let among = if running.is_empty() { &rows } else { &running };
        let about = |row: &InstanceRow| {
            row.record.as_ref().map_or(String::new(), |about| format!("for {}", print::record(about)))
        };
        one("an instance", text, among, |row| (row.id.to_string(), vec![row.process.to_string()]), about)
    }

    pub fn incident(&self, text: &str) -> Result<IncidentInfo, Failed> {
        let open = self.engine.incidents()?;
        let about = |open: &IncidentInfo| {
            open.record.as_ref().map_or(String::new(), |about| format!("for {}", print::record(about)))
        };
        let of = |open: &IncidentInfo| (open.id.to_string(), vec![open.code.to_string(), open.step.to_string()]);
        one("an open incident", text, &open, of, about)
    }

    /// A record: `entity/id`, or the id alone where it is clear which is meant.
    pub fn record(&self, text: &str, of: &[Name]) -> Result<Ref, Failed> {
        let library = self.library();
        let (entities, id) = match text.split_once('/') {
            Some((entity, id)) => (vec![Name::new(entity)], id),
            None if of.is_empty() => (library.entities.keys().cloned().collect(), text),
            None => (of.to_vec(), text),
        };
        if let Some(lost) = entities.iter().find(|entity| !library.entities.contains_key(*entity)) {
            return Err(self.no_entity(lost));
        }
        let stored = entities.iter().filter(|entity| !library.is_lookup(entity));
        let mut known = Vec::new();
        for entity in stored {
            if self.engine.record(&Ref::new(&**entity, id))?.is_some() {
                known.push(Ref::new(&**entity, id));
            }
        }
        if known.is_empty() && is_short(id) {
            for entity in entities.iter().filter(|entity| !library.is_lookup(entity)) {
                let all = Query { limit: Some(SEARCHED), ..Query::all(entity.clone()) };
                let fits = |id_of: &str| short_fits(id_of, id);
                known.extend(
                    self.engine.records(&all)?.iter().map(|found| found.reference()).filter(|found| fits(&found.id)),
                );
            }
        }
        match known.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(self.no_record(id, &entities)?),
            several => {
                let all: Vec<String> = several.iter().map(|found| format!("{}/{}", found.entity, found.id)).collect();
                Err(Failed::new("ambiguous", format!("`{text}` could be {}; write one of them", all.join(", "))))
            }
        }
    }

    pub fn no_entity(&self, name: &str) -> Failed {
        let library = self.library();
        let stored = library.entities.keys().filter(|entity| !library.is_lookup(entity));
        let lookups = library.entities.keys().filter(|entity| library.is_lookup(entity));
        no("entity", name, stored.chain(lookups))
    }

    /// A record that is not there, with the id of one that is and is nearly called so.
    fn no_record(&self, id: &str, entities: &[Name]) -> Result<Failed, Failed> {
        let mut known = Vec::new();
        for entity in entities.iter().filter(|entity| !self.library().is_lookup(entity)) {
            let all = Query { limit: Some(SEARCHED), ..Query::all(entity.clone()) };
            known.extend(self.engine.records(&all)?.into_iter().map(|found| found.reference().id.to_string()));
        }
        let near = did_you_mean(id, known.iter().map(|id| &**id));
        let help = near.unwrap_or_else(|| match entities {
            [entity] => format!("`stageflow records {entity}` lists them"),
            _ => "`stageflow records ENTITY` lists them".into(),
        });
        let names: Vec<&str> = entities.iter().map(|name| &**name).collect();
        let of = if names.len() > 4 { "any entity".to_string() } else { names.join(" or ") };
        Ok(Failed::new("unknown", format!("there is no record `{id}` of {of}; {help}")))
    }

    /// The columns of an entity that may be written.
    pub fn columns(&self, entity: &str) -> Result<Vec<(Name, Type)>, Failed> {
        let library = self.library();
        let found = library.entity(entity).ok_or_else(|| self.no_entity(entity))?;
        Ok(found.fields.iter().map(|field| (field.name.clone(), field.ty.clone())).collect())
    }

    /// `name=value` for each of these, read by the declared types.
    pub fn values(&self, what: &str, given: &[String], types: &[(Name, Type)]) -> Result<Vec<(Name, Value)>, Failed> {
        given.iter().map(|text| self.named(what, text, types)).collect()
    }

    fn named(&self, what: &str, text: &str, types: &[(Name, Type)]) -> Result<(Name, Value), Failed> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failed::usage(format!("expected `name=value`, found `{text}`")));
        };
        let Some((name, ty)) = types.iter().find(|(known, _)| **known == *name) else {
            let own = format!("self.{name}");
            let own = types.iter().any(|(known, _)| **known == *own).then(|| format!("did you mean `{own}`?"));
            let near = own.or_else(|| did_you_mean(name, types.iter().map(|(known, _)| &**known)));
            let all: Vec<&str> = types.iter().map(|(known, _)| &**known).collect();
            let help = near.unwrap_or_else(|| {
                if all.is_empty() { "it takes nothing".into() } else { format!("it has {}", all.join(", ")) }
            });
            return Err(Failed::new("unknown", format!("{what} has no `{name}`; {help}")));
        };
        let value =
            self.value(value, ty).map_err(|error| Failed::new(&error.code, format!("{name}: {}", error.text)))?;
        Ok((name.clone(), value))
    }

    /// A value as typed, read by its type.
    pub fn value(&self, text: &str, ty: &Type) -> Result<Value, Failed> {
        if text.is_empty() || text == "null" {
            return Ok(Value::NULL);
        }
        match ty {
            Type::Ref(entities) => {
                let library = self.library();
                let lookup = entities.iter().find(|entity| library.has_row(entity, text));
                match (lookup, &**entities) {
                    (Some(lookup), _) => Ok(Value::Ref(Ref::new(&**lookup, text))),
                    (None, [only]) if library.is_lookup(only) => {
                        let rows = library.rows(only);
                        let near = did_you_mean(text, rows.iter().map(|row| &**row));
                        let all = || format!("it has {}", rows.iter().map(|row| &**row).collect::<Vec<_>>().join(", "));
                        let text = format!("{only} has no row `{text}`; {}", near.unwrap_or_else(all));
                        Err(Failed::new("unknown", text))
                    }
                    (None, _) => self.record(text, entities).map(Value::Ref),
                }
            }
            Type::List(_) | Type::Map(_) | Type::Enum(_) | Type::Stage(_) => self.literal(text, ty),
            _ => Value::from_text(ty, text).map_err(|wrong| {
                let help = wrong.help.map_or(String::new(), |help| format!("; {help}"));
                Failed::new("wrong-type", format!("expected {}, found {}{help}", wrong.expected, wrong.found))
            }),
        }
    }

    /// A value in the notation of definitions.
    fn literal(&self, text: &str, ty: &Type) -> Result<Value, Failed> {
        let (library, problems) = (self.library(), Problems::new());
        let of = match ty {
            Type::List(of) => match &**of {
                Type::Ref(entities) => entities.to_vec(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let alias = |word: &str| if of.is_empty() { None } else { self.record(word, &of).ok() };
        let tree = read(0, text, &problems);
        let schema: &dyn Schema = &*library;
        let literals = Literals { schema, alias: &alias, problems: &problems };
        let value = tree.and_then(|tree| literals.value(&tree.root, ty));
        match value {
            Some(value) if !problems.has_errors() => Ok(value),
            _ => {
                let told = problems.into_sorted().into_iter().map(|problem| match &problem.help {
                    Some(help) => format!("{}; {help}", problem.message),
                    None => problem.message,
                });
                Err(Failed::new("wrong-type", told.collect::<Vec<_>>().join("; ")))
            }
        }
    }
}

/// What is called otherwise, or not there: the nearest name, else those that there are.
pub fn no<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n Name>) -> Failed {
    let known: Vec<&str> = known.map(|known| &**known).collect();
    let (first, rest) = known.split_at(known.len().min(SHOWN));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let help = match (did_you_mean(name, known.iter().copied()), first.is_empty()) {
        (Some(near), _) => near,
        (None, true) => "there is none".into(),
        (None, false) => format!("there are {}{more}", first.join(", ")),
    };
    Failed::new("unknown", format!("there is no {what} `{name}`; {help}"))
}

/// The last eight digits of an id that nobody chose; another id as it is.
pub fn short(id: &str) -> &str {
    if Id::parse_str(id).is_ok() { id.get(id.len().saturating_sub(8)..).unwrap_or(id) } else { id }
}

fn is_short(text: &str) -> bool {
    text.len() >= 4 && text.chars().all(|digit| digit.is_ascii_hexdigit() || digit == '-')
}

fn short_fits(id: &str, text: &str) -> bool {
    Id::parse_str(id).is_ok() && (id.ends_with(text) || id.starts_with(text))
}

/// The one thing that is meant: by its id, by the end or beginning of it, or by a name that only one has.
/// Where several fit, `told` says what each of them is about.
fn one<T: Clone>(
    what: &str,
    text: &str,
    all: &[T],
    of: impl Fn(&T) -> (String, Vec<String>),
    told: impl Fn(&T) -> String,
) -> Result<T, Failed> {
    let by_name: Vec<&T> = all.iter().filter(|item| of(item).1.iter().any(|name| name == text)).collect();
    let found: Vec<&T> = match by_name.is_empty() {
        false => by_name,
        true => {
            all.iter().filter(|item| of(item).0 == text || is_short(text) && short_fits(&of(item).0, text)).collect()
        }
    };
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => {
            let names: Vec<String> = all
                .iter()
                .take(12)
                .map(|item| {
                    let (id, names) = of(item);
                    format!("{} ({})", names.join("/"), short(&id))
                })
                .collect();
            let known =
                if names.is_empty() { "there is none".to_string() } else { format!("there are {}", names.join(", ")) };
            let called: Vec<String> = all.iter().flat_map(|item| of(item).1).collect();
            let near = did_you_mean(text, called.iter().map(|name| &**name));
            let help = near.map_or(String::new(), |near| format!("{near} "));
            Err(Failed::new("unknown", format!("expected {what}, found none called `{text}`; {help}{known}")))
        }
        several => {
            let ids = several.iter().take(SHOWN).map(|item| format!("{} {}", short(&of(item).0), told(item)));
            let ids: Vec<String> = ids.map(|id| id.trim_end().to_string()).collect();
            Err(Failed::new("ambiguous", format!("`{text}` could be {}; write one of these ids", ids.join(", "))))
        }
    }
}

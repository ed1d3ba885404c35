//! A model as a whole: its processes, and the library that they share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::condition::Dialect;
use super::links::Links;
use super::shape::is_too_large;
use super::words::{Words, snake};
use super::xml::{self, Tag, local};
use super::yaml::Out;
use crate::load::{self, LoadError, Problem, Problems, Sources};

/// Most variables of a process.
const MAX_VARIABLES: usize = 1_000;

/// What a model became.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The library, then each process: named texts, as they are loaded and as they are written to files.
    pub sources: Sources,
    /// What means nothing here, with its place in the model.
    pub warnings: Vec<Problem>,
    /// The model, for the places of the warnings.
    pub model: Arc<Sources>,
}

/// Reads a model of BPMN 2.0 and writes what it says as a library with processes in flat form.
///
/// `name` is the name of the model's file; its stem names the library.
///
/// ```
/// let model = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">
///   <process id="Greeting">
///     <startEvent id="Begin"/><manualTask id="SayHello" name="Say hello"/><endEvent id="End"/>
///     <sequenceFlow id="f1" sourceRef="Begin" targetRef="SayHello"/>
///     <sequenceFlow id="f2" sourceRef="SayHello" targetRef="End"/>
///   </process>
/// </definitions>"#;
/// let imported = stageflow::interchange::import("greeting.bpmn", model)?;
/// let engine = stageflow::Engine::builder().sources(imported.sources).build()?;
/// engine.system().start("greeting").run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// What is no XML, no model, or not run here: every problem with its place.
pub fn import(name: &str, text: &str) -> Result<Imported, LoadError> {
    read(name, text, false)
}

/// As [`import`], where ids that were made by an export are said, and that they were.
pub(super) fn import_with_made(name: &str, text: &str) -> Result<Imported, LoadError> {
    read(name, text, true)
}

fn read(name: &str, text: &str, says_made: bool) -> Result<Imported, LoadError> {
    let mut model = Sources::new();
    let file = model.add(name, text);
    let model = Arc::new(model);
    let problems = Problems::new();
    let mut sources = Sources::new();
    if let Some(source) = model.get(file)
        && let Some(document) = xml::parse(source, file, &problems)
        && !is_too_large(Tag::new(document.root_element(), file, &problems))
    {
        // Which variables there are is known when everything has been read once.
        let nothing = Problems::new();
        let known = Known { says_made, ..Known::default() };
        let first = Import::of(Tag::new(document.root_element(), file, &nothing), known, name).done();
        let root = Tag::new(document.root_element(), file, &problems);
        let (_, files) = Import::of(root, Known { says_made, ..first.0 }, name).done();
        // The library, then the processes in their order.
        let tags = std::iter::once(root).chain(root.all("process"));
        for ((name, file), tag) in files.into_iter().zip(tags) {
            let text = file.write();
            if text.len() > load::read::MAX_BYTES {
                let message =
                    format!("`{name}` would have {} bytes of YAML: more than {}", text.len(), load::read::MAX_BYTES);
                tag.refuse("bpmn-too-large", message, "part it: a call activity runs a process of its own");
            }
            sources.add(name, text);
        }
    }
    let warnings = problems.finish(&model)?;
    Ok(Imported { sources, warnings, model })
}

/// What the first reading found out.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The variables of each process, by its name.
    pub vars: BTreeMap<String, BTreeSet<String>>,
    /// The processes that others call.
    pub called: BTreeSet<String>,
    /// Whether ids that were made by an export are said.
    pub says_made: bool,
    /// What messages bring.
    pub brought: BTreeMap<String, BTreeSet<String>>,
}

/// A declaration of the library: its key and what it says.
type Declared = BTreeMap<String, Out>;

/// A model on its way.
pub(super) struct Import<'x> {
    pub known: Known,
    pub links: Links<'x>,
    pub messages: Declared,
    pub signals: Declared,
    pub errors: Declared,
    pub services: Declared,
    pub roles: Declared,
    pub process: Process,
    /// The processes that others call.
    pub called: BTreeSet<String>,
    /// What calls give to processes and take from them, by the processes' names.
    pub given: BTreeMap<String, BTreeSet<String>>,
    processes: Words,
    stem: String,
    /// The model's file, without its folder.
    file: &'x str,
    root: Tag<'x>,
}

/// The process being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub name: String,
    pub nodes: Words,
    pub words: Words,
    /// Variables that something reads or writes.
    pub vars: BTreeSet<String>,
    /// Names of its own that an activity sees before the variables of the process.
    pub locals: Vec<String>,
    /// Such names that variables of the process have as well: what they are called here.
    pub renamed: BTreeMap<String, String>,
    /// The error codes that are caught somewhere in it.
    pub caught: BTreeSet<String>,
    pub has_tasks: bool,
    /// How many variables activities have been given that say nothing of them.
    pub given: usize,
    /// Whether the activity that is read is done in rounds.
    pub rounds: bool,
    /// What holds the user that started the process, and how it is called in the model.
    pub initiators: BTreeSet<String>,
}

impl<'x> Import<'x> {
    fn of(root: Tag<'x>, known: Known, name: &'x str) -> Self {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let stem = file.split('.').next().unwrap_or(file);
        Self {
            known,
            links: Links::of(root),
            messages: Declared::new(),
            signals: Declared::new(),
            errors: Declared::new(),
            services: Declared::new(),
            roles: Declared::new(),
            process: Process::default(),
            called: BTreeSet::new(),
            given: BTreeMap::new(),
            processes: Words::default(),
            stem: snake(stem, "model"),
            file,
            root,
        }
    }

    fn done(mut self) -> (Known, Vec<(String, Out)>) {
        let root = self.root;
        if !root.is("definitions") {
            let found = root.name();
            root.refuse(
                "bpmn-no-model",
                format!("expected `definitions` of BPMN 2.0, found `{found}`"),
                format!("the namespace is {}", xml::BPMN),
            );
            return (self.known, Vec::new());
        }
        let mut known = Known::default();
        let (mut files, mut drawn) = (Vec::new(), Vec::new());
        let processes: Vec<Tag<'x>> = root.all("process").collect();
        if processes.is_empty() {
            root.refuse("bpmn-no-model", "the model has no process", "draw one, or export the whole collaboration");
        }
        for tag in processes {
            self.shape(tag);
            let own = tag.extensions().find(|tag| tag.is_own("process"));
            let name = own.and_then(|own| own.attr("name")).map(str::to_string);
            let name = name.unwrap_or_else(|| self.process_name(tag.id()));
            self.process = Process { name: name.clone(), ..Process::default() };
            let vars = self.known.vars.get(&name).map_or(0, BTreeSet::len);
            if vars > MAX_VARIABLES {
                let message = format!("expected at most {MAX_VARIABLES} variables of a process, found {vars}");
                tag.refuse("bpmn-too-large", message, "part it: a call activity runs a process of its own");
                self.known.vars.remove(&name);
            }
            let file = self.process(tag);
            known.vars.insert(name.clone(), std::mem::take(&mut self.process.vars));
            let path = own.and_then(own_file).unwrap_or_else(|| format!("{name}.yaml"));
            if own.is_none() {
                drawn.push(Out::text(&*path));
            }
            files.push((path, file));
        }
        self.other_roots(root);
        self.vendors(root);
        for (process, names) in std::mem::take(&mut self.given) {
            known.vars.entry(process).or_default().extend(names);
        }
        known.called = std::mem::take(&mut self.called);
        known.brought = self.messages.iter().map(|(name, says)| (name.clone(), says.keys_of("with"))).collect();
        let made = (format!("{}.library.yaml", self.stem), self.library(&files));
        let (path, mut library) = match self.own_library() {
            Some((path, own)) => (path, with_more(own, &made.1, drawn)),
            None => made,
        };
        library.put("bpmn", Out::text(self.file));
        files.insert(0, (path, library));
        (known, files)
    }

    /// The name of a process of this model, or of one that it calls.
    pub fn process_name(&mut self, id: &str) -> String {
        self.processes.name(local(id), "process")
    }

    /// What stands beside the processes: all of it is known, or refused.
    fn other_roots(&self, root: Tag<'x>) {
        for tag in root.children().filter(Tag::is_bpmn) {
            match tag.name() {
                "process"
                | "collaboration"
                | "message"
                | "signal"
                | "error"
                | "escalation"
                | "itemDefinition"
                | "import"
                | "extension"
                | "extensionElements"
                | "documentation"
                | "relationship"
                | "dataStore"
                | "category"
                | "resource"
                | "interface"
                | "endPoint"
                | "correlationProperty" => {}
                name if name.ends_with("EventDefinition") => {}
                _ => super::scope::not_run(tag),
            }
        }
    }

    /// The library that this crate wrote into the model.
    fn own_library(&self) -> Option<(String, Out)> {
        let extensions = self.root.all("process").flat_map(|process| process.extensions());
        let own = extensions.into_iter().find(|tag| tag.is_own("library"))?;
        Some((own_file(own)?, own.own_yaml()?))
    }

    fn library(&self, files: &[(String, Out)]) -> Out {
        let mut library = Out::of([("library", Out::text(&*self.stem))]);
        if let Some(name) = self.root.attr("name") {
            library.put("title", title(name));
        }
        if !self.roles.is_empty() {
            let user =
                Out::of([("fields", Out::of([("name", Out::text("text")), ("roles", Out::text("list(text)"))]))]);
            library.put("entities", Out::of([("user", user)]));
        }
        for (key, declared) in [
            ("roles", &self.roles),
            ("messages", &self.messages),
            ("signals", &self.signals),
            ("errors", &self.errors),
            ("services", &self.services),
        ] {
            if !declared.is_empty() {
                library.put(key, Out::of(declared.iter().map(|(name, what)| (name.clone(), what.clone()))));
            }
        }
        library.put("processes", Out::words(files.iter().map(|(name, _)| name.clone())));
        library
    }

    /// The variables of the process that is read.
    pub fn all_vars(&self) -> BTreeSet<String> {
        self.known.vars.get(&self.process.name).cloned().unwrap_or_default()
    }

    /// What a word of an expression stands for: a variable of the process, of a round or an activity, or who started it.
    pub fn word(&mut self, word: &str, dialect: Dialect) -> String {
        if self.process.initiators.contains(word) {
            return "instance.initiator".to_string();
        }
        if self.process.rounds
            && let Some(counter) = counter(word, dialect)
        {
            return counter.to_string();
        }
        let name = self.variable(word);
        self.process.renamed.get(&name).cloned().unwrap_or(name)
    }

    /// A name of its own that an activity sees: another one where the process has a variable of this name.
    pub fn local(&mut self, activity: Tag<'x>, name: &str) -> String {
        let name = snake(name, "value");
        let mut local = name.clone();
        if self.all_vars().contains(&name) {
            local = snake(&format!("{}_{name}", self.node_name(activity.id())), "value");
            self.process.renamed.insert(name, local.clone());
        }
        self.process.locals.push(local.clone());
        local
    }

    /// Inputs of an activity that no service gets: names of its own. What only hands on a variable is left out.
    pub fn own_inputs(&mut self, activity: Tag<'x>) -> Vec<(String, String)> {
        let inputs = self.inputs(activity);
        let more = inputs.into_iter().filter(|(name, value)| name != value || !self.all_vars().contains(name));
        let more: Vec<(String, String)> = more.collect();
        more.into_iter().map(|(name, value)| (self.local(activity, &name), value)).collect()
    }

    /// The name of a variable here.
    pub fn variable(&mut self, name: &str) -> String {
        let name = self.process.words.name(name, "value");
        if !self.process.locals.contains(&name) {
            self.process.vars.insert(name.clone());
        }
        name
    }

    /// Declares a service, with everything that its callers give and take.
    pub fn service(&mut self, name: &str, gives: &BTreeSet<String>, takes: &BTreeSet<String>) -> String {
        let name = snake(name, "service");
        let any = |names: &BTreeSet<String>| Out::of(names.iter().map(|name| (name.clone(), Out::text("any"))));
        let raises = Out::words(self.process.caught.iter().cloned());
        let declared = self.services.entry(name.clone()).or_insert_with(Out::map);
        for (key, names) in [("with", any(gives)), ("returns", any(takes))] {
            if !names.is_empty() {
                let mut all = declared.get(key).cloned().unwrap_or_else(Out::map);
                all.extend(names);
                declared.put(key, all);
            }
        }
        if !raises.is_empty() {
            declared.put("raises", raises);
        }
        name
    }

    pub fn role(&mut self, name: &str) -> String {
        let role = snake(name, "role");
        let declared = self.roles.entry(role.clone()).or_insert_with(Out::map);
        if *name != *role {
            declared.put("title", title(name));
        }
        role
    }
}

/// What engines call the counters of rounds.
fn counter(word: &str, dialect: Dialect) -> Option<&'static str> {
    Some(match word {
        "nrOfInstances" | "numberOfInstances" => "loop.instances",
        "nrOfCompletedInstances" | "numberOfCompletedInstances" => "loop.completed",
        "nrOfActiveInstances" | "numberOfActiveInstances" => "loop.active",
        // Where `${…}` is written, the first round is 0.
        "loopCounter" if dialect == Dialect::Java => "(loop.counter - 1)",
        "loopCounter" => "loop.counter",
        _ => return None,
    })
}

/// The library that was kept in the model, with what a modeler has added since: declarations, and the files of processes.
fn with_more(mut own: Out, made: &Out, drawn: Vec<Out>) -> Out {
    for key in ["entities", "roles", "messages", "signals", "errors", "services"] {
        let known = own.keys_of(key);
        let more = made.get(key).into_iter().flat_map(Out::entries).filter(|(name, _)| !known.contains(name));
        let more: Vec<(String, Out)> = more.collect();
        if !more.is_empty() {
            let mut all = own.get(key).cloned().unwrap_or_else(Out::map);
            all.extend(Out::of(more));
            own.put(key, all);
        }
    }
    let is_listed = |file: &Out| own.items("processes").iter().any(|known| known == file || known.is_glob());
    let more: Vec<Out> = drawn.into_iter().filter(|file| !is_listed(file)).collect();
    if !more.is_empty() && matches!(own.get("processes"), None | Some(Out::List(_))) {
        own.put("processes", Out::List(own.items("processes").iter().cloned().chain(more).collect()));
    }
    own
}

/// The file that something of our own came from: one below the folder that it is written to, and no other.
fn own_file(own: Tag<'_>) -> Option<String> {
    let file = own.attr("file")?;
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    if file.split('/').all(is_plain) && !file.contains(['\\', ':', '\0']) {
        return Some(file.to_string());
    }
    own.refuse(
        "bpmn-broken",
        format!("`{file}` is no name of a file below a folder"),
        "write it as `folder/file.yaml`",
    );
    None
}

/// A title: braces are no values.
pub(super) fn title(text: &str) -> Out {
    let words: Vec<&str> = text.split_whitespace().collect();
    Out::text(words.join(" ").replace('{', "{{").replace('}', "}}"))
}

//! A file or a folder into named texts: patterns, links and limits.
//!
//! [`read`] takes a library's file with the processes and templates that it names, or a folder. Links that lead out of
//! the folder are refused, sizes are looked at before reading, and the order is that of the names. Of what is in the
//! texts this module looks at names of files only: `load` reads them.

mod folder;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::load::cursor::list_or_one;
use crate::load::read::{Node, Tree};
use crate::load::{Kind, LoadError, Problem, Problems, Sources, did_you_mean, kind, pattern, read as read_yaml};
use crate::model::Span;

use folder::Folder;

/// What may be read at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files that are read.
    pub files: usize,
    /// Entries of folders that are looked at.
    pub entries: usize,
    /// Folders in folders.
    pub depth: usize,
    /// Bytes of all files together.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 1_000, entries: 20_000, depth: 16, bytes: 32 * 1024 * 1024 }
    }
}

/// The texts of a path, for [`load::library`](crate::load::library()).
///
/// - Of a library's file: itself, the files that its `processes:` and `decisions:` name and the templates of its documents.
/// - Of a folder with one library in it: the same; where the library names no processes, every `.yaml` and `.yml`
///   below. Of another folder: every definition below.
/// - Of a process's file: the library in its folder, or in one of those above, that names it, with all that it names; else the
///   file alone.
///
/// Names are relative to the folder, with `/` between their parts; problems show them as the path was given.
///
/// # Errors
/// What cannot be read, with its place: a file that is missing, too large or not UTF-8, a link out of the folder, a
/// pattern that fits no file.
pub fn read(path: &Path) -> Result<Sources, LoadError> {
    read_within(path, &Limits::default())
}

/// As [`read`], with other limits.
///
/// # Errors
/// As [`read`].
pub fn read_within(path: &Path, limits: &Limits) -> Result<Sources, LoadError> {
    if !path.is_dir() {
        return Reader::of_file(path, limits, false).finish();
    }
    let mut reader = Reader::of(path, limits);
    reader.add_folder();
    reader.finish()
}

/// As [`read`], to be judged and not deployed: a process that no library names comes with the one library of its folder,
/// beside which it could be deployed.
///
/// # Errors
/// As [`read`].
pub fn read_beside(path: &Path) -> Result<Sources, LoadError> {
    if path.is_dir() {
        return read(path);
    }
    Reader::of_file(path, &Limits::default(), true).finish()
}

/// The text of one file alone.
///
/// # Errors
/// As [`read`].
pub fn read_one(path: &Path) -> Result<Sources, LoadError> {
    let mut reader = Reader::of(path, &Limits::default());
    reader.add(&file_name(path), None);
    reader.finish()
}

/// Every definition at or below a path with its kind, in the order of their names; what is no definition is left out. One that
/// is broken counts by its first line.
///
/// # Errors
/// What cannot be read. What is wrong inside the files is for [`read`] and `load` to say.
pub fn find(path: &Path) -> Result<Vec<(PathBuf, Kind)>, LoadError> {
    let (found, unreadable) = find_readable(path);
    unreadable.map_or(Ok(found), Err)
}

/// As [`find`], with what cannot be read beside it.
pub fn find_readable(path: &Path) -> (Vec<(PathBuf, Kind)>, Option<LoadError>) {
    let mut reader = Reader::of(path, &Limits::default());
    let root = if path.is_dir() { path.to_path_buf() } else { parent(path) };
    let names = if path.is_dir() { reader.folder.names(&reader.problems) } else { vec![file_name(path)] };
    let mut found = Vec::new();
    for name in names {
        let Some(file) = reader.add(&name, None) else { continue };
        let kind = match reader.tree(file) {
            Some(tree) => kind(&tree, &Problems::new()),
            None => reader.sources.get(file).and_then(|source| kind_of_line(&source.text)),
        };
        found.extend(kind.map(|kind| (root.join(&name), kind)));
    }
    (found, reader.finish().err())
}

/// The kind that the first line of a broken file begins to say.
fn kind_of_line(text: &str) -> Option<Kind> {
    let first = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let (word, _) = first.split_once(':')?;
    let tree = read_yaml(0, &format!("{word}: x\n"), &Problems::new())?;
    kind(&tree, &Problems::new())
}

/// The files that a library names.
fn named(tree: &Tree) -> impl Iterator<Item = &Node> {
    ["processes", "decisions"].into_iter().filter_map(|key| tree.root.get(key)).flat_map(list_or_one)
}

/// Of the folders above a file's own the nearest with a library that names it, and the file's name below there.
fn home(path: &Path, limits: &Limits) -> Option<(PathBuf, String)> {
    let (mut root, mut name) = (parent(path), file_name(path));
    let mut real = root.canonicalize().ok()?;
    for _ in 0..MAX_ABOVE {
        name = format!("{}/{name}", real.file_name()?.to_string_lossy());
        real = real.parent()?.to_path_buf();
        root = match root.file_name() {
            Some(_) => parent(&root),
            None => root.join(".."),
        };
        let reader = Reader::in_folder(&root, limits);
        let beside = std::fs::read_dir(&root).ok()?.take(limits.entries).filter_map(Result::ok);
        let yaml = |file: &PathBuf| file.extension().is_some_and(|end| end == "yaml" || end == "yml");
        let mut files = beside.map(|entry| entry.path()).filter(yaml).map(|file| file_name(&file));
        if files.any(|file| reader.is_library_of(&file, &name)) {
            return Some((root, name));
        }
    }
    None
}

/// How many folders above a process's own are looked at for its library.
const MAX_ABOVE: usize = 3;

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// What is shown before a name: nothing for the folder one is in.
fn prefix(root: &Path) -> String {
    let shown = root.to_string_lossy();
    match shown.trim_end_matches('/') {
        "." => String::new(),
        "" => "/".to_owned(),
        shown => format!("{}/", shown.trim_start_matches("./")),
    }
}

#[derive(Default)]
struct Reader {
    folder: Folder,
    sources: Sources,
    problems: Problems,
}

impl Reader {
    fn of(path: &Path, limits: &Limits) -> Self {
        Self::in_folder(&if path.is_dir() { path.to_path_buf() } else { parent(path) }, limits)
    }

    fn in_folder(root: &Path, limits: &Limits) -> Self {
        let mut reader = Self { folder: Folder::open(root, *limits), ..Self::default() };
        reader.sources.show_under(prefix(root));
        reader
    }

    /// A file with the library that names it: of its folder, else of the folders above.
    fn of_file(path: &Path, limits: &Limits, any: bool) -> Self {
        let mut reader = Self::of(path, limits);
        if !reader.add_with_library(&file_name(path), any)
            && let Some((root, name)) = home(path, limits)
        {
            reader = Self::in_folder(&root, limits);
            reader.add_with_library(&name, false);
        }
        reader
    }

    fn finish(self) -> Result<Sources, LoadError> {
        let sources = Arc::new(self.sources);
        self.problems.finish(&sources)?;
        Ok(Arc::unwrap_or_clone(sources))
    }

    fn add_folder(&mut self) {
        let names = self.folder.names(&self.problems);
        let libraries: Vec<_> = names.iter().filter(|name| !name.contains('/') && self.is_library(name)).collect();
        if let [library] = libraries.as_slice() {
            let file = self.add(library, None);
            if file.is_some_and(|file| self.add_named(file)) {
                return;
            }
        }
        for name in &names {
            if self.sources.find(name).is_none()
                && let Some(file) = self.add(name, None)
            {
                self.add_templates(file);
            }
        }
        if self.sources.is_empty() && !self.problems.has_errors() {
            let at = Span::new(self.sources.add(".", ""), 0, 0);
            self.problems.error("unreadable-file", at, "there is no `.yaml` file in this folder");
        }
    }

    /// A file, and the library in its folder that names it; else `any` that is alone there. False for a process or decision without.
    fn add_with_library(&mut self, name: &str, any: bool) -> bool {
        let Some(file) = self.add(name, None) else { return true };
        match self.tree(file).and_then(|tree| kind(&tree, &Problems::new())) {
            Some(Kind::Library) => {
                self.add_named(file);
            }
            Some(Kind::Process | Kind::Decision) => {
                let names = self.folder.names(&self.problems);
                let beside = names.iter().filter(|other| !other.contains('/') && *other != name);
                let libraries: Vec<_> = beside.filter(|other| self.is_library(other)).collect();
                let naming = libraries.iter().find(|other| self.is_library_of(other, name));
                let alone = if let [library] = libraries.as_slice() { Some(library) } else { None };
                let Some(library) = naming.or(alone.filter(|_| any)) else { return false };
                let file = self.add(library, None);
                file.map(|file| self.add_named(file));
            }
            _ => {}
        }
        true
    }

    fn tree(&self, file: u32) -> Option<Tree> {
        read_yaml(file, &self.sources.get(file)?.text, &Problems::new())
    }

    /// A look into a file that may not be wanted: what cannot be read is no library.
    fn peek(&self, name: &str) -> Option<Tree> {
        let text = self.folder.clone().read(name).ok()?;
        let tree = read_yaml(0, &text, &Problems::new())?;
        (kind(&tree, &Problems::new()) == Some(Kind::Library)).then_some(tree)
    }

    fn is_library(&self, name: &str) -> bool {
        self.peek(name).is_some()
    }

    fn is_library_of(&self, library: &str, name: &str) -> bool {
        let Some(tree) = self.peek(library) else { return false };
        named(&tree).filter_map(Node::word).any(|wanted| pattern::fits(wanted, name))
    }

    /// Reads one file; `by` is where it is named. A file that cannot be read is reported there, or in its own place.
    fn add(&mut self, name: &str, by: Option<Span>) -> Option<u32> {
        match self.folder.read(name) {
            Ok(text) => Some(self.sources.add(name, text)),
            Err(fault) => {
                let at = match (&fault.text, by) {
                    (None, Some(span)) => span,
                    (text, _) => {
                        let text = text.as_deref().unwrap_or_default();
                        Span::new(self.sources.add(name, text), text.len(), text.len())
                    }
                };
                self.problems.push(Problem::error(fault.code, at, fault.message).help(fault.help));
                None
            }
        }
    }

    /// Reads what the library with the index `file` names; whether it names processes. Its other contents are judged by
    /// `load`.
    fn add_named(&mut self, file: u32) -> bool {
        self.add_templates(file);
        let Some(tree) = self.tree(file) else { return false };
        for item in named(&tree) {
            if let Some(wanted) = item.word() {
                self.add_fitting(wanted, item.span);
            }
        }
        tree.root.get("processes").is_some()
    }

    /// Reads the templates that a library's documents name. That one is missing is for `load` to say.
    fn add_templates(&mut self, file: u32) {
        let Some(tree) = self.tree(file) else { return };
        let name = self.sources.get(file).map(|source| source.name.to_string()).unwrap_or_default();
        let folder = name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let documents = tree.root.get("documents").map(Node::entries).unwrap_or_default();
        for template in documents.iter().filter_map(|document| document.value.get("template")) {
            let Some(word) = template.word() else { continue };
            let path = format!("{folder}{word}");
            if self.folder.has(&path) && self.sources.find(&path).is_none() {
                self.add(&path, Some(template.span));
            }
        }
    }

    fn add_fitting(&mut self, wanted: &str, by: Span) {
        let all = self.folder.names(&self.problems);
        let fitting: Vec<_> = all.iter().filter(|name| pattern::fits(wanted, name)).collect();
        if fitting.is_empty() {
            let outside = wanted.starts_with('/') || wanted.split('/').any(|part| part == "..");
            let message = if outside { "leads out of the library's folder" } else { "fits no file" };
            let problem = Problem::error("no-such-file", by, format!("`{wanted}` {message}"));
            let known = all.iter().map(|name| &**name);
            let help = "name a `.yaml` file in the library's folder or below it";
            self.problems.push(problem.help(help).maybe_help(did_you_mean(wanted, known)));
        }
        for name in fitting {
            if self.sources.find(name).is_none() {
                self.add(name, Some(by));
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! A file or a folder into named texts: patterns, links and limits.
//!
//! [`read`] takes a library's file with the processes that it names, or every definition below a folder. Links that
//! lead out of the folder are refused, sizes are looked at before reading, and the order is that of the names. What is
//! in the texts is none of this module's business: `load` reads them.

mod folder;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::load::{LoadError, Node, Problem, Problems, Sources, Tree, did_you_mean, pattern, read as read_yaml};
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

/// The texts of a path: of a library's file, itself and the files that its `processes:` names; of another file, itself;
/// of a folder, every `.yaml` and `.yml` in it and below. Names are relative to the folder, with `/` between their
/// parts; problems show them as the path was given.
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
    let is_folder = path.is_dir();
    let root = if is_folder { path.to_path_buf() } else { parent(path) };
    let mut reader = Reader { folder: Folder::open(&root, *limits), ..Reader::default() };
    reader.sources.show_under(prefix(&root));
    if is_folder {
        for name in reader.folder.names(&reader.problems) {
            if let Some(file) = reader.add(&name, None) {
                reader.add_templates(file);
            }
        }
        if reader.sources.is_empty() && !reader.problems.has_errors() {
            let at = Span::new(reader.sources.add(".", ""), 0, 0);
            let problem = Problem::error("unreadable-file", at, "there is no `.yaml` file in this folder");
            reader.problems.push(problem);
        }
    } else {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(file) = reader.add(&name, None) {
            reader.add_processes(file);
            reader.add_templates(file);
        }
    }
    let sources = Arc::new(reader.sources);
    reader.problems.finish(&sources)?;
    Ok(Arc::unwrap_or_clone(sources))
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

    /// The library with the index `file`; its contents are judged by `load`.
    fn library(&self, file: u32) -> Option<Tree> {
        let text = self.sources.get(file)?.text.clone();
        let tree = read_yaml(file, &text, &Problems::new())?;
        let first = tree.root.entries().first().map(|entry| &*entry.key.text);
        if first == Some("library") { Some(tree) } else { None }
    }

    /// Reads the templates of the documents that a library declares.
    fn add_templates(&mut self, file: u32) {
        let Some(tree) = self.library(file) else { return };
        let name = self.sources.get(file).map(|source| source.name.to_string()).unwrap_or_default();
        let folder = name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let documents = tree.root.get("documents").map(Node::entries).unwrap_or_default();
        for template in documents.iter().filter_map(|document| document.value.get("template")) {
            let Some(word) = template.word() else { continue };
            let path = format!("{folder}{word}");
            if self.sources.find(&path).is_none() {
                self.add(&path, Some(template.span));
            }
        }
    }

    /// Reads the processes that a library names.
    fn add_processes(&mut self, file: u32) {
        let Some(tree) = self.library(file) else { return };
        let Some(node) = tree.root.get("processes") else { return };
        for item in crate::load::cursor::list_or_one(node) {
            if let Some(pattern) = item.word() {
                self.add_fitting(pattern, item.span);
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

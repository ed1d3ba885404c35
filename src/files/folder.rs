//! One folder on the disk: the names of its definitions and their texts, never anything outside of it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Limits;
use crate::load::read::MAX_BYTES;
use crate::load::{Problem, Problems};
use crate::model::Span;

/// Why a file gave no text.
pub(super) struct Fault {
    pub code: &'static str,
    pub message: String,
    pub help: &'static str,
    /// The readable beginning, when the fault stands behind it.
    pub text: Option<String>,
}

impl Fault {
    fn new(code: &'static str, message: impl Into<String>, help: &'static str) -> Self {
        Self { code, message: message.into(), help, text: None }
    }
}

/// The folder and what is left of the limits.
#[derive(Clone, Default)]
pub(super) struct Folder {
    root: PathBuf,
    /// The root without links: everything read lies below it.
    real: Option<PathBuf>,
    limits: Limits,
    names: Option<Vec<String>>,
}

impl Folder {
    /// The folder `root`; whether it exists shows when something is read.
    pub fn open(root: &Path, limits: Limits) -> Self {
        Self { root: root.to_path_buf(), real: root.canonicalize().ok(), limits, names: None }
    }

    /// The names of all definitions in the folder and below, sorted. Links are not followed here: what they lead to
    /// inside the folder has its own name, and nothing else is wanted.
    pub fn names(&mut self, problems: &Problems) -> Vec<String> {
        if let Some(names) = &self.names {
            return names.clone();
        }
        let mut names = Vec::new();
        let mut left = self.limits.entries;
        let mut open = vec![(self.root.clone(), String::new(), 0)];
        while let Some((folder, prefix, depth)) = open.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let Some(next) = left.checked_sub(1) else {
                    let message = format!("the folder has more than {} entries", self.limits.entries);
                    problems.push(Problem::error("too-many-files", Span::default(), message).help(FEWER));
                    return Vec::new();
                };
                left = next;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let name = format!("{prefix}{name}");
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && depth < self.limits.depth && !is_hidden(&name) => {
                        open.push((entry.path(), format!("{name}/"), depth + 1));
                    }
                    Ok(kind) if !kind.is_dir() && is_definition(&name) && !self.is_inner_link(&entry.path()) => {
                        names.push(name);
                    }
                    _ => {}
                }
            }
        }
        names.sort();
        self.names = Some(names.clone());
        names
    }

    /// A link to a file that is below the folder anyway.
    fn is_inner_link(&self, path: &Path) -> bool {
        path.is_symlink() && self.inside(path).is_some()
    }

    /// The path without links, when it lies below the folder.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let real = path.canonicalize().ok()?;
        real.starts_with(self.real.as_ref()?).then_some(real)
    }

    /// Whether there is something of this name.
    pub fn has(&self, name: &str) -> bool {
        self.root.join(name).exists()
    }

    /// The text of a file below the folder.
    pub fn read(&mut self, name: &str) -> Result<String, Fault> {
        let path = self.root.join(name);
        if !path.exists() {
            return Err(Fault::new("unreadable-file", format!("there is no file `{name}`"), "check the name"));
        }
        let Some(real) = self.inside(&path) else {
            let message = format!("`{name}` leads out of the folder");
            return Err(Fault::new("outside-link", message, "copy the file into the folder"));
        };
        self.limits.files = self.limits.files.checked_sub(1).ok_or_else(|| too_many("too many files"))?;
        let bytes = bytes(&real, name)?;
        self.limits.bytes =
            self.limits.bytes.checked_sub(bytes.len()).ok_or_else(|| too_many("the files together are too large"))?;
        String::from_utf8(bytes).map_err(|error| not_utf8(&error.into_bytes()))
    }
}

const FEWER: &str = "load a folder that holds definitions only";

fn too_many(message: &str) -> Fault {
    Fault::new("too-many-files", message, FEWER)
}

/// The bytes of a plain file, never more than a definition may have. A pipe or device would never end: it is not opened.
fn bytes(path: &Path, name: &str) -> Result<Vec<u8>, Fault> {
    let unreadable =
        |why: String| Fault::new("unreadable-file", format!("`{name}` cannot be read: {why}"), "check the file");
    let about = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !about.is_file() {
        return Err(unreadable("it is no plain file".to_owned()));
    }
    let size = usize::try_from(about.len()).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    if size <= MAX_BYTES {
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    }
    if size.max(bytes.len()) > MAX_BYTES {
        let message = format!("`{name}` has {} KiB, more than {} KiB", size.div_ceil(1024), MAX_BYTES / 1024);
        return Err(Fault::new("too-large", message, "split it: a library names its processes' files"));
    }
    Ok(bytes)
}

fn not_utf8(bytes: &[u8]) -> Fault {
    let sound = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let wrong = bytes.get(sound.len()).copied().unwrap_or_default();
    let message = format!("the file is not UTF-8: the byte {wrong:#04x} begins no character");
    let fault = Fault::new("not-utf8", message, "save the file as UTF-8");
    Fault { text: Some(sound.to_owned()), ..fault }
}

fn is_hidden(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
}

fn is_definition(name: &str) -> bool {
    (name.ends_with(".yaml") || name.ends_with(".yml")) && !is_hidden(name)
}

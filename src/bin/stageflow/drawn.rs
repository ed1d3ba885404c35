//! Drawn models: `import` makes them into processes, `export` is the way back.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use stageflow::load::{LoadError, Problem, Sources, render_json, render_text};
use stageflow::{files, interchange};

use crate::args::Format;
use crate::db::Failed;

/// Whether the model could be read. What it became is shown, or written to a folder, with a copy of the model.
pub fn import(model: &Path, into: Option<&Path>, replace: bool, format: Format) -> Result<bool, Failed> {
    let Some(text) = told(text(model)?, format) else { return Ok(false) };
    let Some(imported) = told(interchange::import(&model.to_string_lossy(), &text), format) else { return Ok(false) };
    warn(&imported.warnings, &imported.model, format);
    let Some(folder) = into else {
        for (_, source) in imported.sources.iter() {
            println!("# {}\n{}", source.name, source.text);
        }
        return Ok(true);
    };
    let files = imported.sources.iter().map(|(_, source)| (folder.join(&*source.name), &*source.text));
    // The drawing stays beside what was made of it: it is the way back.
    let copy = model.file_name().map(|name| folder.join(name)).filter(|copy| !is_same(copy, model));
    let files: Vec<(PathBuf, &str)> = files.chain(copy.map(|copy| (copy, &*text))).collect();
    // All of them, or none.
    if let Some((path, _)) = files.iter().find(|(path, _)| !replace && path.exists()) {
        return Err(is_there(path));
    }
    for (path, text) in &files {
        write(path, text, replace)?;
    }
    Ok(true)
}

/// What the processes are drawn into.
pub enum Drawing {
    /// The model that the library names, if it names one.
    OfLibrary,
    /// This one.
    File(PathBuf),
    /// None: everything is drawn anew.
    Anew,
}

/// Whether the library could be read. The model is shown, or written to a file.
pub fn export(
    path: &Path,
    drawing: &Drawing,
    into: Option<&Path>,
    replace: bool,
    format: Format,
) -> Result<bool, Failed> {
    let Some(sources) = told(files::read(path), format) else { return Ok(false) };
    let drawing = match drawing {
        Drawing::Anew => None,
        Drawing::File(file) => Some(file.clone()),
        Drawing::OfLibrary => interchange::drawing_of(&sources).map(|name| beside(path, &name)).transpose()?,
    };
    let drawing = drawing.map(|file| Ok::<_, Failed>((file.to_string_lossy().into_owned(), text(&file)?)));
    let drawing = drawing.transpose().map_err(|failed| {
        Failed::new(&failed.code, format!("{}; `--drawing` names the model, `--redraw` draws anew", failed.text))
    })?;
    let drawing = match drawing {
        None => None,
        Some((name, text)) => {
            let Some(text) = told(text, format) else { return Ok(false) };
            Some((name, text))
        }
    };
    let drawing = drawing.as_ref().map(|(name, text)| (&**name, &**text));
    let Some(exported) = told(interchange::export(&sources, drawing), format) else { return Ok(false) };
    warn(&exported.warnings, &sources, format);
    match into {
        Some(file) => write(file, &exported.model, replace)?,
        None => print!("{}", exported.model),
    }
    Ok(true)
}

/// What was asked for, or nothing when its problems have been shown.
fn told<T>(found: Result<T, LoadError>, format: Format) -> Option<T> {
    let LoadError { problems, sources, .. } = match found {
        Ok(found) => return Some(found),
        Err(error) => error,
    };
    match format {
        Format::Json => println!("{}", render_json(&problems, &sources)),
        Format::Text => print!("{}", render_text(&problems, &sources)),
    }
    None
}

/// Beside what is shown or written.
fn warn(warnings: &[Problem], sources: &Sources, format: Format) {
    match format {
        Format::Json if !warnings.is_empty() => eprintln!("{}", render_json(warnings, sources)),
        Format::Json => {}
        Format::Text => eprint!("{}", render_text(warnings, sources)),
    }
}

/// A file in the folder of a library, or below.
fn beside(library: &Path, name: &str) -> Result<PathBuf, Failed> {
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        let text = format!("the library's `bpmn: {name}` leads out of its folder; `--drawing` names any model");
        return Err(Failed::new("file", text));
    }
    let folder = if library.is_dir() { Some(library) } else { library.parent() };
    Ok(folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name)))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The text of a model; what is no text is told with its place.
fn text(path: &Path) -> Result<Result<String, LoadError>, Failed> {
    let found = fs::metadata(path).map_err(|error| failed(path, &error))?;
    if found.is_dir() {
        return Err(Failed::new("file", format!("{} is a folder: expected the file of a model", path.display())));
    }
    let size = found.len();
    if size > 2 * interchange::MAX_BYTES as u64 {
        return Err(Failed::new("bpmn-too-large", format!("{}: a model of {size} bytes is not read", path.display())));
    }
    let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
    Ok(interchange::decode(&path.to_string_lossy(), &bytes))
}

fn write(path: &Path, text: &str, replace: bool) -> Result<(), Failed> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!replace);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => is_there(path),
        _ => failed(path, &error),
    })?;
    println!("{} is written", path.display());
    Ok(())
}

fn is_there(path: &Path) -> Failed {
    Failed::new("file", format!("{} is there; `--replace` writes it anew", path.display()))
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new("file", format!("{}: {error}", path.display()))
}

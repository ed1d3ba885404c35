//! Drawn models: `import` makes them into processes.

use std::fs;
use std::io::Write;
use std::path::Path;

use stageflow::interchange;
use stageflow::load::{LoadError, render_json, render_text};

use crate::args::Format;
use crate::db::Failed;

/// Whether the model could be read. What it became is shown, or written to a folder.
pub fn import(model: &Path, into: Option<&Path>, replace: bool, format: Format) -> Result<bool, Failed> {
    let text = fs::read(model).map_err(|error| failed(model, &error))?;
    let Ok(text) = String::from_utf8(text) else {
        return Err(Failed::new("not-utf-8", format!("{}: expected UTF-8", model.display())));
    };
    let imported = match interchange::import(&model.to_string_lossy(), &text) {
        Ok(imported) => imported,
        Err(LoadError { problems, sources, .. }) => {
            match format {
                Format::Json => println!("{}", render_json(&problems, &sources)),
                Format::Text => print!("{}", render_text(&problems, &sources)),
            }
            return Ok(false);
        }
    };
    eprint!("{}", render_text(&imported.warnings, &imported.model));
    let Some(folder) = into else {
        for (_, source) in imported.sources.iter() {
            println!("# {}\n{}", source.name, source.text);
        }
        return Ok(true);
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for (_, source) in imported.sources.iter() {
        let path = folder.join(&*source.name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).create_new(!replace);
        let written = options.open(&path).and_then(|mut file| file.write_all(source.text.as_bytes()));
        written.map_err(|error| failed(&path, &error))?;
        println!("{} is written", path.display());
    }
    Ok(true)
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new("file", format!("{}: {error}", path.display()))
}

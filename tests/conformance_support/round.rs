//! There and back: what is exported is imported as it was.

use stageflow::interchange::{export, import};
use stageflow::load::{Node, Problems, Sources, Yaml, read};

/// What the texts say, file by file, whatever the order of their keys.
fn says(sources: &Sources) -> Vec<String> {
    let problems = Problems::new();
    let said = sources.iter().map(|(file, source)| match read(file, &source.text, &problems) {
        Some(tree) => format!("{}\n{}", source.name, plain(&tree.root, 0)),
        None => format!("{} cannot be read\n{}", source.name, source.text),
    });
    let mut said: Vec<String> = said.collect();
    said.sort();
    said
}

fn plain(node: &Node, depth: usize) -> String {
    let gap = "  ".repeat(depth);
    match &node.yaml {
        Yaml::Scalar(scalar) => format!("{gap}{:?}\n", scalar.text.split_whitespace().collect::<Vec<_>>().join(" ")),
        Yaml::Seq(items) => items.iter().map(|item| format!("{gap}-\n{}", plain(item, depth + 1))).collect(),
        Yaml::Map(entries) => {
            // Which model a library was drawn in is another one after the way through this one.
            let is_drawing = |key: &str| key == "bpmn" && node.get("library").is_some();
            let mut keys: Vec<String> = entries
                .iter()
                .filter(|entry| !is_drawing(&entry.key.text))
                .map(|entry| format!("{gap}{}:\n{}", entry.key.text, plain(&entry.value, depth + 1)))
                .collect();
            keys.sort();
            keys.concat()
        }
    }
}

/// Through a model without a drawing, and through the drawing that it was made from.
pub fn model_round_trip(name: &str, text: &str) -> Result<(), String> {
    let imported = import(name, text).map_err(|error| error.to_string())?.sources;
    let unchanged = export(&imported, Some((name, text))).map_err(|error| error.to_string())?.model;
    if unchanged != text {
        return Err("what was not changed was written anew".into());
    }
    round_trip(name, &imported)
}

/// Where two texts part, with what stands before.
fn first_difference(before: &str, after: &str) -> String {
    let same = before.lines().zip(after.lines()).take_while(|(before, after)| before == after).count();
    let part = |text: &str| text.lines().skip(same.saturating_sub(8)).take(12).collect::<Vec<_>>().join("\n");
    format!("before:\n{}\nafter:\n{}", part(before), part(after))
}

/// Processes in flat form, through a model.
pub fn round_trip(name: &str, sources: &Sources) -> Result<(), String> {
    let written = export(sources, None).map_err(|error| error.to_string())?.model;
    let again = import(name, &written).map_err(|error| format!("{error}\n{written}"))?.sources;
    let (before, after) = (says(sources), says(&again));
    let differs = before.iter().zip(&after).find(|(before, after)| before != after);
    match differs {
        Some((before, after)) => Err(first_difference(before, after)),
        None if before.len() == after.len() => Ok(()),
        None => Err(format!("{} files before, {} after", before.len(), after.len())),
    }
}

/// Changed processes, into the drawing they came from: what comes back is what was changed. Gives the new drawing.
#[allow(dead_code, reason = "one of the two tests that share this file does not edit")]
pub fn edited_round_trip(name: &str, text: &str, edited: &Sources) -> Result<String, String> {
    let written = export(edited, Some((name, text))).map_err(|error| error.to_string())?.model;
    let again = import(name, &written).map_err(|error| format!("{error}\n{written}"))?.sources;
    let (before, after) = (says(edited), says(&again));
    match before.iter().zip(&after).find(|(before, after)| before != after) {
        Some((before, after)) => Err(format!("{}\nin\n{written}", first_difference(before, after))),
        None if before.len() == after.len() => Ok(written),
        None => Err(format!("{} files before, {} after", before.len(), after.len())),
    }
}

/// The processes of a model with every title changed, a task put into the first flow of each, and the first flow that has a condition without it.
#[allow(dead_code, reason = "one of the two tests that share this file does not edit")]
pub fn changed(imported: &Sources) -> Sources {
    let mut changed = Sources::new();
    for (_, source) in imported.iter() {
        let mut text = String::new();
        let mut is_open = source.text.starts_with("process:");
        for line in source.text.lines() {
            let into = line.strip_prefix("  - {from: ").filter(|_| is_open).and_then(|rest| rest.split_once(", to: "));
            match into {
                Some((from, rest)) => {
                    let (to, rest) = rest.split_at(rest.find([',', '}']).expect("an end"));
                    text.push_str(&format!(
                        "  - {{from: {from}, to: put_between{rest}\n  - {{from: put_between, to: {to}}}\n"
                    ));
                    is_open = false;
                }
                None if line == "flows:" && is_open => {
                    text.push_str("  - {id: put_between, type: task, title: Between}\nflows:\n")
                }
                None => text.push_str(&format!("{}\n", line.replace("title: ", "title: New "))),
            }
        }
        changed.add(&*source.name, text.replace("title: New \"", "title: \"New "));
    }
    changed
}

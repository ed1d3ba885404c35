//! Folders are written as a table: name, then content. A name with ` -> ` is a link.

use std::fs;
use std::path::Path;

use super::{Kind, Limits, read, read_within};

/// Makes the files in a new folder and loads `path` in it: the names that were read, or the problems.
fn loads(files: &[(&str, &str)], path: &str, limits: Option<Limits>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root");
    fs::create_dir(&root).expect("a root");
    fs::write(folder.path().join("secret.yaml"), "process: secret\n").expect("a secret");
    for (name, content) in files {
        make(&root, name, content);
    }
    let path = root.join(path);
    let found = match limits {
        Some(limits) => read_within(&path, &limits),
        None => read(&path),
    };
    match found {
        Ok(sources) => sources.iter().map(|(_, source)| source.name.to_string()).collect::<Vec<_>>().join(" "),
        Err(error) => {
            let line = |problem: &crate::load::Problem| {
                let place = error.sources.place(problem.span);
                let file = place.file.rsplit('/').next().unwrap_or_default().to_owned();
                format!("{file}:{}:{} {} {}", place.line, place.column, problem.code, problem.message)
            };
            error.problems.iter().map(line).collect::<Vec<_>>().join("; ")
        }
    }
}

fn make(root: &Path, name: &str, content: &str) {
    let (name, target) = name.split_once(" -> ").map_or((name, None), |(name, target)| (name, Some(target)));
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    match target {
        #[cfg(unix)]
        Some(target) => std::os::unix::fs::symlink(target, path).expect("a link"),
        #[cfg(not(unix))]
        Some(_) => {}
        None => fs::write(path, content).expect("a file"),
    }
}

#[test]
fn a_folder_gives_its_definitions_in_the_order_of_their_names() {
    let files = [("b.yaml", "b: 1"), ("a.yml", "a: 1"), ("z/c.yaml", "c: 1"), ("notes.md", ""), (".git/d.yaml", "")];
    assert_eq!(loads(&files, "", None), "a.yml b.yaml z/c.yaml");
    assert_eq!(loads(&[("notes.md", "")], "", None), ".:1:1 unreadable-file there is no `.yaml` file in this folder");
}

#[test]
fn a_library_brings_the_processes_that_it_names() {
    let library = |named: &str| format!("library: crm\nprocesses: {named}\n");
    for (named, expected) in [
        ("[sale.yaml]", "crm.yaml sale.yaml"),
        ("['*.yaml']", "crm.yaml lead.yaml sale.yaml"),
        ("['**/*.yaml', sale.yaml]", "crm.yaml lead.yaml old/sale.yaml sale.yaml"),
        ("[sael.yaml]", "crm.yaml:2:13 no-such-file `sael.yaml` fits no file"),
        ("[../secret.yaml]", "crm.yaml:2:13 no-such-file `../secret.yaml` leads out of the library's folder"),
        ("{a: b}", "crm.yaml"),
    ] {
        let library = library(named);
        let files = [("crm.yaml", &*library), ("sale.yaml", "a: 1"), ("lead.yaml", ""), ("old/sale.yaml", "")];
        assert_eq!(loads(&files, "crm.yaml", None), expected, "{named}");
    }
    assert_eq!(loads(&[("sale.yaml", "process: sale\nprocesses: ['*']")], "sale.yaml", None), "sale.yaml");
}

#[test]
fn a_folder_with_a_library_gives_what_the_library_names() {
    let files = |library: &'static str| {
        [("crm.yaml", library), ("lead.yaml", "process: lead"), ("b/other.yaml", "library: other"), ("t/i.html", "")]
    };
    let named = "library: crm\nprocesses: lead.yaml\ndocuments: {i: {template: t/i.html}, j: {template: t/j.html}}\n";
    assert_eq!(loads(&files(named), "", None), "crm.yaml t/i.html lead.yaml");
    assert_eq!(loads(&files(named), "lead.yaml", None), "lead.yaml crm.yaml t/i.html");
    assert_eq!(loads(&files("library: crm"), "", None), "crm.yaml b/other.yaml lead.yaml");
    assert_eq!(loads(&files("library: crm"), "lead.yaml", None), "lead.yaml");
}

#[test]
fn a_process_that_no_library_names_is_judged_beside_the_only_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |name: &str| {
        let sources = super::read_beside(&folder.path().join(name)).expect("texts");
        sources.iter().map(|(_, source)| source.name.to_string()).collect::<Vec<_>>().join(" ")
    };
    make(folder.path(), "crm.yaml", "library: crm\nprocesses: sale.yaml\n");
    make(folder.path(), "sale.yaml", "process: sale\n");
    make(folder.path(), "sale_v2.yaml", "process: sale\nversion: 2\n");
    assert_eq!(read("sale_v2.yaml"), "sale_v2.yaml crm.yaml sale.yaml");
    make(folder.path(), "shop.yaml", "library: shop\nprocesses: []\n");
    assert_eq!(read("sale_v2.yaml"), "sale_v2.yaml");
    assert_eq!(read("sale.yaml"), "sale.yaml crm.yaml");
}

#[test]
fn a_process_below_its_library_finds_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |name: &str| {
        let sources = super::read(&folder.path().join(name)).expect("texts");
        sources.iter().map(|(_, source)| source.name.to_string()).collect::<Vec<_>>().join(" ")
    };
    make(folder.path(), "crm.yaml", "library: crm\nprocesses: sales/*.yaml\n");
    make(folder.path(), "sales/sale.yaml", "process: sale\n");
    make(folder.path(), "sales/other.yaml", "process: other\n");
    make(folder.path(), "drafts/draft.yaml", "process: draft\n");
    assert_eq!(read("sales/sale.yaml"), "sales/sale.yaml crm.yaml sales/other.yaml");
    assert_eq!(read("drafts/draft.yaml"), "draft.yaml");
}

#[test]
fn a_broken_definition_counts_by_its_first_line() {
    let folder = tempfile::tempdir().expect("a folder");
    make(folder.path(), "a.yaml", "# mine\nprocess: a\n\tsteps: []\n");
    make(folder.path(), "b.yaml", "other: &x 1\nthing: *x\n");
    let found = super::find(folder.path()).expect("the names");
    assert_eq!(found, [(folder.path().join("a.yaml"), Kind::Process)]);
}

#[test]
fn definitions_are_found_by_their_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in
        [("b.yaml", "process: b"), ("a.yaml", "library: a"), ("c/d.yaml", "scenario: d"), ("e.yml", "x: y")]
    {
        make(folder.path(), name, text);
    }
    let found = super::find(folder.path()).expect("readable files");
    let found = found.iter().map(|(path, kind)| {
        let name = path.strip_prefix(folder.path()).expect("a name below the folder");
        format!("{} {kind:?}", name.display())
    });
    assert_eq!(found.collect::<Vec<_>>(), ["a.yaml Library", "b.yaml Process", "c/d.yaml Scenario"]);
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_refused() {
    let outside = [("a.yaml", "a: 1"), ("b.yaml -> ../secret.yaml", "")];
    assert_eq!(loads(&outside, "", None), "b.yaml:1:1 outside-link `b.yaml` leads out of the folder");
    let template = [("a.yaml", "library: a\ndocuments: {i: {template: ../secret.yaml}}"), ("b.yaml", "")];
    assert_eq!(loads(&template, "a.yaml", None), "a.yaml:2:27 outside-link `../secret.yaml` leads out of the folder");
    let inside = [("a.yaml", "a: 1"), ("b.yaml -> a.yaml", ""), ("loop -> .", ""), ("up -> ..", "")];
    assert_eq!(loads(&inside, "", None), "a.yaml");
    assert_eq!(loads(&inside, "b.yaml", None), "b.yaml");
    let gone = [("b.yaml -> nothing", "")];
    assert_eq!(loads(&gone, "", None), "b.yaml:1:1 unreadable-file there is no file `b.yaml`");
}

#[test]
fn sizes_and_numbers_are_limited() {
    let large = "#".repeat(256 * 1024 + 1);
    let files = [("a.yaml", &*large)];
    assert_eq!(loads(&files, "", None), "a.yaml:1:1 too-large `a.yaml` has 257 KiB, more than 256 KiB");
    assert_eq!(loads(&files, "b.yaml", None), "b.yaml:1:1 unreadable-file there is no file `b.yaml`");
    let two = [("a.yaml", "a: 1"), ("b.yaml", "b: 1")];
    let limit = |files, entries, bytes| Some(Limits { files, entries, depth: 1, bytes });
    assert_eq!(loads(&two, "", limit(1, 9, 99)), "b.yaml:1:1 too-many-files too many files");
    assert_eq!(loads(&two, "", limit(9, 9, 5)), "b.yaml:1:1 too-many-files the files together are too large");
    assert_eq!(loads(&two, "", limit(9, 1, 99)), "?:1:1 too-many-files the folder has more than 1 entries");
}

#[test]
fn a_byte_that_begins_no_character_is_shown_in_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.yaml"), b"a: 1\nb: \xff\xfe\n").expect("a file");
    let error = read(folder.path()).expect_err("not UTF-8");
    let text = error.to_string();
    assert!(text.starts_with("error[not-utf8]: the file is not UTF-8: the byte 0xff begins no character"), "{text}");
    assert_eq!(error.sources.place(error.problems[0].span).line, 2);
}

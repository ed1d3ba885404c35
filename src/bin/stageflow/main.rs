//! The command line `stageflow`: definitions and their tests, and a database file by hand.
//!
//! Exit codes: 0 done, 1 a problem or a refusal (said on stderr), 2 wrong use.

mod actions;
mod args;
mod authoring;
mod changes;
mod db;
mod drawn;
mod looks;
mod print;
mod work;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use db::{Db, Failed};
use drawn::Drawing;

fn main() -> ExitCode {
    let Cli { command, common } = Cli::parse();
    let done = match command {
        Command::Check { paths, deny } => Ok(authoring::check(&paths, common.format, deny.is_some())),
        Command::Test { paths, restart } => authoring::test(&paths, common.format, restart),
        Command::Import { model, into, replace } => drawn::import(&model, into.as_deref(), replace, common.format),
        Command::Export { path, drawing, redraw, into, replace } => {
            let drawing = if redraw { Drawing::Anew } else { drawing.map_or(Drawing::OfLibrary, Drawing::File) };
            drawn::export(&path, &drawing, into.as_deref(), replace, common.format)
        }
        Command::Deploy { path, replace } => changes::deploy(&common, &path, replace).map(|()| true),
        command => Db::open(&common).and_then(|db| run(&db, command)).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Failed { code, text }) => {
            print::failed(common.format, &code, &text);
            ExitCode::from(if code == "usage" { 2 } else { 1 })
        }
    }
}

fn run(db: &Db, command: Command) -> Result<(), Failed> {
    match command {
        Command::Tasks { of, about } => looks::tasks(db, of.as_deref(), about.as_deref()),
        Command::Task { task } => looks::task(db, &task),
        Command::Records { entity, wanted, columns, limit } => looks::records(db, &entity, &wanted, &columns, limit),
        Command::Show { record } => looks::show(db, &record),
        Command::Instances { process, about, all } => looks::instances(db, process.as_deref(), about.as_deref(), all),
        Command::History { instance } => looks::history(db, &instance),
        Command::Incidents => looks::incidents(db),
        Command::Transitions { about } => looks::transitions(db, about.as_deref()),
        Command::Actions { on } => actions::list(db, &on),
        Command::Jobs => work::jobs(db),
        Command::Setting { name: None, .. } => looks::settings(db),
        Command::Setting { name: Some(name), value: None } => looks::setting(db, &name),
        Command::Work { answer, fail } => db.telling(|| work::work(db, &answer, &fail)),
        Command::Advance { by } => db.telling(|| work::advance(db, &by.join(" "))),
        command => db.telling(|| change(db, command)),
    }
}

/// What one acts on, and what was done to it, in words.
fn change(db: &Db, command: Command) -> Result<print::Done, Failed> {
    match command {
        Command::Start { process, about, new, version, with } => {
            changes::start(db, &process, about.as_deref(), &new, version, &with)
        }
        Command::Complete { task, outcome, form } => changes::complete(db, &task, outcome.as_deref(), &form),
        Command::Act { action, on, form } => actions::act(db, &action, &on, &form),
        Command::Claim { task } => changes::claim(db, &task),
        Command::Release { task } => changes::release(db, &task),
        Command::Reassign { task, user } => changes::reassign(db, &task, &user),
        Command::Send { message, key, with } => changes::send(db, &message, key.as_deref(), &with),
        Command::Signal { signal, with } => changes::signal(db, &signal, &with),
        Command::Create { entity, id, set } => changes::create(db, &entity, id.as_deref(), &set),
        Command::Set { record, set } => changes::set(db, &record, &set),
        Command::Delete { record } => changes::delete(db, &record),
        Command::Retry { incident } => changes::retry(db, &incident),
        Command::Resolve { incident, way, with } => changes::resolve(db, &incident, &way, &with),
        Command::Skip { incident } => changes::skip(db, &incident),
        Command::Cancel { instance } => changes::cancel(db, &instance),
        Command::Setting { name: Some(name), value: Some(value) } => changes::setting(db, &name, &value),
        _ => Err(Failed::usage("the command has no meaning here".into())),
    }
}

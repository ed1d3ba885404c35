//! The engine as a host uses it, sentence by sentence: each test says in its name what a host may rely on, over both stores.

#[path = "engine_support/bounds.rs"]
mod bounds;
#[path = "engine_support/commands.rs"]
mod commands;
#[path = "engine_support/events.rs"]
mod events;
#[path = "engine_support/jobs.rs"]
mod jobs;
#[path = "engine_support/kit.rs"]
mod kit;
#[path = "engine_support/people.rs"]
mod people;
#[path = "engine_support/queries.rs"]
mod queries;
#[path = "engine_support/versions.rs"]
mod versions;

//! Proof by generation: random processes, and what must become of them.
//!
//! - `random_nets_are_played_as_the_rules_say`: unstructured graphs in flat form (`graphs`), played by the engine and by a reference interpreter
//!   of the token rules (`reference`) with the same choices. After every command the tokens, the open tasks and waits, incidents and the end
//!   must be among those that the rules allow.
//! - `stories_end_as_their_generators_say`: every element brings a piece of process and a legal way through it (`works`, `blocks`, `flats`); put
//!   together they give a process, commands, and the marks that it makes after each. Every story is run straight, thawed before every
//!   command, and replayed from facts; some also through the engine, opened anew before every command and each command delivered twice,
//!   over memory and over a file; and with a crash at one of the commits of every command. An element without a generator fails the test.
//!
//! `cargo test` makes 2 000 cases: 1 500 nets and 500 stories. At night: `GENERATED_RUNS=100000 cargo test --release --test generated`, so many in
//! all, in the same proportion. A failure is made smaller and shown with its seed, its files and its commands: `GENERATED_SEED=<seed> cargo test
//! --test generated <name of the test>` runs that case alone.

#[path = "generated_support/author.rs"]
mod author;
#[path = "generated_support/blocks.rs"]
mod blocks;
#[path = "generated_support/dice.rs"]
mod dice;
#[path = "crash_support/dying.rs"]
mod dying;
#[path = "generated_support/events.rs"]
mod events;
#[path = "generated_support/flat.rs"]
mod flat;
#[path = "generated_support/flats.rs"]
mod flats;
#[path = "generated_support/game.rs"]
mod game;
#[path = "generated_support/graphs.rs"]
mod graphs;
#[path = "generated_support/joins.rs"]
mod joins;
#[path = "generated_support/net.rs"]
mod net;
#[path = "generated_support/observe.rs"]
mod observe;
#[path = "generated_support/paths.rs"]
mod paths;
#[path = "generated_support/reference.rs"]
mod reference;
#[path = "traces_support/script.rs"]
mod script;
#[path = "generated_support/seeds.rs"]
mod seeds;
#[path = "generated_support/story.rs"]
mod story;
#[allow(dead_code, reason = "what tells a whole trace is not needed here")]
#[path = "traces_support/twice.rs"]
mod twice;
#[path = "generated_support/ways.rs"]
mod ways;
#[path = "generated_support/works.rs"]
mod works;
#[path = "traces_support/world.rs"]
mod world;

use std::collections::BTreeSet;

use dice::Dice;
use game::Played;
use seeds::Tally;
use story::Story;
use ways::Case;
use world::Way;

#[test]
fn random_nets_are_played_as_the_rules_say() {
    let mut tally = seeds::Tally::default();
    seeds::run("nets", 3, |dice: &mut Dice| {
        tally.count("cases");
        let way = *dice.of(&[Way::Straight, Way::Thawed, Way::Replayed]);
        match game::play(dice, way)? {
            Played::Discarded(why) => tally.count(&format!("discarded: {why}")),
            Played::Compared { commands, over, incidents } => {
                tally.count("compared");
                tally.add("commands", commands);
                if over {
                    tally.count("came to their end")
                }
                if incidents {
                    tally.count("with incidents")
                }
            }
        }
        Ok(())
    });
    eprintln!("{tally}");
    let cases = tally.of("cases");
    assert!(cases == 1 || tally.of("compared") * 2 > cases, "too few nets are kept: {tally}");
}

#[test]
fn stories_end_as_their_generators_say() {
    let mut tally = seeds::Tally::default();
    let mut elements = BTreeSet::new();
    seeds::run("stories", 1, |dice: &mut Dice| {
        let story = author::story(dice);
        let text = ways::show(&story);
        told(story, dice, &mut tally, &mut elements).map_err(|why| format!("{why}\n\n{text}"))
    });
    eprintln!("{tally}");
    if std::env::var_os("GENERATED_SEED").is_none() {
        let missing: Vec<String> = register().difference(&elements).cloned().collect();
        assert!(missing.is_empty(), "elements without a generator: {missing:?}");
    }
}

fn told(story: Story, dice: &mut Dice, tally: &mut Tally, elements: &mut BTreeSet<String>) -> Result<(), String> {
    let case = Case::load(story)?;
    elements.extend(case.elements());
    for way in [Way::Straight, Way::Thawed, Way::Replayed] {
        case.pure(way).map_err(|why| format!("{way:?}: {why}"))?;
        tally.count("in the core");
    }
    if dice.below(4) == 3 {
        let memory = case.twice_in_memory().map_err(|why| format!("twice in memory: {why}"))?;
        tally.count("twice in memory");
        if dice.below(4) == 3 {
            let file = case.twice_in_a_file().map_err(|why| format!("twice in a file: {why}"))?;
            tally.count("twice in a file, closed between any two commands");
            if memory != file {
                return Err("the stores hold different rows".into());
            }
        }
    }
    if dice.below(4) == 3 {
        case.crashing(dice).map_err(|why| format!("crashing: {why}"))?;
        tally.count("crashing");
    }
    Ok(())
}

/// The elements that run, as the register names them.
fn register() -> BTreeSet<String> {
    let text = std::fs::read_to_string("src/element/mod.rs").expect("the register");
    let list = text.split("pub enum Element {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("its elements");
    let variants = list.lines().filter_map(|line| line.trim().split_once('(')).map(|(name, _)| name.to_string());
    variants.filter(|name| !name.starts_with("//")).collect()
}

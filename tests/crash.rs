//! What is left when the program dies: nothing that was acknowledged is lost, nothing is done twice, and all of it goes on.
//!
//! Sales of the shipped library are worked with command ids that are known beforehand, so that whoever comes back sends the same
//! command again. Once the process is killed at random moments, once the store dies at every single commit.

#[path = "crash_support/dying.rs"]
mod dying;
#[path = "crash_support/sale.rs"]
mod sale;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stageflow::store::{MemoryStore, SqliteStore};

use dying::{Dying, When};
use sale::{Log, STEPS, Seller, open, story};

/// How often the program is killed.
const KILLS: u32 = 30;
/// Names the file that the killed program works on; without it, it is no program but a test without a case.
const FILE: &str = "STAGEFLOW_CRASH_FILE";

/// The program that dies: it takes up where its log ends and sells until it is killed.
#[test]
fn the_program_that_is_killed() {
    let Ok(file) = std::env::var(FILE) else { return };
    let log = Log::read(&log_of(Path::new(&file)), true);
    let store = SqliteStore::open(&file).expect("the file opens after every crash");
    let mut seller = Seller::new(open(store).expect("the engine goes on"), log);
    loop {
        if let Err(error) = seller.sell() {
            seller.log.broke(&error);
            return;
        }
    }
}

fn log_of(file: &Path) -> std::path::PathBuf {
    file.with_extension("log")
}

/// Numbers as if thrown, the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn program(file: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "the_program_that_is_killed", "--nocapture"]).env(FILE, file);
    command.stdout(Stdio::null()).spawn().expect("the program starts")
}

/// Lets the program work a little and kills it: mostly in the middle of sales, now and then while it opens the file.
fn kill_in_the_middle(file: &Path, dice: &mut Dice) {
    let length = || fs::metadata(log_of(file)).map_or(0, |found| found.len());
    let (before, mut child) = (length(), program(file));
    let begun = Instant::now();
    if dice.below(5) == 0 {
        std::thread::sleep(Duration::from_millis(dice.below(250)));
    } else {
        while length() == before && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(dice.below(120_000)));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_repeats_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("crm.db");
    let seed = std::env::var("CRASH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
    println!("CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    for kill in 0..KILLS {
        kill_in_the_middle(&file, &mut dice);
        let log = Log::read(&log_of(&file), false);
        assert_eq!(log.broken, None, "after {kill} kills");
        let store = SqliteStore::open(&file).expect("the file opens after every crash");
        assert_eq!(log.lost(&store), Vec::<String>::new(), "acknowledged, and lost by kill {kill}");
    }
    let log = Log::read(&log_of(&file), false);
    let store = SqliteStore::open(&file).expect("the file opens");
    let mut seller = Seller::new(open(store).expect("the engine goes on"), log);
    seller.sell().expect("the sale that was cut off goes on to its end");
    let sales = seller.log.sales();
    assert!(sales >= 3, "only {sales} sales in {KILLS} lives");
    let told = story(&seller.engine);
    seller.again().expect("every command may be sent again");
    assert_eq!(story(&seller.engine), told, "what was sent again did something");
    sale::assert_whole(&seller.engine, sales);
    println!("{sales} sales, {} commands acknowledged, {KILLS} kills", seller.log.acknowledged());
}

/// One sale over a store that dies with its commit number `at`, then the same commands again over what is left.
fn sell_through_a_crash(at: u64, when: When) -> (bool, String) {
    let left = MemoryStore::at("2026-03-02T09:00:00Z".parse().expect("an instant"));
    let dying = Dying::new(left.clone(), at, when);
    let mut log = Log::default();
    if let Ok(engine) = open(dying.clone()) {
        let mut seller = Seller::new(engine, log);
        let _died = seller.sell();
        log = seller.log;
    }
    assert_eq!(log.lost(&left), Vec::<String>::new(), "dying {when:?} commit {at}");
    let mut seller = Seller::new(open(left).expect("the engine goes on"), log);
    seller.sell().unwrap_or_else(|error| panic!("dying {when:?} commit {at}: {error}"));
    seller.again().unwrap_or_else(|error| panic!("dying {when:?} commit {at}: {error}"));
    sale::assert_whole(&seller.engine, 1);
    (dying.died(), story(&seller.engine))
}

#[test]
fn dying_at_any_commit_it_tells_the_same_story() {
    let (died, straight) = sell_through_a_crash(u64::MAX, When::Before);
    assert!(!died);
    for at in 0.. {
        let both = [When::Before, When::After].map(|when| {
            let (died, told) = sell_through_a_crash(at, when);
            assert_eq!(told, straight, "dying {when:?} commit {at}");
            died
        });
        if both == [false, false] {
            assert!(
                at > STEPS.len() as u64,
                "only {at} commits: each command has its own, and so have the definitions"
            );
            return;
        }
    }
}

/// `halt` is that crash from outside: what follows from a command is left for the next program.
#[test]
fn halted_behind_every_command_it_tells_the_same_story() {
    let (_, straight) = sell_through_a_crash(u64::MAX, When::Before);
    let store = MemoryStore::at("2026-03-02T09:00:00Z".parse().expect("an instant"));
    let mut log = Log::default();
    for step in 0..STEPS.len() {
        let mut seller = Seller::new(open(store.clone()).expect("the engine goes on"), log);
        seller.engine.work().expect("what was left is worked off");
        seller.prepare(step).expect("the task is open");
        seller.engine.halt();
        seller.deliver(step).expect("the command is committed");
        log = seller.log;
    }
    let seller = Seller::new(open(store).expect("the engine goes on"), log);
    seller.engine.work().expect("what was left is worked off");
    assert_eq!(story(&seller.engine), straight);
}

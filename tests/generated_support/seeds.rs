//! Many cases, each from a seed of its own. A case that fails is made smaller before it is shown.

use std::collections::BTreeMap;
use std::fmt;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::dice::Dice;

/// The numbers that a case is made of, at most.
const NUMBERS: usize = 400;

/// How many cases `cargo test` makes in all.
const USUAL: u64 = 2_000;

/// Runs so many of four quarters of all cases (`GENERATED_RUNS`), or the one of `GENERATED_SEED`.
pub fn run(what: &str, quarters: u64, mut case: impl FnMut(&mut Dice) -> Result<(), String>) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("GENERATED_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("GENERATED_RUNS").unwrap_or(USUAL) * quarters / 4,
    };
    for seed in seeds {
        if let Err(failure) = one(seed, &mut case) {
            panic!("{what}: {failure}\nGENERATED_SEED={seed} runs it again");
        }
    }
}

fn one(seed: u64, case: &mut impl FnMut(&mut Dice) -> Result<(), String>) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { max_shrink_iters: 5_000, max_shrink_time: 15_000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tree = vec(any::<u32>(), NUMBERS).new_tree(&mut runner).map_err(|reason| reason.to_string())?;
    let case = std::cell::RefCell::new(case);
    let told =
        runner.run_one(tree, |numbers| (case.borrow_mut())(&mut Dice::new(numbers)).map_err(TestCaseError::fail));
    match told {
        Ok(_) => Ok(()),
        Err(TestError::Fail(reason, _)) => Err(reason.message().to_string()),
        Err(TestError::Abort(reason)) => Err(reason.message().to_string()),
    }
}

/// What came of the cases.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, usize>);

impl Tally {
    pub fn count(&mut self, what: &str) {
        self.add(what, 1);
    }

    pub fn add(&mut self, what: &str, count: usize) {
        *self.0.entry(what.to_string()).or_default() += count;
    }

    pub fn of(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(what, count)| format!("{count} {what}")).collect();
        to.write_str(&parts.join(", "))
    }
}

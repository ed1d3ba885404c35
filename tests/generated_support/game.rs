//! One random net, played by the engine and by the reference interpreter with the same choices, compared after every command.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use stageflow::element::Catalog;
use stageflow::entity::Principal;
use stageflow::instance::rows::Values;
use stageflow::instance::{Command, Id, StartBy, WaitKind};
use stageflow::load::{self, Sources};
use stageflow::model::{Name, Value};

use crate::dice::Dice;
use crate::events::{self, Outside};
use crate::net::{FIRST_PICK, Kind, Net, PICKS};
use crate::observe::{self, Seen, plain};
use crate::reference::{Body, Game, Place, Scope, Token};
use crate::world::{Scene, Way};
use crate::{flat, graphs};

/// How a case went.
#[derive(Debug, PartialEq, Eq)]
pub enum Played {
    /// The loader refuses it, or it is too large for the reference interpreter.
    Discarded(&'static str),
    /// So many commands, and whether the run is over and whether it has incidents.
    Compared { commands: usize, over: bool, incidents: bool },
}

/// Most commands of a case.
const COMMANDS: usize = 14;

/// Most states that the reference interpreter may think possible at once.
const MOST_POSSIBLE: usize = 400;

/// Makes a net from the dice and plays it. The error is everything that is needed to understand it.
pub fn play(dice: &mut Dice, way: Way) -> Result<Played, String> {
    let net = graphs::net(dice);
    let (library, process) = flat::texts(&net);
    let mut sources = Sources::new();
    sources.add("library.yaml", library.clone());
    sources.add("p.yaml", process.clone());
    let loaded = match load::library(&sources) {
        Ok(loaded) => loaded,
        Err(refused) => return Ok(Played::Discarded(refused.problems[0].code)),
    };
    if loaded.warnings.iter().any(|problem| problem.code == "loop-without-wait") {
        return Ok(Played::Discarded("loop-without-wait"));
    }
    let mut catalog = Catalog::new(Arc::new(loaded.library));
    loaded.definitions.into_iter().for_each(|definition| catalog.add(definition));
    let mut table = Table::new(&net, catalog, way);
    table
        .play(dice)
        .map_err(|why| format!("{why}\n\ncommands:\n  {}\n\n{library}---\n{process}", table.told.join("\n  ")))
}

/// The game at its table: the engine's scene beside all states that the reference interpreter thinks possible.
struct Table<'a> {
    net: &'a Net,
    scene: Scene,
    possible: BTreeSet<Scope>,
    pick: i64,
    told: Vec<String>,
}

impl<'a> Table<'a> {
    fn new(net: &'a Net, catalog: Catalog, way: Way) -> Self {
        let beginning: DateTime<Utc> = "2026-03-02T09:00:00Z".parse().expect("an instant");
        let scene = Scene::new(catalog, beginning, way);
        Self { net, scene, possible: BTreeSet::new(), pick: FIRST_PICK, told: Vec::new() }
    }

    fn play(&mut self, dice: &mut Dice) -> Result<Played, String> {
        let start = Command::Start {
            process: Name::new("p"),
            version: None,
            by: StartBy::Hand,
            record: None,
            new: None,
            with: Values::new(),
            caller: None,
            depth: 0,
        };
        self.told.push("start p".into());
        self.give(start, None)?;
        let Some(possible) = (Game { pick: self.pick }).settle(self.net, [Scope::open(self.net)]) else {
            return Ok(Played::Discarded("too many states"));
        };
        self.possible = possible;
        for at in 0..=COMMANDS {
            if self.state()?.incidents.iter().any(|incident| &*incident.code == "too_many_steps") {
                return Ok(Played::Discarded("too many steps"));
            }
            let seen = self.compare()?;
            if seen.over || seen.waits.is_empty() || at == COMMANDS {
                let incidents = !self.state()?.incidents.is_empty();
                return Ok(Played::Compared { commands: at, over: seen.over, incidents });
            }
            let (what, command) = self.choose(&seen, dice)?;
            self.told.push(format!("{what:?}"));
            let instance = match command {
                Command::Fire(_) | Command::Deliver(..) => Some(self.run()?),
                _ => None,
            };
            self.give(command, instance)?;
            if let Outside::Completes(_, pick) = what {
                self.pick = pick;
            }
            let game = Game { pick: self.pick };
            let next = self.possible.iter().flat_map(|state| game.outside(self.net, state, &what)).collect::<Vec<_>>();
            match game.settle(self.net, next) {
                Some(possible) if possible.len() <= MOST_POSSIBLE => self.possible = possible,
                _ => return Ok(Played::Discarded("too many states")),
            }
        }
        Err("the game does not end".into())
    }

    fn run(&self) -> Result<Id, String> {
        self.scene.rows.instances.keys().next().copied().ok_or_else(|| "no run".into())
    }

    fn state(&self) -> Result<&stageflow::instance::State, String> {
        self.scene.rows.instances.get(&self.run()?).map(|(_, state)| state).ok_or_else(|| "no run".into())
    }

    fn give(&mut self, command: Command, instance: Option<Id>) -> Result<(), String> {
        self.scene.told.clear();
        if let (Command::Fire(wait), Some(run)) = (&command, instance) {
            let due = self.scene.rows.timers.remove(&(run, *wait)).ok_or("no timer is armed")?;
            self.scene.now = self.scene.now.max(due);
        }
        self.scene.run(command, instance, Principal::System).map_err(|refused| format!("refused: {refused}"))
    }

    /// One of those that wait is chosen; the engine's own wait of it takes the event.
    fn choose(&self, seen: &Seen, dice: &mut Dice) -> Result<(Outside, Command), String> {
        let id = dice.of(&seen.waits).clone();
        let def = self.scene.catalog.newest("p").ok_or("no definition")?;
        let state = self.state()?;
        let at = |wait: &&stageflow::instance::Wait| &*def.step(wait.node) == id.as_str();
        let fitting: Vec<_> = state.waits.iter().filter(at).collect();
        let wait = fitting.get(dice.below(fitting.len())).ok_or_else(|| format!("nothing waits at {id}"))?;
        Ok(match &wait.kind {
            WaitKind::Task(task) => {
                let pick = dice.below(PICKS as usize) as i64;
                let form = Values::from([(Name::new("n"), Value::Number(pick.into()))]);
                (Outside::Completes(id, pick), Command::Complete { task: *task, outcome: None, form })
            }
            // A signal is for everybody: it is thrown where one waits, and else brought to one of them.
            WaitKind::Signal(name) if fitting.len() == 1 => {
                (Outside::Happens(id), Command::Signal(name.clone(), Values::new()))
            }
            WaitKind::Signal(name) => {
                let payload = stageflow::instance::Payload::Signal(name.clone(), Vec::new());
                (Outside::Happens(id), Command::Deliver(wait.id, payload))
            }
            WaitKind::Message(name, _) => {
                let command = Command::Publish { message: name.clone(), key: Value::NULL, with: Values::new() };
                (Outside::Happens(id), command)
            }
            _ => (Outside::Happens(id), Command::Fire(wait.id)),
        })
    }

    /// What is seen must be possible; only what fits stays possible.
    fn compare(&mut self) -> Result<Seen, String> {
        let def = self.scene.catalog.newest("p").ok_or("no definition")?;
        let seen = observe::run(def, self.net, self.state()?)?;
        let fitting: BTreeSet<Scope> =
            self.possible.iter().filter(|state| plain(state) == seen.scope).cloned().collect();
        let Some(one) = fitting.first() else {
            let show = |state: &Scope| format!("\n  {}", describe(self.net, &plain(state)));
            let expected: String = self.possible.iter().map(show).collect();
            return Err(format!("the engine is at\n  {}\nexpected{expected}", describe(self.net, &seen.scope)));
        };
        if seen.over != one.is_done() {
            return Err(format!("over: {}, expected {}", seen.over, one.is_done()));
        }
        let waits = events::waits(self.net, one);
        if waits != seen.waits {
            return Err(format!("the engine waits for {:?}, expected {waits:?}", seen.waits));
        }
        let hopeless = hangs(self.net, one);
        if hopeless && seen.deadlocks.is_empty() {
            return Err(format!("nothing can go on, and no incident says so: {}", describe(self.net, &seen.scope)));
        }
        self.possible = fitting;
        Ok(seen)
    }
}

/// Whether somewhere tokens wait at joins alone, and nothing is there that could free them: never a silent hang.
fn hangs(net: &Net, scope: &Scope) -> bool {
    let waits = |token: &Token| matches!(token, Token::Waits(_));
    let inside = |token: &Token| match token {
        Token::In(node, body) => inner_hangs(net, *node, body),
        _ => false,
    };
    !scope.tokens.is_empty() && scope.tokens.iter().all(waits)
        || scope.tokens.iter().any(inside)
        || scope.handlers.iter().any(|(at, running)| hangs(&net.handlers[*at].net, running))
}

fn inner_hangs(net: &Net, node: usize, body: &Body) -> bool {
    match (body, &net.nodes[node].kind) {
        (Body::Sub(scope), Kind::Sub(inner)) => hangs(inner, scope),
        (Body::Rounds { open, .. }, _) => open.iter().any(|round| inner_hangs(net, node, round)),
        _ => false,
    }
}

/// A state for people.
fn describe(net: &Net, scope: &Scope) -> String {
    let flow = |flow: usize| format!("{}>{}", net.nodes[net.flows[flow].from].id, net.nodes[net.flows[flow].to].id);
    let token = |token: &Token| match token {
        Token::Enters(node) => format!("before {}", net.nodes[*node].id),
        Token::Leaves(node) => format!("behind {}", net.nodes[*node].id),
        Token::On(on) | Token::Waits(on) => flow(*on),
        Token::In(node, body) => format!("{}{}", net.nodes[*node].id, describe_body(net, *node, body)),
        Token::Gathered(node) => format!("gathered at {}", net.nodes[*node].id),
        Token::Failed(Place::At(node), code) => format!("!{code} at {}", net.nodes[*node].id),
        Token::Failed(Place::Gathered(node), code) => format!("!{code} gathered at {}", net.nodes[*node].id),
        Token::Failed(Place::On(on), code) => format!("!{code} on {}", flow(*on)),
    };
    let mut parts: Vec<String> = scope.tokens.iter().map(token).collect();
    parts.extend(
        scope
            .handlers
            .iter()
            .map(|(at, running)| format!("{}{}", net.handlers[*at].id, describe(&net.handlers[*at].net, running))),
    );
    parts.extend(scope.memories.keys().map(|node| format!("{} has gone on", net.nodes[*node].id)));
    format!("[{}]", parts.join(", "))
}

fn describe_body(net: &Net, node: usize, body: &Body) -> String {
    match (body, &net.nodes[node].kind) {
        (Body::Sub(scope), Kind::Sub(inner)) => describe(inner, scope),
        (Body::Rounds { open, begun, done }, _) => {
            let open: Vec<String> = open.iter().map(|round| describe_body(net, node, round)).collect();
            format!("({} of {begun} begun, {done} done: {})", open.len(), open.join(", "))
        }
        _ => String::new(),
    }
}

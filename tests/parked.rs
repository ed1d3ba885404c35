//! What waits holds nothing in memory: an engine over a file with many parked instances holds as much as one over a file with few.
//! A file of its own, since its allocator counts for the whole program.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use stageflow::Engine;
use stageflow::load::Sources;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::sqlite::Options;
use stageflow::store::{Durability, SqliteStore, TaskFilter};

/// The system's allocator with a count of the bytes that are held.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the allocator unchanged; only a number is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LIBRARY: &str = "
library: l
entities:
  user: {fields: {name: text, roles: list(text)}}
  lead: {fields: {name: text, owner: ref(user)}}
messages: {reply: {key: ref(lead), external: true}}
";

const PROCESS: &str = "
process: wait
entity: lead
steps:
  - race:
      - {id: replied, message: reply, steps: [{id: ask, user_task: \"Ask {self.name}\", assign: self.owner}]}
      - {after: 30 days, steps: [{end: Given up}]}
";

fn engine(file: &Path) -> Engine {
    let mut sources = Sources::new();
    sources.add("l.yaml", LIBRARY);
    sources.add("wait.yaml", PROCESS);
    let options = Options { durability: Durability::Normal, clock: None };
    Engine::builder().store(SqliteStore::open_with(file, options).unwrap()).sources(sources).build().unwrap()
}

fn park(file: &Path, count: usize) {
    let engine = engine(file);
    let anna = engine.system().create_as("user", "anna", [("name", Value::text("Anna"))]).unwrap();
    for number in 0..count {
        let values = [("name", Value::text(format!("Lead {number}"))), ("owner", Value::Ref(anna.clone()))];
        let lead = engine.system().create_as("lead", &format!("l{number}"), values).unwrap();
        engine.system().start("wait").about(&lead).run().unwrap();
    }
}

/// The bytes that an engine holds after it was opened and went on with one instance of those that wait in the file.
fn held(file: &Path, lead: &str) -> usize {
    let before = HELD.load(Ordering::SeqCst);
    let engine = engine(file);
    engine.work().unwrap();
    engine.system().publish("reply", Value::Ref(Ref::new("lead", lead)), Vec::<(Name, Value)>::new()).unwrap();
    engine.settle().unwrap();
    assert!(!engine.tasks(&TaskFilter::default()).unwrap().is_empty());
    HELD.load(Ordering::SeqCst).saturating_sub(before)
}

#[test]
fn parked_instances_hold_nothing_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (few, many) = (folder.path().join("few.db"), folder.path().join("many.db"));
    park(&few, 20);
    park(&many, 1_000);
    // Whatever a program makes once, it has made now.
    held(&few, "l7");
    let (few, many) = (held(&few, "l8"), held(&many, "l8"));
    assert!(many < few + 20_000, "980 more instances that wait hold {} bytes more", many.saturating_sub(few));
}

//! Reactions: what one turn asks of another instance, each run as its receiver's own turn, before new commands (S25).

use std::sync::Arc;

use super::error::Error;
use super::one::One;
use super::shop::{Shop, Told, derived};
use crate::entity::Principal;
use crate::instance::{Id, Need, Payload, Reaction, Receiver};
use crate::store::{Applied, JournalBody, JournalRow, StoreError, Tx, Write};
use crate::turn::{self, Answer};

/// Why what reaches a suspended run is put aside; it is put back when the run goes on.
const SUSPENDED: &str = "the instance is suspended";

impl Shop<'_> {
    /// Runs the oldest reaction, if there is one; a failing one is put aside with its reason, and its cause stays.
    pub fn react(&self, tx: &mut dyn Tx, outputs: &mut Vec<Arc<JournalRow>>) -> Result<bool, StoreError> {
        let Some((seq, reaction)) = tx.next_reaction()? else {
            self.roots().clear();
            return Ok(false);
        };
        let Some(reaction) = reaction else {
            tx.park_reaction(seq, Some("its bytes are corrupt"))?;
            return Ok(true);
        };
        if let Some(why) = self.out_of_bounds(&reaction) {
            tx.park_reaction(seq, Some(&why))?;
            return Ok(true);
        }
        let told = match self.reacting(seq, &reaction) {
            Some(one) => self.one(tx, &one, None, outputs)?,
            None => Err(Error::Unknown("the reaction asks nothing".into())),
        };
        match told {
            Ok(_) => {}
            // A start that meets its guard, and a receiver that has ended meanwhile, are recorded, not failures.
            Err(error) if matches!(error.code(), "already_running" | "not_waiting" | "unknown") => {
                self.pass_by(tx, seq, &reaction, &error.to_string(), outputs)?;
            }
            Err(error) if error.code() == "suspended" => tx.park_reaction(seq, Some(SUSPENDED))?,
            Err(error) => tx.park_reaction(seq, Some(&error.to_string()))?,
        }
        Ok(true)
    }

    /// Reactions are bounded by depth, and those of depth 2 and more by their number for one command; a direct fan-out is not.
    fn out_of_bounds(&self, reaction: &Reaction) -> Option<String> {
        let most = self.limits.reaction_depth;
        if reaction.depth > most {
            return Some(format!("reactions follow from each other more than {most} deep"));
        }
        if reaction.depth >= 2 {
            let mut roots = self.roots();
            let count = roots.entry(reaction.root).or_insert(0);
            *count = count.saturating_add(1);
            let most = self.limits.reactions_per_root;
            if *count > most {
                return Some(format!("more than {most} reactions follow from one command"));
            }
        }
        None
    }

    fn reacting(&self, seq: u64, reaction: &Reaction) -> Option<One> {
        let root = Id::from_bytes(reaction.root);
        let id = derived(root, seq.saturating_add(2));
        let (command, instance) = match reaction.to.clone() {
            Receiver::Wait(id, wait) => (turn::of_reaction(reaction.payload.clone(), Some(wait))?, Some(id)),
            Receiver::Instance(id) => (turn::of_reaction(reaction.payload.clone(), None)?, Some(id)),
            Receiver::Start(process, at, record) => {
                (turn::start_of_reaction(process, at, record, reaction.payload.clone()), None)
            }
        };
        Some(One {
            command: Arc::new(command),
            instance,
            principal: Principal::System,
            on_behalf_of: reaction.principal.clone(),
            id,
            ids: id,
            root,
            depth: reaction.depth,
            stamp: None,
            consumed: Some(seq),
            job: None,
            silent: false,
        })
    }

    fn pass_by(
        &self,
        tx: &mut dyn Tx,
        seq: u64,
        reaction: &Reaction,
        why: &str,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<(), StoreError> {
        let what = match &reaction.to {
            Receiver::Start(process, ..) => format!("{process} was not started"),
            Receiver::Wait(id, _) | Receiver::Instance(id) => format!("nothing for instance {id}"),
        };
        let body = JournalBody {
            kind: "reaction".into(),
            notes: vec![format!("{what}: {why}")],
            root: Some(reaction.root),
            ..JournalBody::default()
        };
        let write = Write { consumed: Some(seq), ..self.bare(Id::from_bytes(reaction.root), body) };
        self.put(tx, write, outputs)
    }

    /// What came for an instance and could not be taken is put aside as a reaction of its own: visible, and to be retried.
    pub fn put_aside(
        &self,
        tx: &mut dyn Tx,
        one: &One,
        payload: Payload,
        needs: Vec<Need>,
        why: &Error,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        let (Some(instance), Some(wait)) = (one.instance, one.wait()) else { return Ok(Ok(Answer::default())) };
        let why = if why.code() == "suspended" { SUSPENDED.to_string() } else { why.to_string() };
        let (depth, root) = (1, *one.id.as_bytes());
        let reaction = Reaction { to: Receiver::Wait(instance, wait), payload, depth, root, principal: None };
        let body =
            JournalBody { kind: "reaction".into(), notes: vec![format!("put aside: {why}")], ..JournalBody::default() };
        let write = Write { needs, parked: vec![(reaction, why)], job: one.job, ..self.bare(one.id, body) };
        self.put_fenced(tx, write, outputs)
    }

    /// What was put aside while a run was suspended comes to it now.
    pub fn put_back(&self, tx: &mut dyn Tx, instance: Id) -> Result<(), StoreError> {
        for failed in tx.failed_reactions()? {
            let to = failed.reaction.as_ref().map(|reaction| &reaction.to);
            let is_his = matches!(to, Some(Receiver::Wait(id, _) | Receiver::Instance(id)) if *id == instance);
            if is_his && failed.why == SUSPENDED {
                tx.park_reaction(failed.seq, None)?;
                self.asked.set(true);
            }
        }
        Ok(())
    }

    /// A row of the journal that belongs to no turn, with what is written beside it.
    pub fn bare(&self, command: Id, body: JournalBody) -> Write {
        Write { journal: JournalRow { at: self.now, command, body, ..JournalRow::default() }, ..Write::default() }
    }

    /// Applies a write that only a lost lease can refuse.
    pub fn put_fenced(
        &self,
        tx: &mut dyn Tx,
        write: Write,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        match (write.job, tx.apply(write)?) {
            (_, Applied::Applied(row)) => {
                outputs.push(row);
                Ok(Ok(Answer::default()))
            }
            (Some((job, _)), Applied::Fenced) => Ok(Err(Error::Fenced(job))),
            (_, other) => Err(StoreError::Aborted(format!("a row of the journal was refused: {other:?}"))),
        }
    }

    /// Applies a write that no guard can refuse.
    pub fn put(&self, tx: &mut dyn Tx, write: Write, outputs: &mut Vec<Arc<JournalRow>>) -> Result<(), StoreError> {
        self.put_fenced(tx, write, outputs).map(|_| ())
    }
}

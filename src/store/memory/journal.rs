//! The journal: appended to, forgotten from its beginning, and found by the records that a row changed.

use std::sync::Arc;

use super::tables::{Tables, Undo};
use crate::store::{JournalRow, Seen, Stamp};

impl Tables {
    /// The row of this number, while it is kept.
    pub fn journal_row(&self, seq: u64) -> Option<&JournalRow> {
        let at = self.journal.partition_point(|(row, _)| row.seq < seq);
        self.journal.get(at).map(|(row, _)| &**row).filter(|row| row.seq == seq)
    }

    fn touch(&mut self, row: &JournalRow) {
        self.touched.extend(row.body.changes.iter().map(|change| (change.record.clone(), row.seq)));
    }

    fn untouch(&mut self, row: &JournalRow) {
        for change in &row.body.changes {
            self.touched.remove(&(change.record.clone(), row.seq));
        }
    }

    /// Takes the first rows away for which this holds; says how many.
    pub fn forget_journal(&mut self, old: impl Fn(&JournalRow) -> bool) -> usize {
        let count = self.journal.iter().take_while(|(row, _)| old(row)).count();
        let gone: Vec<_> = self.journal.drain(..count).collect();
        let bytes = gone.iter().fold(0, |sum: usize, (_, bytes)| sum.saturating_add(*bytes));
        self.journal_bytes = self.journal_bytes.saturating_sub(bytes);
        gone.iter().for_each(|(row, _)| self.untouch(row));
        self.undo_by(move |tables| {
            tables.journal_bytes = tables.journal_bytes.saturating_add(bytes);
            for (row, bytes) in gone.into_iter().rev() {
                tables.touch(&row);
                tables.journal.push_front((row, bytes));
            }
        });
        count
    }

    /// Takes the last row away, as if it had never been.
    pub fn take_appended(&mut self, bytes: usize) {
        if let Some((row, _)) = self.journal.pop_back() {
            self.untouch(&row);
            self.journal_bytes = self.journal_bytes.saturating_sub(bytes);
        }
        self.seq = self.seq.saturating_sub(1);
    }

    /// Appends a row with its number, and what the command is answered if it comes again.
    pub fn append(&mut self, row: JournalRow, stamp: Option<Stamp>) -> Arc<JournalRow> {
        self.seq = self.seq.saturating_add(1);
        let row = Arc::new(JournalRow { seq: self.seq, ..row });
        let at = row.at;
        let bytes = 200_usize.saturating_add(row.body.facts.len().saturating_mul(64));
        self.touch(&row);
        self.journal.push_back((row.clone(), bytes));
        self.journal_bytes = self.journal_bytes.saturating_add(bytes);
        if let Some(stamp) = stamp {
            let seen = Seen { hash: stamp.hash, answer: stamp.answer };
            self.seen.insert(stamp.command, (seen, at));
            let command = stamp.command;
            self.undo_by(move |tables| drop(tables.seen.remove(&command)));
        }
        self.undo_to(Undo::Appended(bytes));
        while self.journal_limit > 0 && self.journal_bytes > self.journal_limit && self.journal.len() > 1 {
            if let Some((row, bytes)) = self.journal.pop_front() {
                self.untouch(&row);
                self.journal_bytes = self.journal_bytes.saturating_sub(bytes);
            }
        }
        row
    }
}

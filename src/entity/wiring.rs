//! What follows what: which columns a save looks at again when another one changes, and in which order. Worked out once
//! from the library, so that a save neither sorts nor searches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::library::{Entity, Field, Library};
use crate::model::expr::{Expr, Root};
use crate::model::{Name, Slot, Type};

/// The wiring of a library, made at its first save or by [`Library::seal`].
#[derive(Debug, Default)]
pub struct Wiring(OnceLock<Wires>);

impl Wiring {
    pub(super) fn of(&self, library: &Library) -> &Wires {
        self.0.get_or_init(|| Wires::new(library))
    }
}

/// The place of a column among all that saves fill: every column stands behind those that it reads.
pub(super) type Rank = usize;

/// The wiring of every entity.
#[derive(Debug, Default)]
pub(super) struct Wires {
    of: BTreeMap<Name, Links>,
    /// The entity and the place in its columns, by rank.
    columns: Vec<(Name, usize)>,
    none: Links,
}

/// What a change of an entity's records leads to.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// The columns that are filled when a record is made.
    pub filled: Vec<Rank>,
    /// By column: own columns that follow it.
    pub own: BTreeMap<Name, Vec<Rank>>,
    /// By column: columns of a parent that read it over their list of children.
    pub up: BTreeMap<Name, Vec<Up>>,
    /// By column: columns of children that read it of their parent.
    pub down: BTreeMap<Name, Vec<Down>>,
    /// The lists of children that the records stand in.
    pub parents: Vec<Parent>,
    /// By the column of a currency: the places of the amounts in it that are not computed.
    pub amounts: BTreeMap<Name, Vec<usize>>,
    /// Columns by which a record refers to its parent of the same entity.
    pub trees: Vec<Name>,
    /// Columns that refer to these records.
    pub referrers: Vec<Referrer>,
}

/// A parent's column that reads a column of its children.
#[derive(Debug)]
pub(super) struct Up {
    pub parent: Name,
    /// The child's column that refers to the parent.
    pub key: Name,
    pub rank: Rank,
}

/// A child's column that reads a column of its parent.
#[derive(Debug)]
pub(super) struct Down {
    pub child: Name,
    /// The child's column that refers to the parent.
    pub key: Name,
    pub rank: Rank,
}

/// A list of children, seen from the child.
#[derive(Debug)]
pub(super) struct Parent {
    pub entity: Name,
    /// The child's column that refers to the parent.
    pub key: Name,
    /// The parent's columns that read the list.
    pub readers: Vec<Rank>,
}

/// A column that refers to records of an entity.
#[derive(Debug)]
pub(super) struct Referrer {
    pub entity: Name,
    pub column: Name,
    pub required: bool,
}

impl Wires {
    /// What a change of an entity's records leads to; nothing for the engine's own.
    pub fn links(&self, entity: &Name) -> &Links {
        self.of.get(entity).unwrap_or(&self.none)
    }

    /// The place in its entity's columns of the column of a rank.
    pub fn place(&self, rank: Rank) -> usize {
        self.columns.get(rank).map_or(usize::MAX, |(_, place)| *place)
    }

    fn new(library: &Library) -> Self {
        let mut wires = Wires { columns: ranked(library), ..Wires::default() };
        for entity in library.entities.values().filter(|entity| entity.rows.is_none()) {
            wires.stand(library, entity);
        }
        for (rank, (entity, place)) in wires.columns.clone().into_iter().enumerate() {
            wires.at(&entity).filled.push(rank);
            let Some(entity) = library.entity(&entity) else { continue };
            let Some(field) = entity.fields.get(place) else { continue };
            for path in triggers(entity, field) {
                wires.connect(library, entity, field, rank, &path);
            }
        }
        wires
    }

    fn at(&mut self, entity: &Name) -> &mut Links {
        self.of.entry(entity.clone()).or_default()
    }

    /// Where an entity stands among the others, whatever is computed.
    fn stand(&mut self, library: &Library, entity: &Entity) {
        for child in &entity.children {
            let known = |parent: &Parent| parent.entity == entity.name && parent.key == child.column;
            if !self.at(&child.entity).parents.iter().any(known) {
                let parent = Parent { entity: entity.name.clone(), key: child.column.clone(), readers: Vec::new() };
                self.at(&child.entity).parents.push(parent);
            }
            if child.entity == entity.name {
                self.at(&entity.name).trees.push(child.column.clone());
            }
        }
        for (place, field) in entity.fields.iter().enumerate() {
            if let (Some(currency), None) = (&field.currency, &field.computed) {
                self.at(&entity.name).amounts.entry(currency.clone()).or_default().push(place);
            }
            let Type::Ref(entities) = &field.ty else { continue };
            let any = || library.entities.values().filter(|entity| entity.rows.is_none()).map(|entity| &entity.name);
            let targets: Vec<&Name> = if entities.is_empty() { any().collect() } else { entities.iter().collect() };
            for target in targets.into_iter().filter(|_| field.computed.is_none()) {
                let (entity, column) = (entity.name.clone(), field.name.clone());
                self.at(target).referrers.push(Referrer { entity, column, required: field.required });
            }
        }
    }

    /// Notes that a column follows what a path leads to: its own column, then a column of its children or of its parent.
    fn connect(&mut self, library: &Library, entity: &Entity, field: &Field, rank: Rank, path: &[Name]) {
        let Some((first, rest)) = path.split_first() else { return };
        let second = rest.first();
        if *first != field.name {
            push(self.at(&entity.name).own.entry(first.clone()).or_default(), rank);
        }
        if let Some(list) = entity.children.iter().find(|child| child.name == *first) {
            let links = self.at(&list.entity);
            let parents = links.parents.iter_mut();
            for parent in parents.filter(|parent| parent.entity == entity.name && parent.key == list.column) {
                push(&mut parent.readers, rank);
            }
            if let Some(second) = second {
                let up = Up { parent: entity.name.clone(), key: list.column.clone(), rank };
                links.up.entry(second.clone()).or_default().push(up);
            }
            return;
        }
        let (Some(Type::Ref(parents)), Some(second)) = (entity.field(first).map(|field| &field.ty), second) else {
            return;
        };
        for parent in parents.iter().filter_map(|parent| library.entity(parent)) {
            if parent.children.iter().any(|child| child.entity == entity.name && child.column == *first) {
                let down = Down { child: entity.name.clone(), key: first.clone(), rank };
                self.at(&parent.name).down.entry(second.clone()).or_default().push(down);
            }
        }
    }
}

fn push(ranks: &mut Vec<Rank>, rank: Rank) {
    if !ranks.contains(&rank) {
        ranks.push(rank);
    }
}

/// The paths whose change makes a save look at the column again.
fn triggers(entity: &Entity, field: &Field) -> Vec<Vec<Name>> {
    let Some(computed) = &field.computed else { return field.again_when.clone() };
    let mut paths: Vec<Vec<Name>> = Vec::new();
    for read in computed.reads() {
        match &read.root {
            Root::Slot(Slot(0)) => paths.push(read.path.iter().map(|step| step.column.clone()).collect()),
            // A column of a record that came along no path that is told apart: along any that leads there.
            Root::Found => read.columns().for_each(|(of, column)| {
                let ways = ways_to(entity, of);
                paths.extend(ways.map(|way| vec![way.clone(), column.clone()]));
            }),
            _ => {}
        }
    }
    paths.extend(field.currency.iter().map(|currency| vec![currency.clone()]));
    paths
}

/// The columns and lists of an entity that lead to another one.
fn ways_to<'e>(entity: &'e Entity, to: &'e Name) -> impl Iterator<Item = &'e Name> {
    let refers = move |field: &&Field| matches!(&field.ty, Type::Ref(entities) if entities.contains(to));
    let columns = entity.fields.iter().filter(refers).map(|field| &field.name);
    columns.chain(entity.children.iter().filter(move |child| child.entity == *to).map(|child| &child.name))
}

/// The columns that saves fill, each behind those it reads.
fn ranked(library: &Library) -> Vec<(Name, usize)> {
    let mut nodes: Vec<(Name, usize)> = Vec::new();
    for entity in library.entities.values().filter(|entity| entity.rows.is_none()) {
        let filled = entity.fields.iter().enumerate().filter(|(_, field)| field.is_filled());
        nodes.extend(filled.map(|(place, _)| (entity.name.clone(), place)));
    }
    let mut numbers: BTreeMap<(&Name, &Name), usize> = BTreeMap::new();
    for (at, (entity, place)) in nodes.iter().enumerate() {
        let field = library.entity(entity).and_then(|entity| entity.fields.get(*place));
        numbers.extend(field.map(|field| ((entity, &field.name), at)));
    }
    let reads: Vec<[BTreeSet<usize>; 2]> = nodes
        .iter()
        .enumerate()
        .map(|(at, (entity, place))| {
            let found = library.entity(entity).and_then(|entity| Some((entity, entity.fields.get(*place)?)));
            let [firm, loose] = found.map(|(entity, field)| columns_read(library, entity, field)).unwrap_or_default();
            [firm, loose].map(|columns| {
                let known = columns.iter().filter_map(|(entity, column)| numbers.get(&(entity, column)));
                known.filter(|other| **other != at).copied().collect()
            })
        })
        .collect();
    behind_what_they_read(&reads).into_iter().filter_map(|at| nodes.get(at).cloned()).collect()
}

/// The columns that a column reads. Loosely: what its starting value takes from other records, which were saved before.
fn columns_read(library: &Library, entity: &Entity, field: &Field) -> [Vec<(Name, Name)>; 2] {
    let [mut firm, mut loose] = [Vec::new(), Vec::new()];
    let all = |expr: &Expr| -> Vec<(Name, Name)> {
        let columns = expr.reads().iter().flat_map(|read| read.columns());
        columns.map(|(entity, column)| (entity.clone(), column.clone())).collect()
    };
    firm.extend(field.computed.iter().flat_map(all));
    for (of, column) in [&field.initial, &field.sequence].into_iter().flatten().flat_map(all) {
        if of == entity.name { firm.push((of, column)) } else { loose.push((of, column)) }
    }
    firm.extend(field.currency.iter().map(|currency| (entity.name.clone(), currency.clone())));
    for path in &field.again_when {
        let mut owners = vec![entity.name.clone()];
        for column in path {
            firm.extend(owners.iter().map(|owner| (owner.clone(), column.clone())));
            let of = |owner: &Name| library.entity(owner)?.field(column).map(|field| field.ty.clone());
            let next =
                owners.iter().filter_map(of).filter_map(|ty| if let Type::Ref(to) = ty { Some(to) } else { None });
            owners = next.flat_map(|to| to.to_vec()).collect();
        }
    }
    [firm, loose]
}

/// Puts nodes behind what they read; where they read each other, loose readings give way first, then the written order.
fn behind_what_they_read(reads: &[[BTreeSet<usize>; 2]]) -> Vec<usize> {
    let mut readers: Vec<Vec<(usize, usize)>> = vec![Vec::new(); reads.len()];
    let mut open: Vec<[usize; 2]> = reads.iter().map(|[firm, loose]| [firm.len(), loose.len()]).collect();
    for (at, kinds) in reads.iter().enumerate() {
        for (kind, read) in kinds.iter().enumerate() {
            for node in read {
                readers[*node].push((at, kind));
            }
        }
    }
    let mut order = Vec::with_capacity(reads.len());
    let mut left: BTreeSet<usize> = (0..reads.len()).collect();
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|at| open[*at] == [0, 0]).collect();
    while !left.is_empty() {
        let next = ready.pop_first().or_else(|| left.iter().copied().find(|at| open[*at][0] == 0));
        let Some(next) = next.or(left.first().copied()) else { break };
        left.remove(&next);
        order.push(next);
        for (reader, kind) in &readers[next] {
            open[*reader][*kind] = open[*reader][*kind].saturating_sub(1);
            if open[*reader] == [0, 0] && left.contains(reader) {
                ready.insert(*reader);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(reads: &[(&[usize], &[usize])]) -> Vec<usize> {
        let sets = |(firm, loose): &(&[usize], &[usize])| [firm, loose].map(|nodes| nodes.iter().copied().collect());
        behind_what_they_read(&reads.iter().map(sets).collect::<Vec<_>>())
    }

    #[test]
    fn columns_stand_behind_what_they_read() {
        assert_eq!(order(&[(&[], &[]), (&[], &[])]), [0, 1], "else in written order");
        assert_eq!(order(&[(&[2], &[]), (&[], &[]), (&[1], &[])]), [1, 2, 0]);
        assert_eq!(order(&[(&[], &[1]), (&[], &[])]), [1, 0], "loosely too");
        assert_eq!(order(&[(&[], &[1]), (&[0], &[])]), [0, 1], "but a loose reading gives way");
        assert_eq!(order(&[(&[1], &[]), (&[0], &[]), (&[], &[])]), [2, 0, 1], "a circle keeps the written order");
    }
}

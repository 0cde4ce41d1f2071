//! Files inside a room: their imports have an order, too. A circle means that no file of it can be
//! read, tested or moved alone.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Module, Names, load};

/// Circles that stay, each with its reason: the files of the circle, sorted.
const ACCEPTED: &[(&[&str], &str)] = &[];

/// Which files each file imports, within its room.
type Graph = BTreeMap<Module, BTreeSet<Module>>;

fn graph() -> Graph {
    let files = load();
    let names = Names::of(&files);
    let in_room = |file: &Module, other: &Module| file.first() == other.first();
    files
        .iter()
        .map(|file| {
            let imports = names.imports(file);
            let inside = imports
                .into_iter()
                .filter(|other| in_room(&file.module, other));
            (file.module.clone(), inside.collect())
        })
        .collect()
}

/// Everything that can be reached from `start` over one import or more.
fn reachable(graph: &Graph, start: &Module) -> BTreeSet<Module> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<_> = graph[start].iter().collect();
    while let Some(next) = open.pop() {
        if seen.insert(next.clone()) {
            open.extend(graph.get(next).into_iter().flatten());
        }
    }
    seen
}

/// The groups of files that reach one another, each sorted.
fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let reach: BTreeMap<_, _> = graph
        .keys()
        .map(|file| (file, reachable(graph, file)))
        .collect();
    graph
        .keys()
        .filter(|file| reach[file].contains(*file))
        .map(|file| {
            let mutual = graph
                .keys()
                .filter(|other| reach[file].contains(*other) && reach[other].contains(file));
            mutual.map(|module| module.join("::")).collect()
        })
        .collect()
}

/// The imports that hold a circle together, one a line.
fn knots(graph: &Graph, circle: &[String]) -> String {
    let inside = |module: &Module| circle.contains(&module.join("::"));
    graph
        .iter()
        .filter(|(file, _)| inside(file))
        .flat_map(|(file, imports)| {
            imports
                .iter()
                .filter(|other| inside(other))
                .map(move |other| (file, other))
        })
        .map(|(file, other)| format!("\n    {} -> {}", file.join("::"), other.join("::")))
        .collect::<Vec<_>>()
        .concat()
}

#[test]
fn files_of_a_room_import_in_one_direction() {
    let graph = graph();
    let accepted: BTreeSet<Vec<String>> = ACCEPTED
        .iter()
        .map(|(files, _)| files.iter().map(|file| (*file).to_owned()).collect())
        .collect();
    assert!(accepted.len() <= 3, "exceptions are few, or no exceptions");
    let found = circles(&graph);
    let new: Vec<_> = found
        .difference(&accepted)
        .map(|circle| format!("\n{} files:{}", circle.len(), knots(&graph, circle)))
        .collect();
    assert!(new.is_empty(), "circles of files:{}", new.concat());
    let gone: Vec<_> = accepted.difference(&found).collect();
    assert!(
        gone.is_empty(),
        "accepted circles that are no more: {gone:?}"
    );
}

#[test]
fn a_circle_is_found() {
    let module = |name: &str| vec![name.to_owned()];
    let edges = |names: &[&str]| names.iter().map(|name| module(name)).collect();
    let graph = Graph::from([
        (module("a"), edges(&["b"])),
        (module("b"), edges(&["c"])),
        (module("c"), edges(&["b"])),
        (module("d"), edges(&[])),
    ]);
    let expected = BTreeSet::from([vec!["b".to_owned(), "c".to_owned()]]);
    assert_eq!(circles(&graph), expected);
}

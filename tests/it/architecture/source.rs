//! The source files of the product and its members, parsed, and the module paths each one names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use walkdir::WalkDir;

/// Where rooms lie: the folder, the name other packages give it, and the room that a package is
/// as a whole (`None`: its folders are rooms).
const ROOTS: &[(&str, &str, Option<&str>)] = &[
    ("src", "voicespool", None),
    ("crates/voicespool-media/src", "voicespool_media", None),
    (
        "crates/voicespool-mock/src",
        "voicespool_mock",
        Some("mock"),
    ),
];

/// A module path from the root of its package: `["store", "sqlite", "writer"]`.
pub(super) type Module = Vec<String>;

/// One file of a room.
pub(super) struct SourceFile {
    /// From the root of the repository, for messages.
    pub(super) path: String,
    pub(super) module: Module,
    pub(super) text: String,
    pub(super) syntax: syn::File,
}

impl SourceFile {
    /// The room: the first folder, or the file's own name for `lib` and `main`.
    pub(super) fn room(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

/// All files of all rooms, tests in files of their own left out.
pub(super) fn load() -> Vec<SourceFile> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for (root, _, room) in ROOTS {
        for entry in WalkDir::new(top.join(root)).sort_by_file_name() {
            let entry = entry.unwrap();
            let path = entry.path();
            let within = path.strip_prefix(top.join(root)).unwrap();
            let is_test = within
                .iter()
                .any(|part| matches!(part.to_str().unwrap(), "tests" | "tests.rs" | "laws.rs"));
            if path.extension().is_none_or(|end| end != "rs") || is_test {
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let within = within.with_extension("");
            let parts = within.iter().map(|part| part.to_str().unwrap());
            let mut module: Module = room
                .iter()
                .copied()
                .chain(parts)
                .map(str::to_owned)
                .collect();
            if matches!(module.last().unwrap().as_str(), "mod" | "lib") {
                module.pop();
            }
            files.push(SourceFile {
                path: path.strip_prefix(top).unwrap().display().to_string(),
                module,
                syntax: syn::parse_file(&text).unwrap(),
                text,
            });
        }
    }
    files
}

/// Which file owns each name that a module passes on with `pub use`, and which modules are files.
pub(super) struct Names {
    files: BTreeSet<Module>,
    passed_on: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Names {
    pub(super) fn of(files: &[SourceFile]) -> Self {
        let mut names = Self {
            files: files.iter().map(|file| file.module.clone()).collect(),
            passed_on: BTreeMap::new(),
        };
        for file in files {
            let table = names.passed_on.entry(file.module.clone()).or_default();
            for item in &file.syntax.items {
                if let syn::Item::Use(item) = item
                    && !is_test_only(&item.attrs)
                {
                    flatten(&item.tree, &mut Vec::new(), &mut |path, name| {
                        if let Some(path) = absolute(path, &file.module) {
                            table.insert(name.to_owned(), path);
                        }
                    });
                }
            }
        }
        names
    }

    /// The module of the file that owns what `path` names, seen through re-exports.
    fn owner(&self, path: &[String]) -> Option<Module> {
        let mut path = path.to_vec();
        for _ in 0..8 {
            let deepest = (0..=path.len())
                .rev()
                .map(|len| path[..len].to_vec())
                .find(|module| self.files.contains(module))?;
            let Some(next) = path.get(deepest.len()) else {
                return Some(deepest);
            };
            match self
                .passed_on
                .get(&deepest)
                .and_then(|table| table.get(next))
            {
                Some(real) if *real != path => {
                    path = real
                        .iter()
                        .chain(&path[deepest.len() + 1..])
                        .cloned()
                        .collect();
                }
                _ => return Some(deepest),
            }
        }
        None
    }

    /// The modules whose items `file` names, its own left out. What it only passes on counts too.
    pub(super) fn imports(&self, file: &SourceFile) -> BTreeSet<Module> {
        let mut found = Paths {
            module: &file.module,
            paths: BTreeSet::new(),
        };
        found.visit_file(&file.syntax);
        found
            .paths
            .iter()
            .filter_map(|path| self.owner(path))
            .filter(|module| *module != file.module)
            .collect()
    }
}

/// `path` from the root of a package, if it names this repository's code.
fn absolute(path: &[String], module: &Module) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let below = |room: Option<&str>| {
        let room = room.map(str::to_owned).into_iter();
        Some(room.chain(rest.iter().cloned()).collect())
    };
    let whole = |room: &&str| module.first().is_some_and(|first| first == room);
    match first.as_str() {
        "crate" => below(ROOTS.iter().find_map(|(.., room)| room.filter(whole))),
        name if let Some((.., room)) = ROOTS.iter().find(|(_, known, _)| *known == name) => {
            below(*room)
        }
        "self" => Some(module.iter().chain(rest).cloned().collect()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let kept = module.len().checked_sub(ups)?;
            Some(module[..kept].iter().chain(&path[ups..]).cloned().collect())
        }
        _ => None,
    }
}

pub(super) fn is_test_only(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg")
            && matches!(&attr.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

/// Calls `each` with every path of a `use` and the name it gets here.
fn flatten(tree: &syn::UseTree, prefix: &mut Vec<String>, each: &mut impl FnMut(&[String], &str)) {
    match tree {
        syn::UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, each);
            prefix.pop();
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            let last = prefix.last().cloned().unwrap_or_default();
            each(prefix, &last);
        }
        syn::UseTree::Name(name) => {
            prefix.push(name.ident.to_string());
            each(prefix, &name.ident.to_string());
            prefix.pop();
        }
        syn::UseTree::Rename(name) => {
            prefix.push(name.ident.to_string());
            each(prefix, &name.rename.to_string());
            prefix.pop();
        }
        syn::UseTree::Glob(_) => each(prefix, "*"),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, each);
            }
        }
    }
}

/// Collects the paths of imports, types and expressions; code of tests is passed over.
struct Paths<'a> {
    module: &'a Module,
    paths: BTreeSet<Module>,
}

impl Paths<'_> {
    fn add(&mut self, path: &[String]) {
        self.paths.extend(absolute(path, self.module));
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attrs: &[syn::Attribute] = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => &[],
        };
        if !is_test_only(attrs) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        flatten(&item.tree, &mut Vec::new(), &mut |path, _| self.add(path));
    }

    /// Who may see an item says nothing of what it uses.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        self.add(&parts);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        self.visit_path(&found.path);
        for path in found.tokens.to_string().split("crate ::").skip(1) {
            let parts = std::iter::once("crate").chain(path.split("::").map(str::trim));
            let parts: Vec<_> = parts
                .map_while(|part| {
                    part.split(|c: char| !c.is_alphanumeric() && c != '_')
                        .next()
                })
                .map(str::to_owned)
                .collect();
            self.add(&parts);
        }
    }
}

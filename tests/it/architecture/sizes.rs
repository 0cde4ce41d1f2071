//! Sizes: a file says one thing, a function fits on a screen. Tests at the end of a file do not count.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::source::{SourceFile, load};

/// Lines of a file without its tests.
const LARGEST_FILE: usize = 500;
/// Half of the files are at most so long.
const HALF_OF_FILES: usize = 140;
/// Nine files of ten are at most so long.
const MOST_FILES: usize = 350;
/// Lines of a function, unless one `match` is the whole of it.
const LARGEST_FUNCTION: usize = 60;

/// Lines up to the tests.
fn lines(file: &SourceFile) -> usize {
    let tests = file
        .text
        .find("\n#[cfg(test)]\nmod ")
        .unwrap_or(file.text.len());
    file.text[..tests].lines().count()
}

#[test]
fn files_are_small() {
    let mut sizes: Vec<_> = load()
        .iter()
        .map(|file| (lines(file), file.path.clone()))
        .collect();
    sizes.sort();
    let large: Vec<_> = sizes
        .iter()
        .filter(|(lines, _)| *lines > LARGEST_FILE)
        .collect();
    assert!(large.is_empty(), "over {LARGEST_FILE} lines: {large:#?}");
    let median = sizes[sizes.len() / 2].0;
    assert!(median <= HALF_OF_FILES, "half of the files over {median}");
    let nine_of_ten = sizes.len() * 9 / 10;
    let above: Vec<_> = sizes
        .iter()
        .filter(|(lines, _)| *lines > MOST_FILES)
        .collect();
    assert!(
        sizes[nine_of_ten].0 <= MOST_FILES,
        "too many over {MOST_FILES} lines: {above:#?}"
    );
}

/// Functions that are too long, with their lines.
struct Long(Vec<(usize, String)>);

impl Long {
    fn measure(&mut self, sig: &syn::Signature, body: &syn::Block) {
        let whole = sig.span().join(body.span()).unwrap_or(body.span());
        let lines = whole.end().line - whole.start().line + 1;
        let is_one_match = matches!(
            body.stmts.as_slice(),
            [syn::Stmt::Expr(syn::Expr::Match(_), _)]
        );
        if lines > LARGEST_FUNCTION && !is_one_match {
            self.0.push((lines, sig.ident.to_string()));
        }
    }
}

impl<'ast> Visit<'ast> for Long {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

#[test]
fn functions_fit_on_a_screen() {
    let mut long = Vec::new();
    for file in load() {
        let mut found = Long(Vec::new());
        found.visit_file(&file.syntax);
        let path = &file.path;
        long.extend(
            found
                .0
                .iter()
                .map(|(lines, name)| format!("{path}: {name}, {lines} lines")),
        );
    }
    assert!(long.is_empty(), "over {LARGEST_FUNCTION} lines: {long:#?}");
}

//! Dead code that rustc cannot see: in a library, whatever is `pub` counts as used.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use super::source::{SourceFile, is_test_only, load};

/// Public functions that no code of the product calls, and why they stay.
const ONLY_TESTS_CALL: &[(&str, &str)] = &[
    (
        "main",
        "called by the `main` of src/main.rs, which is its namesake",
    ),
    (
        "read_refusal",
        "the fuzz laws feed it any bytes (fuzz/laws)",
    ),
    ("read_wait", "the fuzz laws feed it any header (fuzz/laws)"),
    (
        "only_concurrency",
        "tests of the gate limit one thing at a time",
    ),
    ("moved_by_tokio", "tests of the worker move the clock"),
    ("followed_redirects", "the lab's judge of redirects"),
    ("requests_after", "tests read what the mock was asked"),
    ("set_faults", "tests turn faults on while the mock runs"),
    ("sometimes", "the lab's rules with a probability"),
    (
        "may_become",
        "the specification that tests hold the schema against",
    ),
    (
        "send_back",
        "a parent with damaged answers: the store has it, `retry` does not use it yet",
    ),
];

/// Collects the names of all that is called or named, but for what a function says of its own name:
/// a surface that only passes a call on to its namesake below is no caller.
#[derive(Default)]
struct Named {
    inside: Vec<String>,
    names: BTreeSet<String>,
}

impl Named {
    fn add(&mut self, name: &str) {
        if self.inside.iter().all(|function| function != name) {
            self.names.insert(name.to_owned());
        }
    }

    fn add_words(&mut self, tokens: &impl ToString) {
        let tokens = tokens.to_string();
        for word in tokens.split(|c: char| !c.is_alphanumeric() && c != '_') {
            self.add(word);
        }
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attrs: &[syn::Attribute] = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => &[],
        };
        if !is_test_only(attrs) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.inside.push(item.sig.ident.to_string());
        visit::visit_item_fn(self, item);
        self.inside.pop();
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test_only(&item.attrs) {
            self.inside.push(item.sig.ident.to_string());
            visit::visit_impl_item_fn(self, item);
            self.inside.pop();
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        for part in &path.segments {
            self.add(&part.ident.to_string());
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.add(&call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        self.add_words(&found.tokens);
        visit::visit_macro(self, found);
    }

    /// Functions are named in attributes too: `#[serde(default = "…")]`.
    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.add_words(&list.tokens);
    }
}

/// The functions that `file` makes public, in its `impl` blocks too; traits have their own rules.
fn public_functions(file: &SourceFile) -> impl Iterator<Item = String> {
    fn named(vis: &syn::Visibility, sig: &syn::Signature) -> Option<String> {
        matches!(vis, syn::Visibility::Public(_)).then(|| sig.ident.to_string())
    }
    file.syntax.items.iter().flat_map(|item| match item {
        syn::Item::Fn(item) => named(&item.vis, &item.sig).into_iter().collect(),
        syn::Item::Impl(block) if block.trait_.is_none() => block
            .items
            .iter()
            .filter_map(|item| match item {
                syn::ImplItem::Fn(item) => named(&item.vis, &item.sig),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    })
}

#[test]
fn each_public_function_has_a_caller_that_is_no_test() {
    let files = load();
    let mut named = Named::default();
    let mut defined: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in &files {
        named.visit_file(&file.syntax);
        for name in public_functions(file) {
            defined.entry(name).or_default().push(&file.path);
        }
    }
    defined.retain(|name, _| !named.names.contains(name));
    let found: BTreeSet<&str> = defined.keys().map(String::as_str).collect();
    let listed: BTreeSet<&str> = ONLY_TESTS_CALL.iter().map(|(name, _)| *name).collect();
    let unknown: Vec<_> = found.difference(&listed).collect();
    assert!(unknown.is_empty(), "no caller: {unknown:?} in {defined:#?}");
}

//! The project's own files, for the rules of the house.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use toml::{Table, Value};

use crate::need::root;

/// A crate of the workspace.
pub struct Crate {
    /// Its name, which is its folder's.
    pub name: String,
    /// Its manifest.
    pub manifest: Table,
    /// The manifest's text.
    pub text: String,
}

impl Crate {
    /// The names of what it depends on, of all kinds of dependencies.
    pub fn dependencies(&self) -> Vec<&str> {
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        let tables = kinds.iter().filter_map(|kind| self.manifest.get(*kind)?.as_table());
        tables.flat_map(|table| table.keys().map(String::as_str)).collect()
    }
}

/// Reads a file of the project.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The crates of the workspace.
pub fn crates() -> Vec<Crate> {
    let workspace: Table = read("Cargo.toml").parse().expect("cargo reads it, too");
    let members = workspace["workspace"]["members"].as_array().expect("a list");
    let member = |member: &Value| {
        let name = member.as_str().expect("a name").to_owned();
        let text = read(&format!("{name}/Cargo.toml"));
        Crate { name, manifest: text.parse().expect("cargo reads it, too"), text }
    };
    members.iter().map(member).collect()
}

/// A source file.
pub struct Source {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its text, parsed.
    pub syntax: syn::File,
}

/// A function with a body.
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its lines, counted from 1, from its signature to its last brace.
    pub lines: RangeInclusive<usize>,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let path = path.strip_prefix(root()).expect("it lies below").to_str().expect("ASCII").to_owned();
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path, text, syntax }
    }

    /// The crate that it belongs to.
    pub fn home(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether all of it is test code, by its path.
    pub fn is_test(&self) -> bool {
        self.home() == "tests"
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/fuzz/")
    }

    /// The reason that its header gives for its length: a line `//! Long: …`.
    pub fn reason_for_length(&self) -> Option<&str> {
        let header = self.text.lines().take_while(|line| line.starts_with("//") || line.is_empty());
        header.filter_map(|line| line.strip_prefix("//! Long: ")).find(|reason| reason.len() > 10)
    }

    /// Its functions and methods.
    pub fn functions(&self) -> Vec<Function> {
        let mut found = Functions(Vec::new());
        found.visit_file(&self.syntax);
        found.0
    }

    /// All its tokens, outside comments; inside macros, too.
    pub fn tokens(&self) -> Vec<TokenTree> {
        let mut flat = Vec::new();
        flatten(self.text.parse().expect("it was parsed before"), &mut flat);
        flat
    }

    /// The lines of its unit tests: modules under `#[cfg(test)]`; all lines where all of it is test code.
    pub fn test_lines(&self) -> Vec<RangeInclusive<usize>> {
        if self.is_test() {
            return vec![1..=usize::MAX];
        }
        let for_tests = |item: &&syn::Item| match item {
            syn::Item::Mod(module) => module.attrs.iter().any(is_cfg_test),
            _ => false,
        };
        let items = self.syntax.items.iter().filter(for_tests);
        items.map(|item| item.span().start().line..=item.span().end().line).collect()
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    let cfg = attribute.path().is_ident("cfg");
    cfg && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
}

fn flatten(tokens: TokenStream, into: &mut Vec<TokenTree>) {
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            flatten(group.stream(), into);
        } else {
            into.push(token);
        }
    }
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let lines = signature.span().start().line..=body.span().end().line;
        self.0.push(Function { name: signature.ident.to_string(), lines });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// All Rust sources of the project.
pub fn sources() -> Vec<Source> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files().into_iter().filter(rust).map(|path| Source::read(&path)).collect()
}

/// All files of the project, without what is built and what Git keeps.
pub fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    const NOT_OURS: [&str; 6] = [".git", "target", "fuzz-target", "corpus", "artifacts", "coverage"];
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("a readable folder").path();
        let ours = path.file_name().is_some_and(|name| !NOT_OURS.iter().any(|other| name == *other));
        if path.is_dir() && ours {
            collect(&path, found);
        } else if ours {
            found.push(path);
        }
    }
}

//! Which input files are one book.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::pipeline::discover::Found;
use crate::pipeline::{book, book_file};
use crate::text::Markup;

/// The texts of one folder are one book, in their natural order; an EPUB is one by itself. A book of several files
/// stands for its folder, where the first of them stood.
pub(crate) fn bind(files: Vec<Found>) -> Vec<Found> {
    let mut books: Vec<Found> = Vec::new();
    let mut of_folder: HashMap<PathBuf, usize> = HashMap::new();
    for mut file in files {
        if Markup::of_path(&file.path) == Some(Markup::Epub) {
            books.push(file);
            continue;
        }
        let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
        if let Some(book) = of_folder.get(&folder).and_then(|at| books.get_mut(*at)) {
            book.bytes = book.bytes.saturating_add(file.bytes);
            book.parts.push(file.path);
            continue;
        }
        of_folder.insert(folder, books.len());
        file.parts.push(file.path.clone());
        books.push(file);
    }
    for book in books.iter_mut().filter(|book| book.parts.len() > 1) {
        let folder = book.path.parent().unwrap_or(Path::new(""));
        book.path = folder.to_owned();
        book.rel_dir.pop();
    }
    books
}

/// Whether it is no text, but says something of the book that lies beside it.
pub(crate) fn is_of_book(path: &Path) -> bool {
    let name = path.file_name();
    name.is_some_and(|name| {
        name == book_file::NAME || book::COVERS.iter().any(|cover| name == *cover)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, rel_dir: &str) -> Found {
        Found {
            rel_dir: rel_dir.into(),
            bytes: 10,
            ..Found::alone(path.into())
        }
    }

    #[test]
    fn a_folder_is_a_book_and_so_is_an_epub() {
        let files = [
            ("/in/a/1.txt", "a"),
            ("/in/a/2.md", "a"),
            ("/in/a/whole.epub", "a"),
            ("/in/b/c/1.html", "b/c"),
            ("/in/b/c/10.html", "b/c"),
            ("/in/single/only.txt", "single"),
        ];
        let books = bind(files.map(|(path, rel_dir)| found(path, rel_dir)).into());

        let shown: Vec<_> = books
            .iter()
            .map(|book| {
                let path = book.path.to_str().unwrap();
                (
                    path,
                    book.rel_dir.to_str().unwrap(),
                    book.parts.len(),
                    book.bytes,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("/in/a", "", 2, 20),
                ("/in/a/whole.epub", "a", 0, 10),
                ("/in/b/c", "b", 2, 20),
                ("/in/single/only.txt", "single", 1, 10),
            ]
        );
        assert_eq!(books[0].parts[1], Path::new("/in/a/2.md"));
    }
}

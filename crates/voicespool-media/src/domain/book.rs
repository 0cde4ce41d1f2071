//! What a book is called and who made it: for tags, and for the names of files.

use serde::{Deserialize, Serialize};

/// What is known of a book. Nothing is made up: what nobody said is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// In the order of the book.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Who reads it aloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrator: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Its place in the series: a number, or what stands for one (`2.5`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// When it was published: four digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<String>,
    /// A BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Book {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This book, with what `other` knows besides.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        let either = |own: Option<String>, other: &Option<String>| own.or_else(|| other.clone());
        Self {
            title: either(self.title, &other.title),
            authors: if self.authors.is_empty() {
                other.authors.clone()
            } else {
                self.authors
            },
            narrator: either(self.narrator, &other.narrator),
            series: either(self.series, &other.series),
            part: either(self.part, &other.part),
            year: either(self.year, &other.year),
            language: either(self.language, &other.language),
            genre: either(self.genre, &other.genre),
            description: either(self.description, &other.description),
        }
    }

    /// All authors on one line, as players show them.
    pub fn author(&self) -> Option<String> {
        (!self.authors.is_empty()).then(|| self.authors.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_first_holds_and_the_rest_is_filled_in() {
        let said = Book {
            title: Some("Mine".to_owned()),
            ..Book::default()
        };
        let own = Book {
            title: Some("Its".to_owned()),
            authors: vec!["A. One".to_owned(), "B. Two".to_owned()],
            ..Book::default()
        };

        let both = said.or(&own);

        assert_eq!(both.title.as_deref(), Some("Mine"));
        assert_eq!(both.author().as_deref(), Some("A. One, B. Two"));
    }
}

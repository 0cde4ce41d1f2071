//! The tokens of a page of HTML, whatever somebody put into it.

use std::cell::Cell;
use std::rc::Rc;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Readable, Reader, Span, StringReader, Tokenizer};

/// Most attributes of one tag. The tokenizer (html5gum 0.9.0) goes a step deeper into the stack for
/// each in double quotes: 200,000 of them ended the program.
const MOST_ATTRIBUTES: usize = 1_000;

/// A piece of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Start(Tag),
    /// The name of the element that ends.
    End(String),
    Words(String),
    Comment(String),
}

/// The beginning of an element.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// It has no content.
    pub(super) is_closed: bool,
}

impl Tag {
    /// What the attribute `name` is; of several the first.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Gives `take` each token of `page`.
///
/// # Errors
/// Where reading ended, if a tag has more than 1,000 attributes: what follows was not read.
pub(super) fn tokens(page: &str, mut take: impl FnMut(Token)) -> Result<(), usize> {
    let guard = Guard::default();
    let reader = Guarded {
        page: page.to_reader(),
        guard: guard.clone(),
    };
    for token in Tokenizer::new_with_emitter(reader, CallbackEmitter::new(guard.emitter())) {
        match token {
            Ok(token) => take(token),
            Err(TooMany) => return Err(guard.read.get()),
        }
    }
    Ok(())
}

/// What the two ends of the tokenizer know of each other.
#[derive(Debug, Clone, Default)]
struct Guard {
    /// Bytes of the page that were read.
    read: Rc<Cell<usize>>,
    /// Attributes of the tag that is read.
    attributes: Rc<Cell<usize>>,
}

impl Guard {
    /// Makes tokens of what the tokenizer finds.
    fn emitter(&self) -> impl FnMut(CallbackEvent<'_>, Span<()>) -> Option<Token> + use<> {
        let attributes = Rc::clone(&self.attributes);
        let mut tag = Tag::default();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        move |event, _| {
            match event {
                CallbackEvent::OpenStartTag { name } => {
                    attributes.set(0);
                    tag = Tag {
                        name: text(name),
                        ..Tag::default()
                    };
                }
                CallbackEvent::AttributeName { name } => {
                    attributes.set(attributes.get() + 1);
                    tag.attributes.push((text(name), String::new()));
                }
                CallbackEvent::AttributeValue { value } => {
                    if let Some((_, last)) = tag.attributes.last_mut() {
                        *last = text(value);
                    }
                }
                CallbackEvent::CloseStartTag { self_closing } => {
                    tag.is_closed = self_closing;
                    return Some(Token::Start(std::mem::take(&mut tag)));
                }
                CallbackEvent::EndTag { name } => {
                    attributes.set(0);
                    tag = Tag::default();
                    return Some(Token::End(text(name)));
                }
                CallbackEvent::String { value } => return Some(Token::Words(text(value))),
                CallbackEvent::Comment { value } => return Some(Token::Comment(text(value))),
                CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
            }
            None
        }
    }

    fn passed(&self, bytes: usize) {
        self.read.set(self.read.get() + bytes);
    }
}

/// A tag has too many attributes.
#[derive(Debug, thiserror::Error)]
#[error("a tag has more than 1,000 attributes")]
struct TooMany;

/// A page that ends where a tag has too many attributes.
struct Guarded<'a> {
    page: StringReader<'a>,
    guard: Guard,
}

impl Guarded<'_> {
    fn check(&self) -> Result<(), TooMany> {
        if self.guard.attributes.get() > MOST_ATTRIBUTES {
            return Err(TooMany);
        }
        Ok(())
    }
}

impl Reader for Guarded<'_> {
    type Error = TooMany;

    fn read_byte(&mut self) -> Result<Option<u8>, TooMany> {
        self.check()?;
        let Ok(byte) = self.page.read_byte();
        self.guard.passed(usize::from(byte.is_some()));
        Ok(byte)
    }

    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        buffer: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, TooMany> {
        self.check()?;
        let Ok(found) = self.page.read_until(needle, buffer);
        self.guard.passed(found.map_or(0, <[u8]>::len));
        Ok(found)
    }

    fn try_read_string(&mut self, text: &[u8], case_sensitive: bool) -> Result<bool, TooMany> {
        self.check()?;
        let Ok(is_read) = self.page.try_read_string(text, case_sensitive);
        self.guard.passed(if is_read { text.len() } else { 0 });
        Ok(is_read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_to_its_end() {
        let mut found = Vec::new();
        let page = "<!DOCTYPE html><p ID=a class='b' id=\"c\">x &lt; y<br/></p><!-- z -->";

        tokens(page, |token| found.push(token)).unwrap();

        let [
            Token::Start(tag),
            Token::Words(words),
            Token::Start(line),
            Token::End(end),
            Token::Comment(comment),
            ..,
        ] = &found[..]
        else {
            panic!("{found:?}")
        };
        assert_eq!(
            (&*tag.name, tag.value("id"), tag.value("class")),
            ("p", Some("a"), Some("b"))
        );
        assert_eq!(
            (&**words, &*line.name, line.is_closed),
            ("x < y", "br", true)
        );
        assert_eq!((&**end, &**comment), ("p", " z "));
    }

    #[test]
    fn a_tag_without_end_does_not_end_the_program() {
        for quote in ["\"", "'", ""] {
            let evil = format!(
                "<p>before</p><p{}>after",
                format!(" a={quote}1{quote}").repeat(300_000)
            );
            let mut words = Vec::new();

            let at = tokens(&evil, |token| words.push(token)).unwrap_err();

            assert!(words.contains(&Token::Words("before".to_owned())));
            assert!((1_000..20_000).contains(&at), "{at}");
        }
        assert!(tokens(&format!("<p{}>", " a=\"1\"".repeat(1_000)), drop).is_ok());
    }
}

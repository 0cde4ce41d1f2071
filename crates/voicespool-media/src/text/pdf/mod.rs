//! PDF to a document: `pdftotext` takes the words out of the pages, and they are read as plain text.
//!
//! A PDF has letters at places and no words; putting them together again is an art of its own, and poppler's program does
//! it best of what is free. Where its pages end is known, so page numbers and running heads are told from the text better than in
//! plain text (`edges`).

mod edges;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::domain::program::on_path;
use crate::text::cleanup::{self, Record};
use crate::text::reading::Reading;
use crate::text::{Document, Error, decode, plain};

const PROGRAM: &str = "pdftotext";
/// Most bytes of words: the longest novels have 10 MB.
const MOST_BYTES: u64 = 64 << 20;
/// A book of a thousand pages takes a second or two; a page made to take for ever is given up.
const LONGEST: Duration = Duration::from_mins(2);

pub(super) fn read(bytes: &[u8], reading: &Reading) -> Result<Document, Error> {
    let words = words(bytes, &on_path(PROGRAM).ok_or(Error::NeedsPdftotext)?)?;
    let decoded = decode::decode(&words)?;
    let mut record = Record::new(reading);
    let pages = edges::without(&decoded.text, &mut record);
    let text = cleanup::gutenberg::body(&pages, &mut record);
    let document = plain::parse(text, record);
    if document.text.is_empty() {
        let what =
            "its pages are pictures; a program for recognising text (OCR) makes words of them";
        return Err(Error::BrokenPdf { what });
    }
    Ok(document)
}

/// What the program makes of a PDF that it gets through a pipe.
fn words(bytes: &[u8], program: &Path) -> Result<Vec<u8>, Error> {
    let broken = |what| Error::BrokenPdf { what };
    let mut child = Command::new(program)
        .args(["-enc", "UTF-8", "-eol", "unix", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| Error::NeedsPdftotext)?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(broken("pdftotext cannot be talked to"));
    };
    let (told, heard) = mpsc::channel();
    let read = thread::scope(|scope| {
        scope.spawn(move || {
            // It may end before it has read everything; what it says of that counts.
            let _ = input.write_all(bytes);
        });
        scope.spawn(move || {
            let mut words = Vec::new();
            let read = output.take(MOST_BYTES + 1).read_to_end(&mut words);
            // Nobody waits any more after the time is over.
            let _ = told.send(read.map(|_| words));
        });
        let read = heard.recv_timeout(LONGEST);
        if !matches!(&read, Ok(Ok(words)) if u64::try_from(words.len()).is_ok_and(|size| size <= MOST_BYTES))
        {
            // Its pipes close with it, and so the threads end.
            let _ = child.kill();
        }
        read
    });
    let ended = child.wait();
    match read {
        Ok(Ok(words)) if u64::try_from(words.len()).is_ok_and(|size| size > MOST_BYTES) => {
            Err(broken("it has more than 64 MiB of words"))
        }
        Ok(Ok(words)) if ended.is_ok_and(|status| status.success()) => Ok(words),
        Ok(_) => Err(broken(
            "pdftotext could not read it; it may be damaged or locked",
        )),
        Err(_) => Err(broken("pdftotext did not come to an end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One page with one line of text, as small as they get.
    fn pdf(line: &str) -> Vec<u8> {
        let content = format!("BT /F1 24 Tf 72 700 Td ({line}) Tj ET");
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
            format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        ];
        let mut bytes = b"%PDF-1.4\n".to_vec();
        let mut places = Vec::new();
        for (number, object) in (1..).zip(&objects) {
            places.push(bytes.len());
            bytes.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
        }
        let table = bytes.len();
        bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
        for place in places {
            bytes.extend(format!("{place:010} 00000 n \n").bytes());
        }
        let size = objects.len() + 1;
        bytes.extend(
            format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").bytes(),
        );
        bytes
    }

    #[test]
    fn the_words_of_a_page_are_read_if_there_is_a_program_for_it() {
        let read = super::read(&pdf("The boats came in."), &Reading::default());

        match on_path(PROGRAM) {
            Some(_) => assert_eq!(read.unwrap().text, "The boats came in."),
            None => assert_eq!(read, Err(Error::NeedsPdftotext)),
        }
    }

    #[test]
    fn a_page_without_words_and_a_damaged_file_say_so() {
        if on_path(PROGRAM).is_none() {
            return;
        }
        for bytes in [pdf(""), b"%PDF-1.4 and nothing more".to_vec()] {
            let read = super::read(&bytes, &Reading::default());
            assert!(matches!(read, Err(Error::BrokenPdf { .. })), "{read:?}");
        }
    }
}

//! Which line of a plain text is a heading.
//!
//! Conservative: a paragraph taken for a heading costs a wrong pause and a bogus chapter, a heading
//! taken for a paragraph only its pause. A bare number is none, since it may be a page's.

/// Longest heading in characters.
const LONGEST: usize = 80;
/// Longest line of capitals, or title after a bare numeral.
const LONGEST_BARE: usize = 60;

const PART: u8 = 1;
const CHAPTER: u8 = 2;
/// Bare numerals and lines of capitals: chapters where nothing stands above them.
pub(super) const MINOR: u8 = 3;

/// Words that head a numbered piece, in lower case.
#[rustfmt::skip]
const NUMBERED: &[(&str, u8)] = &[
    ("part", PART), ("book", PART), ("volume", PART), ("act", PART),
    ("teil", PART), ("buch", PART), ("band", PART), ("akt", PART),
    ("partie", PART), ("livre", PART), ("tome", PART), ("acte", PART),
    ("parte", PART), ("libro", PART), ("deel", PART), ("часть", PART), ("книга", PART),
    ("chapter", CHAPTER), ("canto", CHAPTER), ("stave", CHAPTER), ("letter", CHAPTER),
    ("adventure", CHAPTER), ("episode", CHAPTER), ("scene", CHAPTER), ("appendix", CHAPTER),
    ("kapitel", CHAPTER), ("szene", CHAPTER), ("brief", CHAPTER), ("anhang", CHAPTER),
    ("chapitre", CHAPTER), ("scène", CHAPTER), ("lettre", CHAPTER),
    ("capítulo", CHAPTER), ("capitulo", CHAPTER), ("capitolo", CHAPTER), ("carta", CHAPTER),
    ("hoofdstuk", CHAPTER), ("rozdział", CHAPTER), ("kapitola", CHAPTER), ("глава", CHAPTER),
    ("section", MINOR), ("abschnitt", MINOR), ("sección", MINOR),
];

/// Words that are a heading alone or before a title, in lower case.
#[rustfmt::skip]
const UNNUMBERED: &[&str] = &[
    "prologue", "epilogue", "preface", "foreword", "introduction", "afterword", "interlude",
    "appendix", "postscript", "dedication", "acknowledgements", "acknowledgments",
    "prolog", "epilog", "vorwort", "nachwort", "einleitung", "zwischenspiel", "anhang",
    "épilogue", "préface", "avant-propos", "postface", "prólogo", "epílogo", "prefacio",
    "prologo", "epilogo", "prefazione", "proloog", "epiloog", "voorwoord", "пролог", "эпилог",
];

/// Numbers in words, in lower case.
#[rustfmt::skip]
const NUMBER_WORDS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty", "thirty", "forty", "fifty",
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "last",
    "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf",
    "zwölf", "erster", "zweiter", "dritter", "vierter", "fünfter", "erste", "zweite", "dritte",
    "vierte", "fünfte", "erstes", "zweites", "drittes", "viertes", "fünftes", "sechstes",
    "siebtes", "siebentes", "achtes", "neuntes", "zehntes", "elftes", "zwölftes", "letztes",
    "un", "deux", "trois", "quatre", "cinq", "sept", "huit", "neuf", "dix", "onze", "douze",
    "premier", "première", "deuxième", "troisième", "quatrième", "dernier",
    "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez",
    "primero", "primera", "segundo", "segunda", "tercero", "tercera",
    "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "primo", "prima",
    "secondo", "seconda", "terzo", "terza",
    "een", "twee", "drie", "vijf", "zes", "zeven", "negen", "tien",
    "первая", "вторая", "третья", "первый", "второй", "третий",
];

/// The level of `line` as a heading, or `None`. The line stands alone between blank lines.
pub(super) fn level(line: &str) -> Option<u8> {
    let starts = |c: char| c.is_uppercase() || c.is_numeric() || c == '第';
    if !line.starts_with(starts)
        || line.ends_with([',', ';'])
        || line.chars().nth(LONGEST).is_some()
    {
        return None;
    }
    by_word(line)
        .or_else(|| by_ordinal(line))
        .or_else(|| by_numeral(line))
        .or_else(|| by_capitals(line).then_some(MINOR))
        .or_else(|| by_ideograph(line))
}

/// Whether `line` announces a chapter and leaves its title to the next line.
pub(super) fn wants_title(line: &str) -> bool {
    let words = line.split_whitespace().count();
    words <= 3 && (by_word(line).is_some() || by_ordinal(line).is_some())
}

/// Whether `line` may be the second line of a heading.
pub(super) fn is_title(line: &str) -> bool {
    let starts = |c: char| c.is_uppercase() || c.is_numeric() || "“\"'‘«„".contains(c);
    line.chars().nth(LONGEST_BARE).is_none()
        && line.starts_with(starts)
        && !line.ends_with(['.', ',', ';', ':', '!', '?', '"', '”'])
}

/// "Chapter 3", "CHAPTER III. THE THING", "Part the First", "Prologue", "Epilogue: Home".
fn by_word(line: &str) -> Option<u8> {
    let (first, rest) = split_word(line);
    if !first.starts_with(char::is_uppercase) {
        return None;
    }
    let (word, marked) = unmarked(first);
    if !rest.is_empty()
        && let Some(level) = numbered(word)
    {
        let (second, after) = split_word(rest);
        let (number, title) = if second.eq_ignore_ascii_case("the") {
            split_word(after)
        } else {
            (second, after)
        };
        let (digits, ended) = unmarked(number);
        if is_number(digits) && (ended || begins_title(title)) {
            return Some(level);
        }
    }
    let stands_alone = rest.is_empty() || marked || rest.starts_with(['-', '–', '—', ':']);
    (stands_alone && is_one_of(UNNUMBERED, word)).then_some(CHAPTER)
}

/// "Erstes Kapitel", "3. Kapitel: Der Zug", "Second Part".
fn by_ordinal(line: &str) -> Option<u8> {
    let (first, rest) = split_word(line);
    let (second, title) = split_word(rest);
    let (word, marked) = unmarked(second);
    if word.is_empty() || !(title.is_empty() || marked) {
        return None;
    }
    let (number, ended) = unmarked(first);
    let is_ordinal = if number.starts_with(|c: char| c.is_ascii_digit()) {
        ended
            || number
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len()
                == 2
    } else {
        number.starts_with(char::is_uppercase) && is_number(number)
    };
    if is_ordinal { numbered(word) } else { None }
}

/// "IV", "IV.", "II. THE RED DOOR".
fn by_numeral(line: &str) -> Option<u8> {
    let (first, title) = split_word(line);
    let (numeral, ended) = unmarked(first);
    if !is_roman(numeral) {
        return None;
    }
    if title.is_empty() {
        return Some(MINOR);
    }
    (ended && is_title(title)).then_some(CHAPTER)
}

/// "THE LAST LETTER": every letter a capital, and enough of them to be no initials.
fn by_capitals(line: &str) -> bool {
    // What stands below the last chapter opens none.
    let is_close =
        ["THE END", "END", "ENDE", "FIN", "FINIS", "FINE"].contains(&line.trim_end_matches('.'));
    if is_close {
        return false;
    }
    let mut letters = line.chars().filter(|c| c.is_alphabetic());
    line.chars().nth(LONGEST_BARE).is_none()
        && letters.clone().nth(2).is_some()
        && letters.all(char::is_uppercase)
        && !line.starts_with(['"', '“', '„', '«', '\'', '‘', '-', '–', '—', '('])
        && !line.ends_with(['!', '?', ':', '-', '–', '—', '"', '”', '…'])
}

/// "第三章 山中": the ordinal mark, a number, a counter.
fn by_ideograph(line: &str) -> Option<u8> {
    if line.chars().nth(30).is_some() || line.contains(['。', '，', '、']) {
        return None;
    }
    let mut after = line.strip_prefix('第')?.chars().skip(1).take(6);
    let is_counter = |c: &char| "章回話话篇節节部卷編".contains(*c);
    let counter = after.find(is_counter)?;
    Some(if "部卷編".contains(counter) {
        PART
    } else {
        CHAPTER
    })
}

/// The level of a piece that is called `word` and a number.
fn numbered(word: &str) -> Option<u8> {
    let word = short_lower_case(word)?;
    let known = NUMBERED.iter().find(|(known, _)| *known == word);
    known.map(|(_, level)| *level)
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    short_lower_case(word).is_some_and(|word| words.contains(&word.as_str()))
}

/// None of the words here is longer than 40 bytes or shorter than 2.
fn short_lower_case(word: &str) -> Option<String> {
    (2..=40).contains(&word.len()).then(|| word.to_lowercase())
}

fn begins_title(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(|c: char| c.is_uppercase() || "-–—:“\"'‘«„".contains(c))
}

/// The first word and what follows it.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// A word without the mark that ends a number, and whether there was one.
fn unmarked(word: &str) -> (&str, bool) {
    let bare = word.trim_end_matches(['.', ':', ')', '–', '—']);
    (bare, bare.len() < word.len())
}

fn is_number(word: &str) -> bool {
    let is_digits = !word.is_empty() && word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit());
    is_digits
        || is_roman(word)
        || short_lower_case(word)
            .is_some_and(|word| word.split('-').all(|part| NUMBER_WORDS.contains(&part)))
}

/// A well-formed Roman numeral in capitals below 90; single letters only I, V and X, the others
/// are more often initials.
fn is_roman(word: &str) -> bool {
    let tens = ["LXXX", "LXX", "LX", "XL", "L", "XXX", "XX", "X", ""];
    let units = ["VIII", "VII", "VI", "IV", "IX", "V", "III", "II", "I", ""];
    !word.is_empty()
        && word != "L"
        && tens.iter().any(|ten| {
            word.strip_prefix(ten)
                .is_some_and(|unit| units.contains(&unit))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_many_books_are_recognised() {
        for (line, expected) in [
            ("Chapter 3", CHAPTER),
            ("Chapter 3 The Thing", CHAPTER),
            ("CHAPTER III. THE THING", CHAPTER),
            ("Chapter Twenty-One: Home", CHAPTER),
            ("Chapter the Last", CHAPTER),
            ("Part One", PART),
            ("PART TWO — The Return", PART),
            ("BOOK I.", PART),
            ("Kapitel 2", CHAPTER),
            ("Erstes Kapitel", CHAPTER),
            ("3. Kapitel: Der Zug", CHAPTER),
            ("2nd Part", PART),
            ("Chapitre premier", CHAPTER),
            ("Capítulo 4", CHAPTER),
            ("Глава 12", CHAPTER),
            ("Prologue", CHAPTER),
            ("Epilogue: After the Storm", CHAPTER),
            ("IV.", MINOR),
            ("XII", MINOR),
            ("II. THE RED DOOR", CHAPTER),
            ("THE LAST LETTER", MINOR),
            ("第三章 山の中", CHAPTER),
            ("第十二回", CHAPTER),
        ] {
            assert_eq!(level(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn prose_is_no_heading() {
        for line in [
            "Chapter 3 was the best of them all.",
            "Part of him wanted to stay.",
            "Part One of the plan had failed,",
            "Introduction to the art of baking",
            "chapter and verse",
            "Book a table for two.",
            "12",
            "1984.",
            "M.",
            "C.",
            "I. Newton was born at Woolsthorpe.",
            "I think so.",
            "\"STOP THAT TRAIN\"",
            "HELP ME!",
            "OK",
            "THE END.",
            "A. B.",
            "Mr. Jones",
            "第一次看见海。",
        ] {
            assert_eq!(level(line), None, "{line}");
        }
    }

    #[test]
    fn only_a_heading_without_title_takes_the_next_line() {
        assert!(wants_title("CHAPTER IV") && wants_title("Erstes Kapitel"));
        assert!(!wants_title("CHAPTER IV. THE THING IN IT") && !wants_title("THE LAST LETTER"));
        assert!(is_title("The Attic") && !is_title("It was light.") && !is_title("and so on"));
    }
}

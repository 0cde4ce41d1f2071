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
    ("ch", CHAPTER), ("chap", CHAPTER), ("kap", CHAPTER), ("cap", CHAPTER), ("hfst", CHAPTER),
    ("capitolul", CHAPTER), ("kapitlet", CHAPTER), ("розділ", CHAPTER), ("κεφάλαιο", CHAPTER),
    ("bölüm", CHAPTER), ("chương", CHAPTER), ("luku", CHAPTER), ("fejezet", CHAPTER),
    ("część", PART), ("tom", PART), ("том", PART), ("частина", PART), ("μέρος", PART),
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

/// Words that head a numbered piece in scripts without capitals; with its number behind them.
#[rustfmt::skip]
const CASELESS: &[(&str, u8)] = &[
    ("الفصل", CHAPTER), ("فصل", CHAPTER), ("الباب", CHAPTER), ("باب", CHAPTER), ("الجزء", PART),
    ("القسم", PART), ("بخش", PART), ("פרק", CHAPTER), ("חלק", PART), ("บทที่", CHAPTER),
    ("ตอนที่", CHAPTER), ("ภาคที่", PART), ("ภาค", PART), ("अध्याय", CHAPTER), ("भाग", PART),
    ("অধ্যায়", CHAPTER), ("அத்தியாயம்", CHAPTER),
];

/// Such words that stand alone, or before a title.
#[rustfmt::skip]
const CASELESS_UNNUMBERED: &[&str] = &[
    "مقدمة", "المقدمة", "تمهيد", "خاتمة", "الخاتمة", "הקדמה", "מבוא", "פתח דבר", "אחרית דבר",
    "บทนำ", "คำนำ", "ปฐมบท", "บทส่งท้าย", "楔子", "引子", "序", "序章", "序言", "前言", "尾声", "尾聲",
    "终章", "終章", "番外", "后记", "後記", "プロローグ", "エピローグ", "あとがき", "まえがき", "はじめに",
    "おわりに", "프롤로그", "에필로그", "서문", "서장", "종장", "머리말", "맺음말", "외전",
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
    "eerste", "tweede", "derde", "vierde", "vijfde",
    "primeiro", "primeira", "terceiro", "terceira", "quarto", "quarta", "quinto", "quinta",
    "pierwszy", "pierwsza", "drugi", "druga", "trzeci", "trzecia", "czwarty", "czwarta",
    "первая", "вторая", "третья", "первый", "второй", "третий", "четвертая", "четвёртая",
    "четвертый", "четвёртый", "пятая", "пятый",
];

/// The level of `line` as a heading, or `None`. The line stands alone between blank lines.
pub(super) fn level(line: &str) -> Option<u8> {
    if let Some(level) = by_file_name(line).or_else(|| by_caseless(line)) {
        return Some(level);
    }
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

/// The level of `line` as a heading that needs no blank lines around it: it says what it is.
pub(super) fn marked_level(line: &str) -> Option<u8> {
    if line.chars().nth(LONGEST_BARE).is_some() || line.ends_with(['.', ',', ';', '。', '，']) {
        let is_numbered = wants_title(line) && line.ends_with('.');
        return is_numbered.then(|| level(line)).flatten();
    }
    let found = by_file_name(line)
        .or_else(|| by_caseless(line))
        .or_else(|| by_ideograph(line));
    found.or_else(|| {
        let starts = line.starts_with(char::is_uppercase);
        starts.then(|| by_word(line)).flatten()
    })
}

/// "4. The Black Bird": its number and whether a title follows; a heading only in a series of such.
pub(super) fn numbered_title(line: &str) -> Option<u32> {
    let (number, title) = line.split_once(['.', ')'])?;
    let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let title = title.trim_start();
    (is_number && is_title(title))
        .then(|| number.parse().ok())
        .flatten()
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

/// `chapter.001`, `CH_2`: as converters name what had no heading.
fn by_file_name(line: &str) -> Option<u8> {
    let (word, number) = line.split_once(['.', '_', '-'])?;
    let is_word = ["chapter", "chap", "ch"].contains(&word.to_ascii_lowercase().as_str());
    let is_number = (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    (is_word && is_number).then_some(CHAPTER)
}

/// "الفصل الأول", "פרק א", "บทที่ 2", "제3장", "楔子": scripts that have no capitals to go by, so the
/// line must be short and no sentence.
fn by_caseless(line: &str) -> Option<u8> {
    let first = line.chars().next()?;
    let is_short = line.chars().nth(40).is_none() && line.split_whitespace().count() <= 6;
    let ends = ['.', '!', '?', '؟', '。', '！', '？', '，', '、', ',', '،'];
    if first.is_ascii() && !first.is_ascii_digit() || !is_short || line.ends_with(ends) {
        return None;
    }
    let (word, rest) = split_word(line);
    let (word, _) = unmarked(word);
    if !rest.is_empty()
        && let Some((_, level)) = CASELESS.iter().find(|(known, _)| *known == word)
    {
        return Some(*level);
    }
    let stands_alone = |known: &&str| {
        line.strip_prefix(*known).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with([' ', '\u{3000}', ':', '：', '一', '1'])
        })
    };
    if CASELESS_UNNUMBERED.iter().any(stands_alone) {
        return Some(CHAPTER);
    }
    by_hangul(word)
}

/// "제3장", "12화", "3부".
fn by_hangul(word: &str) -> Option<u8> {
    let counted = word.strip_prefix('제').unwrap_or(word);
    let digits = counted.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = digits.len() < counted.len() && counted.len() - digits.len() <= 4;
    match digits {
        "장" | "화" | "회" | "편" | "절" if is_number => Some(CHAPTER),
        "부" | "권" if is_number => Some(PART),
        _ => None,
    }
}

/// "第三章 山中": the ordinal mark, a number, a counter.
fn by_ideograph(line: &str) -> Option<u8> {
    if line.chars().nth(30).is_some() || line.contains(['。', '，', '、']) {
        return None;
    }
    let mut after = line.strip_prefix('第')?.chars().skip(1).take(6);
    let is_counter = |c: &char| "章回話话篇節节部卷編".contains(*c);
    let counter = after.find(is_counter)?;
    // "第6回合" is a round of a fight.
    if line.contains("回合") {
        return None;
    }
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
    let is_digits = !word.is_empty()
        && word.chars().nth(4).is_none()
        && word
            .chars()
            .all(|c| c.is_numeric() && !('\u{2150}'..='\u{218F}').contains(&c));
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
            ("Ch. 7", CHAPTER),
            ("chapter.012", CHAPTER),
            ("الباب الثالث", CHAPTER),
            ("פרק ב: הדרך", CHAPTER),
            ("ตอนที่ ๓", CHAPTER),
            ("제12장 겨울", CHAPTER),
            ("에필로그", CHAPTER),
            ("番外 雨夜", CHAPTER),
            ("Розділ 2", CHAPTER),
            ("Część Druga", PART),
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
            "第6回合他倒下了",
            "פרק זה ארוך מאוד.",
            "序列号是三十",
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

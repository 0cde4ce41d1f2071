//! Languages as a track header has them: three letters (ISO 639-2/T).

/// The code of a BCP 47 tag; `und` where it is not known here.
pub(super) fn code(tag: Option<&str>) -> [u8; 3] {
    let primary = tag.and_then(|tag| tag.split(['-', '_']).next());
    let primary = primary.unwrap_or_default().to_ascii_lowercase();
    match primary.as_bytes() {
        &[a, b, c] if primary.bytes().all(|letter| letter.is_ascii_lowercase()) => [a, b, c],
        _ => *CODES
            .iter()
            .find(|(two, _)| *two == primary)
            .map_or(b"und", |(_, three)| three),
    }
}

static CODES: [(&str, &[u8; 3]); 48] = [
    ("af", b"afr"),
    ("ar", b"ara"),
    ("bg", b"bul"),
    ("bn", b"ben"),
    ("ca", b"cat"),
    ("cs", b"ces"),
    ("cy", b"cym"),
    ("da", b"dan"),
    ("de", b"deu"),
    ("el", b"ell"),
    ("en", b"eng"),
    ("es", b"spa"),
    ("et", b"est"),
    ("eu", b"eus"),
    ("fa", b"fas"),
    ("fi", b"fin"),
    ("fr", b"fra"),
    ("ga", b"gle"),
    ("gl", b"glg"),
    ("he", b"heb"),
    ("hi", b"hin"),
    ("hr", b"hrv"),
    ("hu", b"hun"),
    ("id", b"ind"),
    ("is", b"isl"),
    ("it", b"ita"),
    ("ja", b"jpn"),
    ("ko", b"kor"),
    ("la", b"lat"),
    ("lt", b"lit"),
    ("lv", b"lav"),
    ("ms", b"msa"),
    ("nb", b"nob"),
    ("nl", b"nld"),
    ("no", b"nor"),
    ("pl", b"pol"),
    ("pt", b"por"),
    ("ro", b"ron"),
    ("ru", b"rus"),
    ("sk", b"slk"),
    ("sl", b"slv"),
    ("sr", b"srp"),
    ("sv", b"swe"),
    ("th", b"tha"),
    ("tr", b"tur"),
    ("uk", b"ukr"),
    ("vi", b"vie"),
    ("zh", b"zho"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_becomes_three_letters() {
        assert_eq!(code(Some("en-GB")), *b"eng");
        assert_eq!(code(Some("DE")), *b"deu");
        assert_eq!(code(Some("grc")), *b"grc");
        assert_eq!(code(Some("x")), *b"und");
        assert_eq!(code(None), *b"und");
    }
}

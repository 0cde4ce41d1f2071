//! Little words: where a line ends badly and where one starts well.

/// Function words of one language, lower case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language {
    /// Articles, determiners and short prepositions: a line never ends after one.
    pub(super) clinging: &'static [&'static str],
    /// Conjunctions and relative words: a line likes to end before one.
    pub(super) opening: &'static [&'static str],
}

const ENGLISH: Language = Language {
    clinging: &[
        "a", "an", "the", "my", "your", "his", "her", "its", "our", "their", "this", "that",
        "these", "those", "of", "to", "in", "on", "at", "by", "for", "with", "from", "into", "as",
        "and", "or", "but", "mr", "mrs", "ms", "dr", "no", "very", "i",
    ],
    opening: &[
        "and", "or", "but", "so", "because", "that", "which", "who", "when", "where", "while",
        "if", "than", "then", "although", "until", "since", "as", "after", "before", "whether",
    ],
};
const GERMAN: Language = Language {
    clinging: &[
        "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer",
        "eines", "mein", "meine", "dein", "deine", "sein", "seine", "ihr", "ihre", "unser",
        "unsere", "kein", "keine", "in", "im", "an", "am", "auf", "aus", "bei", "mit", "nach",
        "von", "vom", "zu", "zum", "zur", "für", "und", "oder", "aber", "herr", "frau", "ich",
    ],
    opening: &[
        "und", "oder", "aber", "denn", "sondern", "weil", "dass", "daß", "wenn", "als", "ob",
        "während", "obwohl", "damit", "bevor", "nachdem", "wo", "wie",
    ],
};
const FRENCH: Language = Language {
    clinging: &[
        "le", "la", "les", "un", "une", "des", "du", "de", "au", "aux", "mon", "ma", "mes", "ton",
        "ta", "tes", "son", "sa", "ses", "notre", "nos", "votre", "vos", "leur", "leurs", "ce",
        "cet", "cette", "ces", "à", "en", "dans", "par", "pour", "sur", "avec", "sans", "et", "ou",
        "mais", "je", "ne",
    ],
    opening: &[
        "et", "ou", "mais", "donc", "car", "que", "qui", "quand", "si", "comme", "parce",
        "lorsque", "puisque", "dont", "où",
    ],
};
const SPANISH: Language = Language {
    clinging: &[
        "el", "la", "los", "las", "un", "una", "unos", "unas", "lo", "al", "del", "mi", "mis",
        "tu", "tus", "su", "sus", "este", "esta", "ese", "esa", "de", "a", "en", "por", "para",
        "con", "sin", "y", "e", "o", "pero", "no", "se",
    ],
    opening: &[
        "y", "e", "o", "u", "pero", "sino", "porque", "que", "cuando", "si", "aunque", "mientras",
        "donde", "como", "pues",
    ],
};
const ITALIAN: Language = Language {
    clinging: &[
        "il", "lo", "la", "i", "gli", "le", "un", "uno", "una", "del", "dello", "della", "dei",
        "degli", "delle", "al", "allo", "alla", "nel", "nella", "sul", "sulla", "mio", "mia",
        "suo", "sua", "di", "a", "da", "in", "con", "su", "per", "tra", "fra", "e", "o", "ma",
        "non", "si",
    ],
    opening: &[
        "e", "o", "ma", "perché", "che", "chi", "quando", "se", "mentre", "dove", "come", "quindi",
        "anche",
    ],
};
const PORTUGUESE: Language = Language {
    clinging: &[
        "o", "a", "os", "as", "um", "uma", "uns", "umas", "do", "da", "dos", "das", "no", "na",
        "nos", "nas", "ao", "à", "meu", "minha", "seu", "sua", "de", "em", "por", "para", "com",
        "sem", "e", "ou", "mas", "não", "se",
    ],
    opening: &[
        "e", "ou", "mas", "porque", "que", "quando", "se", "embora", "enquanto", "onde", "como",
    ],
};
const DUTCH: Language = Language {
    clinging: &[
        "de", "het", "een", "mijn", "je", "jouw", "zijn", "haar", "ons", "onze", "hun", "deze",
        "dit", "die", "dat", "van", "in", "op", "aan", "bij", "met", "naar", "uit", "voor", "te",
        "en", "of", "maar", "ik",
    ],
    opening: &[
        "en", "of", "maar", "want", "omdat", "dat", "die", "als", "toen", "terwijl", "hoewel",
        "waar", "zodat",
    ],
};
const UNKNOWN: Language = Language {
    clinging: &[],
    opening: &[],
};

impl Language {
    /// The words of `name`, spelled as providers do: `en`, `en-US`, `english`. English when
    /// the language is not given; no words at all for a language that is not in the list.
    pub(super) fn named(name: Option<&str>) -> Self {
        let Some(name) = name else { return ENGLISH };
        let name = name.to_lowercase();
        match name.split(['-', '_']).next().unwrap_or(&name) {
            "en" | "eng" | "english" => ENGLISH,
            "de" | "deu" | "ger" | "german" => GERMAN,
            "fr" | "fra" | "fre" | "french" => FRENCH,
            "es" | "spa" | "spanish" => SPANISH,
            "it" | "ita" | "italian" => ITALIAN,
            "pt" | "por" | "portuguese" => PORTUGUESE,
            "nl" | "nld" | "dut" | "dutch" => DUTCH,
            _ => UNKNOWN,
        }
    }
}

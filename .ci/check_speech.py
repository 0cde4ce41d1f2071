#!/usr/bin/env python3
"""Judges a folder that `.ci/speech` made: how many words survived text -> audio -> text, and whether
two deliveries of the same text last equally long.

The normaliser, stated: NFKC, lower case; of the original what is not spoken is dropped (front matter,
addresses of links); apostrophes are dropped, and every other character that is no letter or digit becomes
a space; numbers up to 99 and "3rd" are written out; abbreviations are written as they are said (no., sgt.,
ft., e.g., mr., dr.), and British spelling as American. Nothing else is forgiven.

The word error rate is (substitutions + deletions + insertions) / words of the original.
"""

import difflib
import pathlib
import re
import sys
import unicodedata
import wave

LIMIT = 0.10
ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen""".split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SAID = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "sgt": "sergeant", "ft": "feet", "no": "number",
    "&": "and", "okay": "ok", "harbour": "harbor", "ii": "two", "feb": "february", "approx": "approximately",
}


def number(match):
    value = int(match[0])
    if value < 20:
        return ONES[value]
    if value < 100:
        return TENS[value // 10] + (" " + ONES[value % 10] if value % 10 else "")
    return match[0]


def words(text):
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"\A---\n.*?\n---\n", " ", text, flags=re.S)
    text = re.sub(r"https?://\S+", " ", text)
    text = re.sub(r"\be\. ?g\.", " for example ", text)
    text = re.sub(r"\b(\d{1,2})(?:st|nd|rd|th)\b", r"\1", text)
    text = re.sub(r"['’]", "", text)
    text = re.sub(r"[^\w&]|_", " ", text)
    text = re.sub(r"\b\d{1,2}\b", number, text)
    return [SAID.get(word, word) for word in text.split()]


def errors(said, heard):
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(last + (word != other), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def differences(said, heard):
    """Where the two part, for whoever wants to know which words do not survive."""
    matcher = difflib.SequenceMatcher(None, said, heard, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield tag, " ".join(said[a:b]), " ".join(heard[c:d])


def seconds(path):
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def main():
    work = pathlib.Path(sys.argv[1])
    total = wrong = 0
    for book in sorted((work / "books").iterdir()):
        said = words(book.read_text(encoding="utf-8"))
        heard = words((work / "rest/out/back" / f"{book.stem}.txt").read_text(encoding="utf-8"))
        missed = errors(said, heard)
        rest, stream = (seconds(work / delivery / "out" / f"{book.stem}.wav") for delivery in ("rest", "stream"))
        print(f"{book.name}: {len(said)} words, {missed} wrong = {missed / len(said):.1%}; rest {rest:.3f} s, stream {stream:.3f} s")
        if rest != stream:
            sys.exit(f"{book.name}: the two deliveries differ in length")
        for what, ours, theirs in differences(said, heard):
            print(f"    {what}: {ours} -> {theirs}")
        total += len(said)
        wrong += missed
    if not total:
        sys.exit("no words were compared")
    print(f"round trip: {total} words, word error rate {wrong / total:.2%} (limit {LIMIT:.0%})")
    if wrong / total >= LIMIT:
        sys.exit("too many words were lost on the way")


if __name__ == "__main__":
    main()

//! The picture of a book: told by its first bytes, as players take it.

/// What a player shows of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    Jpeg,
    Png,
}

/// Larger pictures slow players down, and some leave them out.
pub const LARGEST_COVER: usize = 3 << 20;

/// A cover, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    pub picture: Picture,
    pub bytes: Vec<u8>,
}

/// Why a picture is no cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCover {
    #[error("the cover is {0}, which players do not show; JPEG and PNG are taken")]
    Kind(&'static str),
    #[error("the cover is larger than 3 MB, which players do not take")]
    Large(usize),
    #[error("the cover is empty")]
    Empty,
}

impl Cover {
    /// `bytes` as a cover.
    pub fn new(bytes: Vec<u8>) -> Result<Self, NoCover> {
        let picture = kind(&bytes)?;
        if bytes.len() > LARGEST_COVER {
            return Err(NoCover::Large(bytes.len()));
        }
        Ok(Self { picture, bytes })
    }
}

impl Picture {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

fn kind(bytes: &[u8]) -> Result<Picture, NoCover> {
    let head = bytes.get(..512).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head);
    Err(NoCover::Kind(match bytes {
        [] => return Err(NoCover::Empty),
        [0xff, 0xd8, 0xff, ..] => return Ok(Picture::Jpeg),
        [0x89, b'P', b'N', b'G', ..] => return Ok(Picture::Png),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "a WebP",
        [b'G', b'I', b'F', ..] => "a GIF",
        _ if text.contains("<svg") => "an SVG drawing",
        _ => "no picture that is known here",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_players_do_not_show_is_said_to_be_what_it_is() {
        let webp = b"RIFF\0\0\0\0WEBPVP8 ".to_vec();
        let svg = b"<?xml version=\"1.0\"?><svg/>".to_vec();

        assert_eq!(Cover::new(webp), Err(NoCover::Kind("a WebP")));
        assert_eq!(Cover::new(svg), Err(NoCover::Kind("an SVG drawing")));
        assert_eq!(Cover::new(Vec::new()), Err(NoCover::Empty));
        let mut large = vec![0xff, 0xd8, 0xff];
        large.resize(LARGEST_COVER + 1, 0);
        assert_eq!(Cover::new(large), Err(NoCover::Large(LARGEST_COVER + 1)));
    }
}

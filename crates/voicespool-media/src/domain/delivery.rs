//! How the sound of a request comes back, and what can be asked of it on the way.

use crate::named;

named!(
    /// The road an answer takes. It decides nothing about the sound, so it is no part of a
    /// job's key: what came over one road is not bought again over another.
    #[derive(Default)]
    Delivery {
        /// One request, one body: the cheapest to check and to resume.
        #[default]
        Rest = "rest",
        /// Server-sent events: the first sound comes early.
        Stream = "stream",
        /// A WebSocket for each request.
        WebSocket = "websocket",
    }
);

named!(
    /// Whether the provider is asked for the times of what it speaks.
    #[derive(Default)]
    Alignment {
        #[default]
        None = "none",
        /// Of every word. Comes with events only.
        Word = "word",
    }
);

impl Alignment {
    /// Whether there is nothing to ask for.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

named!(
    /// Where the provider may cut a text before it speaks it (Together's `segment`).
    Segmenting {
        Sentence = "sentence",
        /// As soon as there is something to say.
        Immediate = "immediate",
        /// Nowhere but where it is told to.
        Never = "never",
    }
);

//! One utterance with SVOX Pico, from text to samples. The only file with `unsafe`.
//!
//! Pico is C code of 2008. What holds here keeps it safe and repeatable:
//! * **One arena, one system, one engine for one utterance**, made and dropped inside
//!   [`speak`] on one thread: no handle leaves, so nothing needs `Send`. With an engine
//!   kept from one text to the next the same text sounds different.
//! * **The arena starts as zeroes.** Pico reads memory it has not written; with leftovers
//!   in it speech differs by up to 16 % from run to run.
//! * **No file is named by the text.** Pico obeys commands such as `<genfile file="…">`,
//!   which *writes* a file. Text must come from `spoken::spoken`, which leaves no `<`;
//!   [`Spoken`] is the proof, and the one command used is added here.
//! * **Bounded words.** Some letter runs beyond 125 bytes never return; `spoken` cuts
//!   them. What still stands still is stopped by [`MAX_EMPTY_STEPS`].
//!
//! Pico's only mutable global is a frame counter that nothing reads (picosig.c), so
//! utterances on several threads do not influence each other.
//!
//! It does not choose voices, write files, or judge whether the result is speech.
#![expect(
    unsafe_code,
    reason = "SVOX Pico is C; every call and its conditions are in this file"
)]

use std::ffi::{CStr, c_char, c_void};
use std::ops::ControlFlow;
use std::ptr;

use ttspico_sys as sys;

use crate::engine::local::spoken::Spoken;

/// Frames per second; one channel.
pub(super) const SAMPLE_RATE: u32 = 16_000;

/// Memory for one utterance. The largest voice (fr-FR) starts with 2.3 MB, not with 2.0 MB,
/// and takes nothing more while it speaks.
const ARENA_BYTES: usize = 3 << 20;
/// Left free on both sides of the arena. Pico reads and writes past the ends of its own
/// buffers (seen with `AddressSanitizer`: a few bytes before, up to 928 after, the same in
/// every utterance and whatever the text), always within the arena; were one of them its
/// first or last, this is memory of ours all the same.
const MARGIN_BYTES: usize = 64 << 10;
/// A step gives about four samples; planning a long sentence takes 7,000 steps without any.
const MAX_EMPTY_STEPS: u32 = 1_000_000;
/// Samples handed on at once.
const BLOCK: usize = 16_384;
/// Bytes one step may deliver.
const STEP_BYTES: usize = 1024;

/// Any name will do: a system has one voice.
const VOICE: &CStr = c"voice";

/// Why Pico gave no speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PicoError {
    #[error("Pico could not {what} (status {status})")]
    Setup {
        what: &'static str,
        status: sys::pico_Status,
    },
    #[error("Pico gave up on this text (status {status})")]
    Text { status: sys::pico_Status },
    #[error("Pico makes no progress on this text")]
    Stuck,
    #[error("stopped")]
    Stopped,
}

/// Speaks `text` with the voice in the files `ta` and `sg`; `sink` takes the samples in
/// blocks and may stop. The same input gives the same samples on every thread and run.
pub(super) fn speak(
    ta: &CStr,
    sg: &CStr,
    text: &Spoken,
    sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
) -> Result<(), PicoError> {
    System::new()?.engine(ta, sg)?.run(text.as_bytes(), sink)
}

fn check(what: &'static str, status: sys::pico_Status) -> Result<(), PicoError> {
    if status == sys::PICO_OK {
        Ok(())
    } else {
        Err(PicoError::Setup { what, status })
    }
}

/// A Pico system in its own memory. Dropping it ends everything that was made in it.
struct System {
    handle: sys::pico_System,
    /// Never touched after `pico_initialize` but by Pico, and freed after `pico_terminate`.
    /// `u128` for its alignment.
    _memory: Vec<u128>,
}

impl System {
    fn new() -> Result<Self, PicoError> {
        let mut memory = vec![0u128; (ARENA_BYTES + 2 * MARGIN_BYTES) / size_of::<u128>()];
        let arena = memory
            .as_mut_ptr()
            .wrapping_add(MARGIN_BYTES / size_of::<u128>());
        let size = u32::try_from(ARENA_BYTES).unwrap_or(0);
        let mut handle = ptr::null_mut();
        // SAFETY: the arena is ours, zeroed, `size` bytes long and outlives the handle
        // (it is freed after `drop` below); `handle` is a valid place to write to.
        let status = unsafe { sys::pico_initialize(arena.cast::<c_void>(), size, &raw mut handle) };
        check("start", status)?;
        Ok(Self {
            handle,
            _memory: memory,
        })
    }

    /// Loads both files and makes the engine that speaks with them.
    fn engine(&mut self, ta: &CStr, sg: &CStr) -> Result<Engine<'_>, PicoError> {
        // SAFETY: `handle` is live; the name is a C string that Pico copies.
        let status =
            unsafe { sys::pico_createVoiceDefinition(self.handle, VOICE.as_ptr().cast::<u8>()) };
        check("define the voice", status)?;
        for path in [ta, sg] {
            self.load(path)?;
        }
        let mut handle = ptr::null_mut();
        // SAFETY: as above; `handle` is a valid place to write to.
        let status = unsafe {
            sys::pico_newEngine(self.handle, VOICE.as_ptr().cast::<u8>(), &raw mut handle)
        };
        check("make an engine", status)?;
        Ok(Engine {
            system: self,
            handle,
        })
    }

    fn load(&mut self, path: &CStr) -> Result<(), PicoError> {
        let mut resource = ptr::null_mut();
        let mut name = [0; sys::PICO_RETSTRINGSIZE];
        // SAFETY: `handle` is live; `path` is a C string of fewer than 512 bytes (checked
        // where it is made), the size of the buffer Pico copies it to; `resource` is a
        // valid place to write to.
        let status = unsafe {
            sys::pico_loadResource(self.handle, path.as_ptr().cast::<u8>(), &raw mut resource)
        };
        check("load a voice file", status)?;
        // SAFETY: `resource` was just loaded into this system; a resource's name has at
        // most `PICO_MAX_RESOURCE_NAME_SIZE` (32) bytes with its NUL and `name` holds 200.
        let status = unsafe {
            sys::pico_getResourceName(self.handle, resource, name.as_mut_ptr().cast::<c_char>())
        };
        check("name a voice file", status)?;
        // SAFETY: both names are C strings; Pico copies them.
        let status = unsafe {
            sys::pico_addResourceToVoiceDefinition(
                self.handle,
                VOICE.as_ptr().cast::<u8>(),
                name.as_ptr().cast::<u8>(),
            )
        };
        check("add a voice file", status)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // SAFETY: `handle` is live, no engine exists (`Engine` borrows the system), and
        // terminating unloads the resources and closes their files. The status can only
        // say that the handle is invalid, which it is not.
        unsafe { sys::pico_terminate(&raw mut self.handle) };
    }
}

/// The one engine of a system.
struct Engine<'a> {
    system: &'a mut System,
    handle: sys::pico_Engine,
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // SAFETY: both handles are live and belong together.
        unsafe { sys::pico_disposeEngine(self.system.handle, &raw mut self.handle) };
    }
}

impl Engine<'_> {
    /// Feeds the text and takes the samples until Pico is idle.
    fn run(
        &mut self,
        mut text: &[u8],
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), PicoError> {
        let mut block = Vec::with_capacity(BLOCK + STEP_BYTES);
        while !text.is_empty() {
            let taken = self.put(text)?;
            let before = block.len();
            self.drain(&mut block, sink)?;
            if taken == 0 && block.len() == before {
                return Err(PicoError::Stuck);
            }
            text = &text[taken..];
        }
        // A NUL says that the text is complete, so that its last sentence is spoken.
        self.put(&[0])?;
        self.drain(&mut block, sink)?;
        pass_on(&mut block, sink)
    }

    /// Offers `text` and returns how many bytes Pico took.
    fn put(&mut self, text: &[u8]) -> Result<usize, PicoError> {
        let size = i16::try_from(text.len()).unwrap_or(i16::MAX);
        let mut taken = 0;
        // SAFETY: `handle` is live and `text` has at least `size` readable bytes.
        let status =
            unsafe { sys::pico_putTextUtf8(self.handle, text.as_ptr(), size, &raw mut taken) };
        if status != sys::PICO_OK {
            return Err(PicoError::Text { status });
        }
        Ok(usize::try_from(taken).unwrap_or(0).min(text.len()))
    }

    /// Takes samples until Pico wants more text.
    fn drain(
        &mut self,
        block: &mut Vec<i16>,
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), PicoError> {
        let mut step = [0i16; STEP_BYTES / 2];
        let room = i16::try_from(STEP_BYTES).unwrap_or(i16::MAX);
        let mut empty_steps = 0;
        loop {
            let (mut bytes, mut kind) = (0, 0);
            // SAFETY: `handle` is live; `step` has `room` writable bytes and Pico writes
            // no more than that.
            let status = unsafe {
                sys::pico_getData(
                    self.handle,
                    step.as_mut_ptr().cast::<c_void>(),
                    room,
                    &raw mut bytes,
                    &raw mut kind,
                )
            };
            let samples = (usize::try_from(bytes).unwrap_or(0) / 2).min(step.len());
            block.extend_from_slice(&step[..samples]);
            if block.len() >= BLOCK {
                pass_on(block, sink)?;
            }
            match status {
                sys::PICO_STEP_BUSY => {}
                sys::PICO_STEP_IDLE => return Ok(()),
                status => return Err(PicoError::Text { status }),
            }
            empty_steps = if samples == 0 { empty_steps + 1 } else { 0 };
            if empty_steps > MAX_EMPTY_STEPS {
                return Err(PicoError::Stuck);
            }
        }
    }
}

fn pass_on(
    block: &mut Vec<i16>,
    sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
) -> Result<(), PicoError> {
    let flow = sink(block);
    block.clear();
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(PicoError::Stopped),
    }
}

//! The links of the node, and what goes over them.

use ankurah_core::node::protocol::{LinkInfo, TapDirection, TapFrame, TapFrames};

use super::stream::{Stream, Weigh};
use crate::fold::has_all;

impl Weigh for TapFrame {
    fn weight(&self) -> usize {
        size_of::<TapFrame>() + self.what.len()
    }
}

/// Links and frames.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    /// The links; `None` as long as they are not known.
    pub links: Option<Vec<LinkInfo>>,
    /// The frames since the page was opened.
    pub stream: Stream<TapFrame>,
    /// Frames that the node had dropped before they were read.
    pub missed: u64,
}

/// Which way a frame went.
pub fn direction(frame: &TapFrame) -> &'static str {
    match frame.direction {
        TapDirection::In => "in",
        TapDirection::Out => "out",
    }
}

fn fits(frame: &TapFrame, words: &[String]) -> bool {
    let stream = if frame.stream == 0 { String::new() } else { format!("#{}", frame.stream) };
    let (way, kind) = (direction(frame), frame.kind.name());
    has_all(&format!("link{} {way} {kind} {} {stream}", frame.link, frame.what), words)
}

impl Wire {
    /// Takes frames in.
    pub fn take(&mut self, frames: TapFrames) {
        self.missed = self.missed.saturating_add(frames.dropped);
        frames.frames.into_iter().for_each(|frame| self.stream.take(frame, fits));
    }

    /// Holds, or goes on with what was held.
    pub fn pause(&mut self) {
        self.stream.pause(fits);
    }

    /// Shows only frames that have all words of a text.
    pub fn set_filter(&mut self, text: &str) {
        self.stream.set_filter(text, fits);
    }
}

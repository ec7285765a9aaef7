//! The first time through a slice: which handlers are called, in which order, and what their tokens are. Nothing is
//! changed, and what the parser puts out is only counted.

use std::ops::Range;
use std::sync::Arc;

use lol_html::html_content::{Comment, Doctype, DocumentEnd, EndTag, TextChunk};
use lol_html::send::{DocumentContentHandlers, Element, ElementContentHandlers, HtmlRewriter};
use lol_html::{HandlerResult, OutputSink};
use parking_lot::Mutex;
use switchyard_js::abi::Writer;

use super::{Handler, MAX_HANDLERS, OUT_OF_MEMORY, Reading, listening, listens};

/// Bytes of events of one slice. A tag may be as long as the parser's memory.
const MAX_EVENTS: usize = 24 << 20;

/// Kinds of event; one more than the kind where the token is that of the event before.
mod event {
    pub const ELEMENT: i32 = 0;
    pub const TEXT: i32 = 2;
    pub const COMMENT: i32 = 4;
    pub const DOCTYPE: i32 = 6;
    pub const END_TAG: i32 = 8;
    pub const END: i32 = 10;
    pub const SAME: i32 = 1;
}

pub struct Scan {
    parser: Option<HtmlRewriter<'static, Counted>>,
    seen: Arc<Mutex<Seen>>,
    /// Bytes that came in.
    fed: usize,
    failed: Option<String>,
}

#[derive(Default)]
struct Seen {
    /// Events of the slice, as values.
    events: Vec<u8>,
    /// The last one's kind, where its token is, and the handler's rank: of one token they are called by rank.
    last: Option<(i32, Range<usize>, usize)>,
    /// Elements seen so far.
    elements: i32,
    /// End tags' handlers called so far.
    tags: usize,
    /// Bytes of the page that the parser is done with.
    done: usize,
}

/// Counts what the parser puts out. All of it is as it came in, since nothing is changed, but for texts, which are
/// counted where they are seen.
struct Counted(Arc<Mutex<Seen>>);

impl OutputSink for Counted {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        self.0.lock().done += chunk.len();
    }
}

impl Scan {
    pub fn new(reading: Reading, handlers: &[Handler]) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let parser = HtmlRewriter::new(
            listening(reading, handlers, |at, bits| elements(&seen, at, bits), |at, bits| document(&seen, at, bits)),
            Counted(Arc::clone(&seen)),
        );
        Self { parser: Some(parser), seen, fed: 0, failed: None }
    }

    /// Parses a slice.
    pub fn slice(&mut self, slice: &[u8], last: bool) {
        {
            let mut seen = self.seen.lock();
            seen.events.clear();
            seen.last = None;
        }
        self.fed += slice.len();
        // A parser that failed must not be used again.
        let Some(mut parser) = self.parser.take() else { return };
        let parsed = match parser.write(slice) {
            Ok(()) if last => parser.end(),
            Ok(()) => {
                self.parser = Some(parser);
                return;
            }
            failed => failed,
        };
        self.failed = parsed.err().map(|error| error.to_string());
    }

    /// What it failed with.
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Bytes that the parser keeps since they may go on.
    pub fn kept(&self) -> usize {
        self.fed.saturating_sub(self.seen.lock().done)
    }

    /// Tells the events of the slice.
    pub fn tell(&self, out: &mut Vec<u8>) {
        let mut seen = self.seen.lock();
        out.extend_from_slice(&seen.events);
        if seen.events.capacity() > 64 << 10 {
            seen.events = Vec::new();
        }
    }
}

/// Which handler is called.
#[derive(Clone, Copy)]
struct Place {
    at: i32,
    rank: usize,
}

impl Place {
    fn new(at: usize, after: usize) -> Self {
        Self { at: i32::try_from(at).unwrap_or(i32::MAX), rank: at + after }
    }
}

impl Seen {
    /// Begins an event; whether its token was told before.
    fn event(&mut self, kind: i32, of: i32, rank: usize, at: Range<usize>) -> Result<bool, &'static str> {
        if self.events.len() > MAX_EVENTS {
            return Err(OUT_OF_MEMORY);
        }
        let before = self.last.take();
        let same = before.is_some_and(|(last, place, before)| last == kind && place == at && rank > before);
        self.last = Some((kind, at, rank));
        Writer::new(&mut self.events).int(kind + if same { event::SAME } else { 0 }).int(of);
        Ok(same)
    }

    /// The element's number, when this is the first event of it.
    fn element(&mut self, of: Place, element: &Element<'_, '_>) -> Result<Option<i32>, &'static str> {
        if self.event(event::ELEMENT, of.at, of.rank, element.source_location().bytes())? {
            return Ok(None);
        }
        let mut write = Writer::new(&mut self.events);
        write.text(&element.tag_name()).text(element.namespace_uri()).bool(element.can_have_content());
        let attributes = element.attributes();
        write.number(attributes.len() as u64);
        for attribute in attributes {
            write.text(&attribute.name()).text(&attribute.value());
        }
        self.elements = self.elements.wrapping_add(1);
        Ok(Some(self.elements))
    }

    fn text(&mut self, of: Place, text: &mut TextChunk<'_>) -> HandlerResult {
        let at = text.source_location().bytes();
        let length = at.len();
        if !self.event(event::TEXT, of.at, of.rank, at)? {
            Writer::new(&mut self.events).text(text.as_str()).bool(text.last_in_text_node());
            self.done += length;
            text.remove();
        }
        Ok(())
    }

    fn comment(&mut self, of: Place, comment: &Comment<'_>) -> HandlerResult {
        if !self.event(event::COMMENT, of.at, of.rank, comment.source_location().bytes())? {
            Writer::new(&mut self.events).text(&comment.text());
        }
        Ok(())
    }

    fn doctype(&mut self, of: Place, doctype: &Doctype<'_>) -> HandlerResult {
        if !self.event(event::DOCTYPE, of.at, of.rank, doctype.source_location().bytes())? {
            let (name, public, system) = (doctype.name(), doctype.public_id(), doctype.system_id());
            let mut write = Writer::new(&mut self.events);
            write.text_or_null(name.as_deref()).text_or_null(public.as_deref()).text_or_null(system.as_deref());
        }
        Ok(())
    }

    fn end_tag(&mut self, element: i32, tag: &EndTag<'_>) -> HandlerResult {
        self.tags += 1;
        if !self.event(event::END_TAG, element, self.tags, tag.source_location().bytes())? {
            Writer::new(&mut self.events).text(&tag.name());
        }
        Ok(())
    }
}

fn elements(seen: &Arc<Mutex<Seen>>, at: usize, bits: i32) -> ElementContentHandlers<'static> {
    let of = Place::new(at, 0);
    let mut handlers = ElementContentHandlers::default();
    if bits & listens::ELEMENT != 0 {
        let seen = Arc::clone(seen);
        handlers.element = Some(Box::new(move |element: &mut Element<'_, '_>| {
            let Some(number) = seen.lock().element(of, element)? else { return Ok(()) };
            if let Some(tags) = element.end_tag_handlers() {
                let seen = Arc::clone(&seen);
                tags.push(Box::new(move |tag: &mut EndTag<'_>| seen.lock().end_tag(number, tag)));
            }
            Ok(())
        }));
    }
    if bits & listens::COMMENTS != 0 {
        let seen = Arc::clone(seen);
        handlers.comments = Some(Box::new(move |comment: &mut Comment<'_>| seen.lock().comment(of, comment)));
    }
    if bits & listens::TEXT != 0 {
        let seen = Arc::clone(seen);
        handlers.text = Some(Box::new(move |text: &mut TextChunk<'_>| seen.lock().text(of, text)));
    }
    handlers
}

fn document(seen: &Arc<Mutex<Seen>>, at: usize, bits: i32) -> DocumentContentHandlers<'static> {
    // They are called after those of selectors.
    let of = Place::new(at, MAX_HANDLERS);
    let mut handlers = DocumentContentHandlers::default();
    if bits & listens::DOCTYPE != 0 {
        let seen = Arc::clone(seen);
        handlers.doctype = Some(Box::new(move |doctype: &mut Doctype<'_>| seen.lock().doctype(of, doctype)));
    }
    if bits & listens::COMMENTS != 0 {
        let seen = Arc::clone(seen);
        handlers.comments = Some(Box::new(move |comment: &mut Comment<'_>| seen.lock().comment(of, comment)));
    }
    if bits & listens::TEXT != 0 {
        let seen = Arc::clone(seen);
        handlers.text = Some(Box::new(move |text: &mut TextChunk<'_>| seen.lock().text(of, text)));
    }
    if bits & listens::END != 0 {
        let seen = Arc::clone(seen);
        handlers.end = Some(Box::new(move |_: &mut DocumentEnd<'_>| {
            seen.lock().event(event::END, of.at, 0, 0..0)?;
            Ok(())
        }));
    }
    handlers
}

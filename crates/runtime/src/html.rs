//! HTMLRewriter's parser: `lol_html`, whose handlers must answer before they return, under a guest whose handlers may
//! wait for anything. So a page is gone through twice, slice by slice: `scan` tells which handlers are called with
//! what; the guest runs them, as long as it likes, and notes what they want; `apply` goes through the same slice and
//! does it. Which handlers are called depends on the page alone, never on what they do, so the two stay together.
//! No thread and no stack waits for a handler: a page that is given up is dropped.
//!
//! A slice is parsed at once, and epochs cannot stop that: slices are as short as the number of handlers asks for,
//! and shorter where a slice took long.

mod apply;
mod scan;
mod select;

use std::collections::HashMap;

use lol_html::send::{DocumentContentHandlers, ElementContentHandlers, Settings};
use lol_html::{AsciiCompatibleEncoding, MemorySettings, Selector};
use switchyard_js::abi::{Malformed, Reader, Writer, sync};

use crate::held::Charge;
use crate::host::{Host, Limiter};
use crate::meter::thread_cpu;

use apply::Apply;
use scan::Scan;
use select::Complexity;

/// Pages that one request may have open.
const MAX_PAGES: usize = 64;
/// Handlers of a page: selectors, and sets for the document.
const MAX_HANDLERS: usize = 4096;
/// What the parser may hold of a page, in bytes, as on workerd: a tag that has not ended, the elements that are open.
const MAX_MEMORY: usize = 3 << 20;
/// The shortest and the longest slice, in bytes.
const SLICES: (usize, usize) = (16, 64 << 10);
/// A slice's bytes times its page's handlers, at most: a tag of three bytes is one event for each of them, and an event
/// takes some 0.1 us, so that the worst of slices takes a few milliseconds.
const SLICE_WORK: usize = 128 << 10;
/// CPU time of one slice above which the next is shorter, and below which it may be longer, in nanoseconds: a guest's
/// tick, since nothing can interrupt it.
const SLICE_TIME: (u64, u64) = (250_000, 1_000_000);
/// What an open element takes at most, beside what its selectors take, in bytes.
const OPEN_ELEMENT: usize = 224;
/// What a handler takes, and a byte of selectors, in both parsers.
const HANDLER: usize = 1024;
const SELECTOR: usize = 32;

pub const OUT_OF_MEMORY: &str = "The memory limit has been exceeded.";

/// What a handler listens to, bits as the guest gives them.
mod listens {
    pub const ELEMENT: i32 = 1;
    pub const COMMENTS: i32 = 2;
    pub const TEXT: i32 = 4;
    pub const DOCTYPE: i32 = 8;
    pub const END: i32 = 16;
}

/// Those of one request, by number.
pub type Pages = HashMap<i32, Page>;

/// A page on its way through a rewriter.
pub struct Page {
    scan: Scan,
    apply: Apply,
    /// The slice that was scanned and is to be applied; whether it is the last.
    slice: Option<(Vec<u8>, bool)>,
    /// What the next slice may be long, and the longest one.
    room: usize,
    most: usize,
    /// Start tags seen: no more elements can be open.
    opened: usize,
    /// Bytes an open element may take; 0: no selectors, so that none is kept.
    element: usize,
    /// Bytes that its handlers and selectors take.
    handlers: usize,
    charge: Option<Charge>,
    charged: usize,
}

/// One `on` or `onDocument`.
struct Handler {
    selector: Option<Selector>,
    listens: i32,
}

impl Page {
    fn begin(reading: Reading, handlers: &[Handler], complexity: &Complexity) -> Self {
        let selecting = handlers.iter().any(|handler| handler.selector.is_some());
        let element = if selecting { OPEN_ELEMENT + complexity.combinators * 32 + handlers.len() / 8 } else { 0 };
        let most = (SLICE_WORK / handlers.len().max(1)).clamp(SLICES.0, SLICES.1);
        Self {
            scan: Scan::new(reading, handlers),
            apply: Apply::new(reading, handlers),
            slice: None,
            room: most.div_ceil(2).max(SLICES.0),
            most,
            opened: 0,
            element,
            handlers: handlers.len() * HANDLER + complexity.bytes * SELECTOR,
            charge: None,
            charged: 0,
        }
    }

    /// Scans a slice, and tells the events in it.
    fn scan(&mut self, slice: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.slice.is_some() {
            return Err(Malformed::Unexpected);
        }
        let began = thread_cpu();
        let before = self.scan.kept();
        // What this parser fails with, the other one will fail with as well, after what was before.
        self.scan.slice(slice, last);
        let took = thread_cpu().saturating_sub(began);
        self.opened += starts(slice);
        self.slice = Some((slice.to_vec(), last));
        // Where nothing of it could be parsed, all of it is parsed again: less often, if slices grow.
        if took < SLICE_TIME.0 || self.scan.kept() > before + slice.len() / 2 {
            self.room = (self.room * 2).min(self.most);
        } else if took > SLICE_TIME.1 {
            self.room = (self.room / 2).max(SLICES.0);
        }
        Writer::new(out).number(self.room as u64);
        self.scan.tell(out);
        Ok(())
    }

    /// Does to the slice that was scanned last what the guest's handlers want.
    fn apply(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (slice, last) = self.slice.take().ok_or(Malformed::Unexpected)?;
        self.apply.slice(&slice, last, self.scan.failed(), out);
        Ok(())
    }

    /// Counts what it may take by now; false where there is no room for it.
    fn count(&mut self, limiter: &mut Limiter, memory: usize) -> bool {
        let open = (self.opened * self.element).min(MAX_MEMORY / 128 * self.element);
        // What is put in is held as commands, as output, and as the answer.
        let needs = 2 * (self.scan.kept() + open) + self.handlers + 3 * self.apply.wanted();
        if needs <= self.charged && self.charged <= needs * 4 + (1 << 20) {
            return true;
        }
        self.charge = None;
        self.charged = needs + (16 << 10);
        self.charge = limiter.charge(self.charged, memory).ok();
        self.charge.is_some()
    }
}

/// Where an element may begin.
fn starts(slice: &[u8]) -> usize {
    slice.windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic()).count() + 1
}

/// How a page is read.
#[derive(Clone, Copy)]
struct Reading {
    encoding: AsciiCompatibleEncoding,
    /// `esi:include` and `esi:comment` have no content.
    esi: bool,
}

/// What a parser is told, with the handlers that `element` and `document` make of each one's position.
fn listening(
    reading: Reading,
    handlers: &[Handler],
    element: impl Fn(usize, i32) -> ElementContentHandlers<'static>,
    document: impl Fn(usize, i32) -> DocumentContentHandlers<'static>,
) -> Settings<'static, 'static> {
    let memory = MemorySettings::new().with_preallocated_parsing_buffer_size(1024);
    let mut all = Settings::new_send()
        .with_encoding(reading.encoding)
        .with_enable_esi_tags(reading.esi)
        .with_memory_settings(memory.with_max_allowed_memory_usage(MAX_MEMORY))
        .with_strict(true);
    for (at, handler) in handlers.iter().enumerate() {
        all = match &handler.selector {
            Some(selector) => all.append_element_content_handler((
                std::borrow::Cow::Owned(selector.clone()),
                element(at, handler.listens),
            )),
            None => all.append_document_content_handler(document(at, handler.listens)),
        };
    }
    all
}

/// Answers a guest's question (ABI.md, Sync); `memory`: what the guest itself has, in bytes.
///
/// # Errors
/// When it is not well formed.
pub fn answer(
    host: &mut Host,
    question: i32,
    mut values: Reader<'_>,
    memory: usize,
    out: &mut Vec<u8>,
) -> Result<bool, Malformed> {
    let mut write = Writer::new(out);
    match question {
        sync::HTML_SELECTOR => {
            return Ok(match select::parse(values.text()?) {
                Ok(_) => false,
                Err(error) => {
                    write.text(&error);
                    true
                }
            });
        }
        sync::HTML_ENCODE => return select::encode(values, &mut write),
        _ => {}
    }
    let number = values.int()?;
    match question {
        sync::HTML_BEGIN => {
            let full = host.share.pages.len() >= MAX_PAGES;
            match begin(values)? {
                Ok(mut page) => {
                    if !full && page.count(&mut host.limiter, memory) {
                        host.share.pages.insert(number, page);
                        return Ok(false);
                    }
                    write.text(OUT_OF_MEMORY);
                }
                Err(error) => {
                    write.text(&error);
                }
            }
            Ok(true)
        }
        sync::HTML_SCAN => {
            let Some(page) = host.share.pages.get_mut(&number) else { return Ok(false) };
            let (last, slice) = (values.bool()?, values.bytes()?);
            if slice.len() > page.room || !page.count(&mut host.limiter, memory) {
                host.share.pages.remove(&number);
                return Ok(false);
            }
            page.scan(slice, last, out)?;
            Ok(true)
        }
        sync::HTML_APPLY => {
            let Some(page) = host.share.pages.get_mut(&number) else { return Ok(false) };
            let whole = values.bool()?;
            page.apply.commands(values)?;
            if !page.count(&mut host.limiter, memory) {
                host.share.pages.remove(&number);
                return Ok(false);
            }
            if !whole {
                write.bool(true);
                return Ok(true);
            }
            page.apply(out)?;
            if page.apply.is_over() {
                host.share.pages.remove(&number);
            }
            Ok(true)
        }
        sync::HTML_END => {
            host.share.pages.remove(&number);
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// A page as the guest asks for it, or why there is none.
fn begin(mut values: Reader<'_>) -> Result<Result<Page, String>, Malformed> {
    let encoding = match values.text_or_null()?.map_or(Ok(AsciiCompatibleEncoding::utf_8()), select::encoding) {
        Ok(encoding) => encoding,
        Err(error) => return Ok(Err(error.to_owned())),
    };
    let reading = Reading { encoding, esi: values.bool()? };
    let mut handlers = Vec::new();
    let mut complexity = Complexity::default();
    while !values.rest().is_empty() {
        let (selector, listens) = (values.text_or_null()?, values.int()?);
        if handlers.len() >= MAX_HANDLERS || !selector.is_none_or(|selector| complexity.add(selector)) {
            return Ok(Err(OUT_OF_MEMORY.to_owned()));
        }
        let selector = match selector.map(select::parse).transpose() {
            Ok(selector) => selector,
            Err(error) => return Ok(Err(error)),
        };
        handlers.push(Handler { selector, listens });
    }
    Ok(Ok(Page::begin(reading, &handlers, &complexity)))
}

#[cfg(test)]
mod tests;

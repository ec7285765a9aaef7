//! The second time through a slice: what the guest's handlers wanted is done to the tokens, and the page is put out.
//! Streams that are put into it are the guest's to read: where they belong is marked in what is put out.

use std::collections::HashMap;
use std::sync::Arc;

use lol_html::html_content::{
    Comment, ContentType, Doctype, DocumentEnd, EndTag, StreamingHandler, StreamingHandlerSink, TextChunk,
};
use lol_html::send::{DocumentContentHandlers, Element, ElementContentHandlers, HtmlRewriter};
use lol_html::{HandlerResult, OutputSink};
use parking_lot::Mutex;
use switchyard_js::abi::{Malformed, Reader, Value, Writer};

use super::{Handler, Reading, listening, listens};

/// Commands, as the guest numbers them.
mod command {
    pub const BEFORE: i32 = 0;
    pub const AFTER: i32 = 1;
    pub const PREPEND: i32 = 2;
    pub const APPEND: i32 = 3;
    pub const REPLACE: i32 = 4;
    pub const INNER: i32 = 5;
    pub const REMOVE: i32 = 6;
    pub const UNWRAP: i32 = 7;
    pub const SET_ATTRIBUTE: i32 = 8;
    pub const REMOVE_ATTRIBUTE: i32 = 9;
    pub const NAME: i32 = 10;
    pub const ON_END_TAG: i32 = 11;
    /// The handler failed: nothing after it is put out.
    pub const FAIL: i32 = 12;
}

pub struct Apply {
    parser: Option<HtmlRewriter<'static, Put>>,
    wanted: Arc<Mutex<Wanted>>,
    put: Arc<Mutex<Output>>,
}

/// What handlers want.
#[derive(Default)]
struct Wanted {
    /// By the event's position in the slice (end tags are not counted); by minus the element's number for end tags.
    commands: HashMap<i32, Vec<Command>>,
    /// The position of the next event.
    next: i32,
    bytes: usize,
}

/// What a command takes beside its texts, in bytes.
const COMMAND: usize = 96;

enum Command {
    Content(i32, Content),
    Remove,
    Unwrap,
    SetAttribute(String, String),
    RemoveAttribute(String),
    Name(String),
    OnEndTag(i32),
    Fail,
}

/// What is put into a page.
enum Content {
    Text(Box<str>, ContentType),
    /// The guest's number of a stream.
    Stream(i32),
}

/// What is put out, and the streams in it: where they belong.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    streams: Vec<(usize, i32)>,
}

struct Put(Arc<Mutex<Output>>);

impl OutputSink for Put {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        self.0.lock().bytes.extend_from_slice(chunk);
    }
}

impl Apply {
    pub fn new(reading: Reading, handlers: &[Handler]) -> Self {
        let (wanted, put): (Arc<Mutex<Wanted>>, Arc<Mutex<Output>>) = Default::default();
        let doing = Doing { wanted: Arc::clone(&wanted), put: Arc::clone(&put) };
        let parser = HtmlRewriter::new(
            listening(reading, handlers, |_, bits| doing.elements(bits), |_, bits| doing.document(bits)),
            Put(Arc::clone(&put)),
        );
        Self { parser: Some(parser), wanted, put }
    }

    /// Takes what handlers want in this slice: for an event that of its handler, as a number of commands and these.
    pub fn commands(&mut self, mut values: Reader<'_>) -> Result<(), Malformed> {
        let mut wanted = self.wanted.lock();
        wanted.bytes += values.rest().len();
        while !values.rest().is_empty() {
            let (event, count) = (values.int()?, values.int()?);
            let commands = wanted.commands.entry(event).or_default();
            for _ in 0..count {
                commands.push(Command::read(&mut values)?);
            }
            wanted.bytes += usize::try_from(count).unwrap_or(0) * COMMAND;
        }
        Ok(())
    }

    /// Bytes that what they want takes.
    pub fn wanted(&self) -> usize {
        self.wanted.lock().bytes
    }

    /// Parses a slice, and tells an error (or false) and what is put out: bytes, and numbers of streams.
    pub fn slice(&mut self, slice: &[u8], last: bool, failed: Option<&str>, out: &mut Vec<u8>) {
        let error = match self.parser.take() {
            None => failed.map(str::to_owned),
            Some(mut parser) => match parser.write(slice) {
                Err(error) => Some(error.to_string()),
                Ok(()) if last => parser.end().err().map(|error| error.to_string()),
                Ok(()) => {
                    // A parser that failed must not be used again; nor one whose other half failed.
                    self.parser = failed.is_none().then_some(parser);
                    failed.map(str::to_owned)
                }
            },
        };
        {
            let mut wanted = self.wanted.lock();
            wanted.commands.clear();
            (wanted.next, wanted.bytes) = (0, 0);
        }
        let mut write = Writer::new(out);
        match &error {
            Some(error) => write.text(error),
            None => write.bool(false),
        };
        let mut put = self.put.lock();
        let mut from = 0;
        for (at, stream) in std::mem::take(&mut put.streams) {
            if at > from {
                write.bytes(&put.bytes[from..at]);
            }
            write.int(stream);
            from = at;
        }
        if put.bytes.len() > from {
            write.bytes(&put.bytes[from..]);
        }
        put.bytes.clear();
        put.bytes.shrink_to(64 << 10);
    }

    pub fn is_over(&self) -> bool {
        self.parser.is_none()
    }
}

impl Command {
    fn read(values: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match values.int()? {
            place @ command::BEFORE..=command::INNER => {
                let kind = if values.bool()? { ContentType::Html } else { ContentType::Text };
                Command::Content(
                    place,
                    match values.value()? {
                        Value::Text(text) => Content::Text(text.into(), kind),
                        Value::Int(stream) => Content::Stream(stream),
                        _ => return Err(Malformed::Unexpected),
                    },
                )
            }
            command::REMOVE => Command::Remove,
            command::UNWRAP => Command::Unwrap,
            command::SET_ATTRIBUTE => Command::SetAttribute(values.text()?.to_owned(), values.text()?.to_owned()),
            command::REMOVE_ATTRIBUTE => Command::RemoveAttribute(values.text()?.to_owned()),
            command::NAME => Command::Name(values.text()?.to_owned()),
            command::ON_END_TAG => Command::OnEndTag(values.int()?),
            command::FAIL => Command::Fail,
            _ => return Err(Malformed::Unexpected),
        })
    }
}

impl Wanted {
    /// What the handler of the next event wants.
    fn next(&mut self) -> Vec<Command> {
        self.next += 1;
        self.commands.remove(&(self.next - 1)).unwrap_or_default()
    }
}

type Streaming = Box<dyn StreamingHandler + Send + 'static>;

/// What handlers are made of.
#[derive(Clone)]
struct Doing {
    wanted: Arc<Mutex<Wanted>>,
    put: Arc<Mutex<Output>>,
}

impl Doing {
    /// Contents one after the other.
    fn streaming(&self, contents: Vec<Content>) -> Streaming {
        let put = Arc::clone(&self.put);
        Box::new(move |sink: &mut StreamingHandlerSink<'_>| -> HandlerResult {
            for content in contents {
                match content {
                    Content::Text(text, kind) => sink.write_str(&text, kind),
                    Content::Stream(stream) => {
                        let mut put = put.lock();
                        let at = put.bytes.len();
                        put.streams.push((at, stream));
                    }
                }
            }
            Ok(())
        })
    }

    /// Contents of which each was put before the others. They are put at once: one by one the time would grow with
    /// the square of their number.
    fn reversed(&self, mut contents: Vec<Content>) -> Option<Streaming> {
        contents.reverse();
        (!contents.is_empty()).then(|| self.streaming(contents))
    }

    fn element(&self, element: &mut Element<'_, '_>, commands: Vec<Command>) -> HandlerResult {
        let (mut first, mut after) = (Vec::new(), Vec::new());
        for wanted in commands {
            match wanted {
                Command::Content(command::AFTER, content) => after.push(content),
                Command::Content(command::PREPEND, content) => first.push(content),
                Command::Content(place, content) => {
                    let content = self.streaming(vec![content]);
                    match place {
                        command::BEFORE => element.streaming_before(content),
                        command::APPEND => element.streaming_append(content),
                        command::REPLACE => {
                            first.clear();
                            element.streaming_replace(content);
                        }
                        _ => {
                            first.clear();
                            element.streaming_set_inner_content(content);
                        }
                    }
                }
                Command::Remove => {
                    first.clear();
                    element.remove();
                }
                Command::Unwrap => element.remove_and_keep_content(),
                Command::SetAttribute(name, value) => element.set_attribute(&name, &value)?,
                Command::RemoveAttribute(name) => element.remove_attribute(&name),
                Command::Name(name) => element.set_tag_name(&name)?,
                Command::OnEndTag(number) => {
                    let doing = self.clone();
                    if let Some(tags) = element.end_tag_handlers() {
                        tags.clear(); // the last one counts, as on workerd
                        tags.push(Box::new(move |tag: &mut EndTag<'_>| {
                            let commands = doing.wanted.lock().commands.remove(&-number).unwrap_or_default();
                            doing.end_tag(tag, commands)
                        }));
                    }
                }
                Command::Fail => return Err("the handler failed".into()),
            }
        }
        if let Some(content) = self.reversed(first) {
            element.streaming_prepend(content);
        }
        if let Some(content) = self.reversed(after) {
            element.streaming_after(content);
        }
        Ok(())
    }

    fn end_tag(&self, tag: &mut EndTag<'_>, commands: Vec<Command>) -> HandlerResult {
        let mut after = Vec::new();
        for wanted in commands {
            match wanted {
                Command::Content(command::BEFORE, content) => tag.streaming_before(self.streaming(vec![content])),
                Command::Content(_, content) => after.push(content),
                Command::Remove => tag.remove(),
                Command::Name(name) => tag.set_name(name),
                Command::Fail => return Err("the handler failed".into()),
                _ => {}
            }
        }
        if let Some(content) = self.reversed(after) {
            tag.streaming_after(content);
        }
        Ok(())
    }

    fn text(&self, text: &mut TextChunk<'_>, commands: Vec<Command>) -> HandlerResult {
        let mut after = Vec::new();
        for wanted in commands {
            match wanted {
                Command::Content(command::BEFORE, content) => text.streaming_before(self.streaming(vec![content])),
                Command::Content(command::REPLACE, content) => text.streaming_replace(self.streaming(vec![content])),
                Command::Content(_, content) => after.push(content),
                Command::Remove => text.remove(),
                Command::Fail => return Err("the handler failed".into()),
                _ => {}
            }
        }
        if let Some(content) = self.reversed(after) {
            text.streaming_after(content);
        }
        Ok(())
    }

    fn comment(&self, comment: &mut Comment<'_>, commands: Vec<Command>) -> HandlerResult {
        let mut after = Vec::new();
        for wanted in commands {
            match wanted {
                Command::Content(command::BEFORE, content) => comment.streaming_before(self.streaming(vec![content])),
                Command::Content(command::REPLACE, content) => {
                    comment.streaming_replace(self.streaming(vec![content]));
                }
                Command::Content(_, content) => after.push(content),
                Command::Remove => comment.remove(),
                Command::Name(text) => comment.set_text(&text)?,
                Command::Fail => return Err("the handler failed".into()),
                _ => {}
            }
        }
        if let Some(content) = self.reversed(after) {
            comment.streaming_after(content);
        }
        Ok(())
    }

    fn end(commands: Vec<Command>, end: &mut DocumentEnd<'_>) -> HandlerResult {
        for wanted in commands {
            match wanted {
                Command::Content(_, Content::Text(text, kind)) => end.append(&text, kind),
                Command::Fail => return Err("the handler failed".into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn elements(&self, bits: i32) -> ElementContentHandlers<'static> {
        let mut handlers = ElementContentHandlers::default();
        if bits & listens::ELEMENT != 0 {
            let doing = self.clone();
            handlers.element = Some(Box::new(move |element: &mut Element<'_, '_>| {
                let commands = doing.wanted.lock().next();
                doing.element(element, commands)
            }));
        }
        if bits & listens::COMMENTS != 0 {
            handlers.comments = Some(self.comments());
        }
        if bits & listens::TEXT != 0 {
            handlers.text = Some(self.texts());
        }
        handlers
    }

    fn document(&self, bits: i32) -> DocumentContentHandlers<'static> {
        let mut handlers = DocumentContentHandlers::default();
        if bits & listens::DOCTYPE != 0 {
            let doing = self.clone();
            handlers.doctype = Some(Box::new(move |_: &mut Doctype<'_>| {
                let failed = doing.wanted.lock().next().iter().any(|wanted| matches!(wanted, Command::Fail));
                if failed { Err("the handler failed".into()) } else { Ok(()) }
            }));
        }
        if bits & listens::COMMENTS != 0 {
            handlers.comments = Some(self.comments());
        }
        if bits & listens::TEXT != 0 {
            handlers.text = Some(self.texts());
        }
        if bits & listens::END != 0 {
            let doing = self.clone();
            handlers.end = Some(Box::new(move |end: &mut DocumentEnd<'_>| {
                let commands = doing.wanted.lock().next();
                Self::end(commands, end)
            }));
        }
        handlers
    }

    fn comments(&self) -> lol_html::send::CommentHandler<'static> {
        let doing = self.clone();
        Box::new(move |comment: &mut Comment<'_>| {
            let commands = doing.wanted.lock().next();
            doing.comment(comment, commands)
        })
    }

    fn texts(&self) -> lol_html::send::TextHandler<'static> {
        let doing = self.clone();
        Box::new(move |text: &mut TextChunk<'_>| {
            let commands = doing.wanted.lock().next();
            doing.text(text, commands)
        })
    }
}

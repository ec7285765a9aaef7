//! A page in slices of every size, with handlers played by the test: what comes out is what one parser with real
//! handlers puts out.

use lol_html::html_content::ContentType;
use lol_html::{RewriteStrSettings, element, rewrite_str, text};
use switchyard_js::abi::Value;

use super::*;

const PAGE: &str = "<!doctype html><div id=a CLASS=\"b\"><p>x &amp; <b>y</b><br/><i>z</p>tail</div><!-- c --><p a=1>é€😀</p>\
    <svg><path/></svg><script>if (a<b) {}</script><ul><li>1<li>2</ul><p";

/// Selectors and what they listen to.
const HANDLERS: &[(Option<&str>, i32)] = &[
    (Some("*"), listens::ELEMENT | listens::COMMENTS | listens::TEXT),
    (Some("p b, li"), listens::ELEMENT | listens::TEXT),
    (None, listens::DOCTYPE | listens::COMMENTS | listens::TEXT | listens::END),
];

/// What a handler is told: kind of event, handler or element, and the first text of its token.
type Told = (i32, i32, Option<String>);

fn page(handlers: &[(Option<&str>, i32)]) -> Page {
    let mut values = Vec::new();
    let mut write = Writer::new(&mut values);
    write.null().bool(false);
    for (selector, listens) in handlers {
        write.text_or_null(*selector).int(*listens);
    }
    begin(Reader::new(&values)).unwrap().unwrap()
}

/// Puts a page through in such slices; `want` says what each handler wants, as commands. What came out, and what was
/// told, without the kinds' marks of a token told before.
fn rewrite(
    handlers: &[(Option<&str>, i32)],
    html: &[u8],
    size: usize,
    mut want: impl FnMut(&Told, &mut Writer<'_>) -> i32,
) -> (Result<Vec<u8>, String>, Vec<Told>) {
    let mut page = page(handlers);
    let (mut out, mut all) = (Vec::new(), Vec::new());
    let slices: Vec<&[u8]> = html.chunks(size).collect();
    for at in 0..=slices.len() {
        let last = at == slices.len();
        let mut told = Vec::new();
        page.scan(slices.get(at).copied().unwrap_or_default(), last, &mut told).unwrap();
        let mut values = Reader::new(&told);
        assert!(values.int().unwrap() > 0);
        let mut commands = Vec::new();
        let mut position = 0;
        while !values.rest().is_empty() {
            let (kind, of) = (values.int().unwrap(), values.int().unwrap());
            let mut first = None;
            if kind & 1 == 0 {
                let rest = match kind {
                    0 => {
                        first = Some(values.text().unwrap().to_owned());
                        values.text().unwrap();
                        values.bool().unwrap();
                        2 * values.int().unwrap()
                    }
                    2 => 2,
                    4 | 8 => 1,
                    6 => 3,
                    _ => 0,
                };
                for _ in 0..rest {
                    let value = values.value().unwrap();
                    first = first.or(value.as_text().map(str::to_owned));
                }
            }
            let event = (kind & !1, of, first);
            let mut wanted = Vec::new();
            let count = want(&event, &mut Writer::new(&mut wanted));
            let of_event = if event.0 == 8 { -of } else { position };
            position += i32::from(event.0 != 8);
            if count > 0 {
                Writer::new(&mut commands).int(of_event).int(count);
                commands.extend(wanted);
            }
            all.push(event);
        }
        page.apply.commands(Reader::new(&commands)).unwrap();
        let mut answer = Vec::new();
        page.apply(&mut answer).unwrap();
        for (n, value) in Reader::new(&answer).map(Result::unwrap).enumerate() {
            match value {
                Value::Text(error) if n == 0 => return (Err(error.to_owned()), all),
                Value::Bytes(bytes) => out.extend_from_slice(bytes),
                Value::Int(stream) => out.extend_from_slice(format!("[{stream}]").as_bytes()),
                _ => {}
            }
        }
    }
    (Ok(out), all)
}

#[test]
fn a_page_that_nobody_changes_stays() {
    let mut whole = None;
    for size in [PAGE.len(), 100, 17, 3, 1] {
        let (out, told) = rewrite(HANDLERS, PAGE.as_bytes(), size, |_, _| 0);
        assert_eq!(String::from_utf8(out.unwrap()).unwrap(), PAGE);
        // Texts come in other pieces; all else is told alike.
        let rest: Vec<Told> = told.into_iter().filter(|event| event.0 != 2).collect();
        assert!(rest.len() > 20, "{rest:?}");
        assert_eq!(*whole.get_or_insert_with(|| rest.clone()), rest);
    }
}

#[test]
fn what_handlers_want_is_done_as_by_one_parser() {
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("p", |el| {
            el.before("<1>", ContentType::Text);
            el.after("<2>", ContentType::Html);
            el.after("<3>", ContentType::Html);
            el.prepend("4", ContentType::Html);
            el.prepend("5", ContentType::Html);
            el.set_attribute("new", "\"")?;
            el.set_tag_name("Q")?;
            Ok(())
        }))
        .append_element_content_handler(element!("b", |el| {
            el.remove_and_keep_content();
            Ok(())
        }))
        .append_element_content_handler(element!("ul", |el| {
            el.set_inner_content("<li>", ContentType::Html);
            el.append("6", ContentType::Html);
            Ok(())
        }))
        .append_element_content_handler(text!("script", |text| {
            if text.last_in_text_node() {
                text.before("7", ContentType::Html);
            }
            Ok(())
        }));
    let expected = rewrite_str(PAGE, settings).unwrap();
    let handlers = [(Some("p"), 1), (Some("b"), 1), (Some("ul"), 1), (Some("script"), 4)];
    for size in [PAGE.len(), 100, 17, 3, 1] {
        let (out, _) = rewrite(&handlers, PAGE.as_bytes(), size, |event, write| match event {
            (0, 0, _) => {
                write.int(0).bool(false).text("<1>").int(1).bool(true).text("<2>").int(1).bool(true).text("<3>");
                write.int(2).bool(true).text("4").int(2).bool(true).text("5").int(8).text("new").text("\"");
                write.int(10).text("Q");
                7
            }
            (0, 1, _) => {
                write.int(7);
                1
            }
            (0, 2, _) => {
                write.int(2).bool(true).text("gone").int(5).bool(true).text("<li>").int(3).bool(true).text("6");
                3
            }
            (2, 3, Some(text)) if text.is_empty() => {
                write.int(0).bool(true).text("7");
                1
            }
            _ => 0,
        });
        assert_eq!(String::from_utf8(out.unwrap()).unwrap(), expected, "in slices of {size}");
    }
}

#[test]
fn streams_are_marked_and_failures_cut() {
    let (out, _) = rewrite(&[(Some("p"), 1)], b"a<p>b</p>c", 4, |event, write| match event {
        (0, ..) => {
            write.int(0).bool(true).int(1).int(3).bool(false).int(2).int(11).int(1);
            3
        }
        (8, 1, Some(name)) => {
            assert_eq!(name, "p");
            write.int(1).bool(true).int(3);
            1
        }
        _ => 0,
    });
    // What the end tag's own handler puts in comes instead of what the element's did, as in the parser.
    assert_eq!(String::from_utf8(out.unwrap()).unwrap(), "a[1]<p>b[2]</p>[3]c");
    let (out, told) = rewrite(&[(Some("p"), 1)], b"a<p>b<p>c", 100, |_, write| {
        write.int(12);
        1
    });
    assert_eq!((out, told.len()), (Err("the handler failed".into()), 2));
}

#[test]
fn what_the_parser_refuses_comes_after_what_was_before() {
    let ambiguous = b"<p>x</p><select><xmp><script></script></select>";
    let (out, told) = rewrite(&[(Some("p"), 1)], ambiguous, 100, |_, _| 0);
    assert!(out.unwrap_err().contains("ambiguous"));
    assert_eq!(told.len(), 2, "{told:?}");
    let long = [b"<p a=\"".to_vec(), vec![b'x'; MAX_MEMORY + 1000]].concat();
    let (out, _) = rewrite(&[(Some("p"), 1)], &long, SLICES.1, |_, _| 0);
    assert_eq!(out.unwrap_err(), OUT_OF_MEMORY);
}

#[test]
fn nonsense_from_a_guest_is_an_error() {
    let mut host = Host::new();
    for question in sync::HTML_SELECTOR..=sync::COMPRESS_END {
        for message in [&[][..], &[1, 5, 0, 0, 0], &[3, 1, 0, 0, 0, b'p'], &[1, 0, 0, 0, 0, 1, 99, 0, 0, 0]] {
            let _ = crate::sync::answer(&mut host, question, message, 0);
        }
    }
    let mut page = page(&[(Some("p"), 1)]);
    assert!(page.apply(&mut Vec::new()).is_err(), "there is no slice");
    page.scan(b"<p>", false, &mut Vec::new()).unwrap();
    assert!(page.scan(b"<p>", false, &mut Vec::new()).is_err(), "the slice before was not applied");
    for commands in [&[1, 0, 0, 0, 0][..], &[1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 99, 0, 0, 0]] {
        assert!(page.apply.commands(Reader::new(commands)).is_err());
    }
}

#[test]
fn a_slice_is_the_shorter_the_more_handlers_may_be_called_in_it() {
    for (handlers, most) in [(1, 64 << 10), (8, 16 << 10), (2_000, 65)] {
        let mut page = page(&vec![(Some("*"), listens::ELEMENT); handlers]);
        // The guest's first one, as ABI.md has it.
        let first = ((64 << 10) / handlers).clamp(16, 16 << 10);
        assert!((first..=most).contains(&page.room), "{handlers}: {}", page.room);
        for _ in 0..20 {
            page.scan(b"x", false, &mut Vec::new()).unwrap();
            page.apply(&mut Vec::new()).unwrap();
            assert!(page.room <= most, "{handlers}: {}", page.room);
        }
    }
}

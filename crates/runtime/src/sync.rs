//! Questions a guest asks and is answered at once (ABI.md, Sync): modules, URLs, randomness, text
//! decoding. All are bounded by bytes, since epochs cannot stop host work.

mod decode;
mod pattern;

use switchyard_js::abi::{Malformed, Reader, Writer, sync};
use url::Url;

use crate::host::{Host, Mode, small_body};

/// `crypto.getRandomValues` gives at most this much at a time.
const MAX_RANDOM: usize = 65_536;
/// The longest URL, and the longest part of one, in bytes.
const MAX_URL: usize = 1 << 20;
/// Bytes that are decoded at once, those left over from before included. The platform splits longer input.
const MAX_DECODE: usize = 2 << 20;
/// The longest name of a module, in bytes.
const MAX_SPECIFIER: usize = 4096;

/// Answers into `host.answer`; `false` is null.
/// `memory`: what the guest itself has, in bytes.
pub fn answer(host: &mut Host, kind: i32, message: &[u8], memory: usize) -> bool {
    let mut out = std::mem::take(&mut host.answer);
    out.clear();
    let values = Reader::new(message);
    let answered = match kind {
        sync::HTML_SELECTOR..=sync::HTML_ENCODE => crate::html::answer(host, kind, values, memory, &mut out),
        sync::COMPRESS_BEGIN..=sync::COMPRESS_END => crate::compress::answer(host, kind, values, memory, &mut out),
        _ => ask(host, kind, values, &mut out),
    };
    let answered = answered.unwrap_or(false);
    host.answer = out;
    answered
}

fn ask(host: &mut Host, question: i32, mut values: Reader<'_>, out: &mut Vec<u8>) -> Result<bool, Malformed> {
    let mut write = Writer::new(out);
    Ok(match question {
        sync::MODULE_RESOLVE => {
            let (specifier, referrer) = (values.text()?, values.text()?);
            if specifier.len().max(referrer.len()) > MAX_SPECIFIER {
                return Ok(false);
            }
            match host.modules.resolve(specifier, referrer) {
                Ok(name) => {
                    write.text(&name);
                    true
                }
                Err(sought) => {
                    write.null().text(&sought);
                    host.missing = Some((sought, referrer.to_owned()));
                    true
                }
            }
        }
        sync::MODULE_SOURCE | sync::REQUIRED_SOURCE => {
            let name = values.text()?;
            match host.modules.source(name) {
                Some((kind, bytes)) => {
                    // What was required may be asked for again: the engine has no module of it.
                    if question == sync::MODULE_SOURCE {
                        host.loaded.insert(name.to_owned());
                    }
                    write.int(kind);
                    write.bytes(&bytes);
                    true
                }
                None => false,
            }
        }
        sync::URL_PARSE => {
            let (text, base) = (values.text()?, values.text_or_null()?);
            write_url(&mut write, parse_url(text, base).as_ref())
        }
        sync::URL_SET => {
            let (href, part, value) = (values.text()?, values.text()?, values.text()?);
            let changed = parse_url(href, None).filter(|_| value.len() <= MAX_URL).map(|mut url| {
                set_part(&mut url, part, value);
                as_the_standard_has_it(url)
            });
            write_url(&mut write, changed.as_ref())
        }
        sync::RANDOM => {
            let length = usize::try_from(values.int()?).unwrap_or(usize::MAX);
            if length > MAX_RANDOM || host.mode == Mode::GlobalScope {
                return Ok(false);
            }
            let mut bytes = vec![0u8; length];
            if host.mode == Mode::Handler && aws_lc_rs::rand::fill(&mut bytes).is_err() {
                return Ok(false);
            }
            write.bytes(&bytes);
            true
        }
        sync::PATTERN => return pattern::pattern(values, &mut write),
        sync::PATTERN_INPUT => return pattern::matched(values, &mut write),
        sync::DECODE => return decode::decode(values, &mut write),
        sync::ENCODING => match encoding_rs::Encoding::for_label_no_replacement(values.text()?.as_bytes()) {
            Some(encoding) => {
                write.text(&encoding.name().to_ascii_lowercase());
                true
            }
            None => false,
        },
        sync::GLOBAL_SCOPE => {
            write.bool(host.mode == Mode::GlobalScope);
            true
        }
        sync::ENV => {
            host.env_read |= host.mode == Mode::GlobalScope;
            let env = std::sync::Arc::clone(&host.env);
            out.extend_from_slice(&env);
            true
        }
        sync::COMPATIBILITY => {
            let compatibility = host.modules.compatibility;
            compatibility.iter().for_each(|(name, on)| {
                write.text(name).bool(on);
            });
            true
        }
        // A module may hold on to it: what is refused is its use.
        sync::DEFAULT_CACHE => {
            write.bool(host.mode != Mode::Handler || host.share.default_cache);
            true
        }
        sync::CF => match host.share_of(values.int()?).and_then(|share| share.outbound.as_ref()?.cf()) {
            Some(text) => {
                write.text(&text);
                true
            }
            None => false,
        },
        sync::STREAM_SMALL => match small_body(host, values.int()?) {
            Some(bytes) => {
                write.bytes(&bytes);
                true
            }
            None => false,
        },
        _ => false,
    })
}

fn parse_url(text: &str, base: Option<&str>) -> Option<Url> {
    if text.len() > MAX_URL || base.is_some_and(|base| base.len() > MAX_URL) {
        return None;
    }
    let url = match base {
        Some(base) => Url::parse(base).ok()?.join(text).ok(),
        None => Url::parse(text).ok(),
    };
    url.map(as_the_standard_has_it)
}

/// Two rules of the URL Standard that are younger than the crate: a path encodes its circumflexes, and an opaque
/// path that ends in a space before a query or fragment encodes that one.
fn as_the_standard_has_it(mut url: Url) -> Url {
    if !url.cannot_be_a_base() {
        if url.path().contains('^') {
            let path = url.path().replace('^', "%5E");
            url.set_path(&path);
        }
    } else if url.path().ends_with(' ') && (url.query().is_some() || url.fragment().is_some()) {
        let text = url.as_str();
        let space = url.scheme().len() + url.path().len();
        if let Some((before, after)) = text.split_at_checked(space)
            && let Some(after) = after.strip_prefix(' ')
            && let Ok(encoded) = Url::parse(&format!("{before}%20{after}"))
        {
            return encoded;
        }
    }
    url
}

/// The origin of a `blob:` URL is that of the URL in it, where that is for HTTP.
fn origin(url: &Url) -> String {
    match url.scheme() {
        "blob" if !(url.path().starts_with("http:") || url.path().starts_with("https:")) => "null".into(),
        _ => url::quirks::origin(url),
    }
}

fn write_url(write: &mut Writer<'_>, url: Option<&Url>) -> bool {
    let Some(url) = url else { return false };
    use url::quirks;
    for part in [
        quirks::href(url),
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ] {
        write.text(part);
    }
    write.text(&origin(url));
    true
}

/// The setters of the URL standard; what they refuse changes nothing.
fn set_part(url: &mut Url, part: &str, value: &str) {
    use url::quirks;
    let _ = match part {
        "href" => quirks::set_href(url, value).map_err(|_| ()),
        "protocol" => quirks::set_protocol(url, value),
        "username" => quirks::set_username(url, value),
        "password" => quirks::set_password(url, value),
        "host" => quirks::set_host(url, value),
        "hostname" => quirks::set_hostname(url, value),
        "port" => quirks::set_port(url, value),
        "pathname" => {
            // Without a host, two slashes at the beginning would become one.
            if value.starts_with("//") && url.host().is_none() && !url.cannot_be_a_base() && url.scheme() != "file" {
                let rest = &url[url::Position::AfterPath..];
                if let Ok(changed) =
                    Url::parse(&format!("{}:/.{}{rest}", url.scheme(), value.replace('?', "%3F").replace('#', "%23")))
                {
                    *url = changed;
                }
            } else {
                quirks::set_pathname(url, value);
            }
            Ok(())
        }
        "search" => {
            quirks::set_search(url, value);
            Ok(())
        }
        "hash" => {
            quirks::set_hash(url, value);
            Ok(())
        }
        _ => Err(()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_js::abi::Value;

    fn run(host: &mut Host, kind: i32, build: impl FnOnce(&mut Writer<'_>)) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        build(&mut Writer::new(&mut message));
        answer(host, kind, &message, 0).then(|| host.answer.clone())
    }

    #[test]
    fn urls_parse_and_refuse() {
        let mut host = Host::new();
        let answer = run(&mut host, sync::URL_PARSE, |write| {
            write.text("../x?q=1#h");
            write.text("https://User:pw@Example.com:8443/a/b/");
        })
        .unwrap();
        let parts: Vec<Value<'_>> = Reader::new(&answer).map(Result::unwrap).collect();
        assert_eq!(parts[0], Value::Text("https://User:pw@example.com:8443/a/x?q=1#h"));
        assert_eq!(parts.len(), 11);
        let refused = run(&mut host, sync::URL_PARSE, |write| {
            write.text("/rel");
            write.null();
        });
        assert!(refused.is_none());
    }

    #[test]
    fn what_the_standard_has_since_is_added() {
        let href = |text: &str| parse_url(text, None).unwrap().to_string();
        assert_eq!(href("http://a/x^y?^#^"), "http://a/x%5Ey?^#^");
        assert_eq!(href("data:a  ?q"), "data:a %20?q");
        assert_eq!(href("data:a  #h"), "data:a %20#h");
        assert_eq!(href("data:a  "), "data:a");
        let origin_of = |text: &str| origin(&parse_url(text, None).unwrap());
        assert_eq!(origin_of("blob:https://a:1/b"), "https://a:1");
        assert_eq!(origin_of("blob:ftp://a/b"), "null");
        let mut url = parse_url("foo:/bar?q#h", None).unwrap();
        set_part(&mut url, "pathname", "//x?y");
        assert_eq!(url.as_str(), "foo:/.//x%3Fy?q#h");
    }
}

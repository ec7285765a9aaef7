//! What components are given, by name: so that one which wants more is refused before it is compiled.

use semver::Version;

/// Of WASI 0.2.
const OF_0_2: [&str; 28] = [
    "wasi:http/types",
    "wasi:http/outgoing-handler",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/wall-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:sockets/network",
    "wasi:sockets/instance-network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];
/// … which is there, and finds nothing.
const LOOKUP_0_2: &str = "wasi:sockets/ip-name-lookup";
/// Of WASI 0.3.
const OF_0_3: [&str; 21] = [
    "wasi:http/types",
    "wasi:http/client",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/system-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:sockets/types",
    "wasi:sockets/ip-name-lookup",
];
/// Interfaces that are named in one message.
const SHOWN: usize = 8;

/// Whether an import of this name, with its version, is given. One of a later 0.2 is, as far as what it uses was
/// there before; a draft of one is not.
pub fn are_given(import: &str) -> bool {
    let Some((interface, version)) = import.split_once('@') else { return false };
    let Ok(version) = Version::parse(version) else { return false };
    match (version.major, version.minor, version.pre.is_empty()) {
        (0, 2, true) => OF_0_2.contains(&interface) || interface == LOOKUP_0_2,
        (0, 3, true) => OF_0_3.contains(&interface),
        _ => false,
    }
}

/// What is told of imports that are not.
pub fn not_given(imports: &[String]) -> String {
    let mut names: Vec<String> = imports.iter().take(SHOWN).map(|name| format!("\"{name}\"")).collect();
    if imports.len() > SHOWN {
        names.push(format!("{} more", imports.len() - SHOWN));
    }
    let names = match names.split_last() {
        Some((last, [first @ .., before])) => {
            let first: String = first.iter().map(|name| format!("{name}, ")).collect();
            format!("{first}{before} and {last}")
        }
        _ => names.concat(),
    };
    format!(
        "The component imports {names}, which Workers are not given. They are given wasi:http, wasi:io, wasi:cli, \
         wasi:clocks and wasi:random, of 0.2 and 0.3, and a wasi:filesystem and wasi:sockets in which there is nothing."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::{ComponentEngine, Model};

    /// Something that an interface has.
    fn item(interface: &str, version: &str) -> String {
        let (package, name) = interface.split_once('/').unwrap();
        match (package, name, version) {
            ("wasi:http", "types", _) => "fields".into(),
            ("wasi:http", "outgoing-handler", _) => "handle".into(),
            ("wasi:http", "client", _) => "send".into(),
            ("wasi:io", "poll", _) => "pollable".into(),
            ("wasi:io", "streams", _) => "input-stream".into(),
            ("wasi:cli", "stdin", "0.3.0") => "read-via-stream".into(),
            ("wasi:cli", "stdout" | "stderr", "0.3.0") => "write-via-stream".into(),
            ("wasi:cli", name, _) if name != "exit" && !name.ends_with("put") => format!("get-{name}"),
            ("wasi:clocks", ..) => "now".into(),
            ("wasi:random", "insecure-seed", "0.3.0") => "get-insecure-seed".into(),
            ("wasi:random", "random", _) => "get-random-bytes".into(),
            ("wasi:random", "insecure", _) => "get-insecure-random-bytes".into(),
            ("wasi:filesystem", "types", _) => "descriptor".into(),
            ("wasi:filesystem", "preopens", _) => "get-directories".into(),
            ("wasi:sockets", "tcp" | "types", _) => "tcp-socket".into(),
            ("wasi:sockets", "udp", _) => "udp-socket".into(),
            ("wasi:sockets", "tcp-create-socket", _) => "create-tcp-socket".into(),
            ("wasi:sockets", "udp-create-socket", _) => "create-udp-socket".into(),
            ("wasi:sockets", "ip-name-lookup", _) => "resolve-addresses".into(),
            (_, name, _) => name.into(),
        }
    }

    #[test]
    fn what_is_given_is_in_the_linker_and_nothing_else_is() {
        let lookup = [LOOKUP_0_2];
        let plain = [(&OF_0_2[..], "0.2.12"), (&lookup[..], "0.2.12")];
        let all = [plain[0], plain[1], (&OF_0_3[..], "0.3.0")];
        for (model, given) in [(Model::Plain, &plain[..]), (Model::Tasks, &all[..])] {
            let engine = ComponentEngine::new(model, 2).unwrap();
            let mut linker = engine.linkers.linker.clone();
            // What is there cannot be defined again.
            let mut is_there =
                |name: &str, item: &str| linker.instance(name).unwrap().func_wrap(item, |_, (): ()| Ok(())).is_err();
            for (names, version) in given {
                for interface in *names {
                    let name = format!("{interface}@{version}");
                    assert!(are_given(&name) && is_there(&name, &item(interface, version)), "{name}");
                }
            }
            for (name, item) in [
                ("wasi:keyvalue/store@0.2.0", "open"),
                ("wasi:config/store@0.2.0", "get"),
                ("wasi:clocks/timezone@0.2.12", "display"),
            ] {
                assert!(!are_given(name) && !is_there(name, item), "{name}");
            }
        }
        for name in ["wasi:http/types", "wasi:http/types@0.1.0", "wasi:http/types@0.3.0-rc-2025-09-16", "x", "@", "a@b"]
        {
            assert!(!are_given(name), "{name}");
        }
        assert!(are_given("wasi:http/types@0.2.0") && are_given("wasi:http/types@0.2.99"));
    }

    #[test]
    fn imports_are_named() {
        let names = |many: usize| (0..many).map(|n| format!("a:b/c{n}@1.0.0")).collect::<Vec<_>>();
        assert!(not_given(&names(1)).contains("imports \"a:b/c0@1.0.0\", which"));
        assert!(not_given(&names(3)).contains("\"a:b/c0@1.0.0\", \"a:b/c1@1.0.0\" and \"a:b/c2@1.0.0\", which"));
        assert!(not_given(&names(10)).contains("\"a:b/c7@1.0.0\" and 2 more, which"));
    }
}

//! The node modules there are (`js/platform/node`), and who can reach them. They lie in the base for all Workers;
//! a name resolves only where the Worker's compatibility date and flags have it.

use switchyard_catalog::Compatibility;
use switchyard_js::abi::node_switch;

/// Without the prefix; each is the file of that name below `platform/node`.
const MODULES: &[&str] = &[
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "console",
    "diagnostics_channel",
    "events",
    "module",
    "path",
    "path/posix",
    "path/win32",
    "process",
    "querystring",
    "string_decoder",
    "sys",
    "timers",
    "timers/promises",
    "url",
    "util",
    "util/types",
];

/// The platform's file of a module named with the prefix, `None` where there is no such module.
pub fn file(name: &str) -> Option<String> {
    let bare = name.strip_prefix("node:")?;
    MODULES.contains(&bare).then(|| format!("node/{bare}.js"))
}

/// Whether a Worker with this compatibility can import one of the modules by its prefixed name.
pub fn is_reachable(name: &str, compatibility: &Compatibility) -> bool {
    match name {
        // As on workerd, where it is no matter of flags.
        "node:process" => true,
        "node:console" => compatibility.is_on("enable_nodejs_console_module"),
        "node:async_hooks" if compatibility.is_on("nodejs_als") => true,
        _ => compatibility.is_on("nodejs_compat") || compatibility.is_on("nodejs_compat_v2"),
    }
}

/// Whether it can by the name without the prefix.
pub fn is_reachable_bare(name: &str, compatibility: &Compatibility) -> bool {
    compatibility.is_on("nodejs_compat_v2") && is_reachable(name, compatibility)
}

/// What the guest is to put on `globalThis` (ABI.md, event NODE); 0: nothing.
pub fn switches(compatibility: &Compatibility) -> i32 {
    let switch = |flag: &str, bit: i32| if compatibility.is_on(flag) { bit } else { 0 };
    let globals = switch("nodejs_compat_v2", node_switch::GLOBALS);
    let timers = if globals == 0 { 0 } else { switch("enable_nodejs_global_timers", node_switch::TIMERS) };
    let old = if TAKEN_BACK.iter().all(|flag| compatibility.is_on(flag)) { 0 } else { node_switch::OLD };
    globals | timers | old | switch("enable_nodejs_console_module", node_switch::CONSOLE)
}

/// Without any of these the platform has something to take back (`platform/old-dates.js`).
const TAKEN_BACK: [&str; 16] = [
    "global_navigator",
    "enable_navigator_language",
    "no_global_importscripts",
    "enable_weak_ref",
    "expose_global_message_channel",
    "http_headers_getsetcookie",
    "set_tostring_tag",
    "streams_enable_constructors",
    "transformstream_enable_standard_constructor",
    "set_event_target_this",
    "capture_async_api_throws",
    "fetch_refuses_unknown_protocols",
    "fetch_standard_url",
    "fetcher_no_get_put_delete",
    "internal_stream_byob_return_view",
    "streams_byob_reader_detaches_buffer",
];

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_js::PLATFORM;

    #[test]
    fn every_module_has_its_file() {
        for name in MODULES {
            let file = file(&format!("node:{name}")).unwrap();
            assert!(PLATFORM.iter().any(|(known, _)| *known == format!("platform:{file}")), "{file}");
        }
        assert_eq!(file("node:fs"), None);
        assert_eq!(file("node:internal/errors"), None);
        assert_eq!(file("util"), None);
    }

    #[test]
    fn flags_decide_what_is_reachable() {
        // Seen on workerd 2026-11-17.
        let of = |date: &str, flags: &[&str]| {
            Compatibility::of(date, &flags.iter().map(|&flag| flag.to_owned()).collect::<Vec<_>>())
        };
        for (date, flags, name, prefixed, bare) in [
            ("2024-01-01", &["nodejs_compat"][..], "node:buffer", true, false),
            ("2024-01-01", &["nodejs_compat_v2"], "node:buffer", true, true),
            ("2024-09-23", &["nodejs_compat"], "node:buffer", true, true),
            ("2025-01-01", &["nodejs_compat"], "node:console", false, false),
            ("2025-09-21", &["nodejs_compat"], "node:console", true, true),
            ("2025-01-01", &["nodejs_als"], "node:async_hooks", true, false),
            ("2025-01-01", &["nodejs_als"], "node:buffer", false, false),
            ("2022-01-01", &[], "node:process", true, false),
            ("2022-01-01", &[], "node:util", false, false),
            ("2026-09-01", &[], "node:util", true, true),
            ("2026-09-01", &["no_nodejs_compat_v2"], "node:util", true, false),
        ] {
            let compatibility = of(date, flags);
            let got = (is_reachable(name, &compatibility), is_reachable_bare(name, &compatibility));
            assert_eq!(got, (prefixed, bare), "{name} with {date} {flags:?}");
        }
        assert_eq!(switches(&of("2026-02-09", &["nodejs_compat"])), node_switch::GLOBALS | node_switch::CONSOLE);
        assert_eq!(
            switches(&of("2026-02-10", &["nodejs_compat"])),
            node_switch::GLOBALS | node_switch::TIMERS | node_switch::CONSOLE
        );
        assert_eq!(switches(&of("2026-02-10", &[])), 0);
    }
}

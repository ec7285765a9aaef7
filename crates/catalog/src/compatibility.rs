//! Compatibility dates and flags: which flags there are, what a date switches on, what contradicts what. A Worker
//! behaves as its date and flags say; a flag that nobody knows is refused, since it would silently do nothing.

use crate::CatalogError;

mod table;

use table::FLAGS;

/// A behaviour that is switched on by its name, off by another, or by a date.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    pub name: &'static str,
    /// The flag that switches it off; empty: there is none.
    pub off: &'static str,
    /// Date from which it is on by itself; empty: never.
    pub since: &'static str,
    /// Date from which it is on for those who have `nodejs_compat`; empty: no matter.
    pub with_node: &'static str,
    /// Refused in an upload: workerd takes it only from those who run it themselves.
    pub experimental: bool,
}

/// The flags of one version, worked out: what is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compatibility {
    /// A bit a flag, in the table's order.
    on: [u64; 4],
}

const _: () = assert!(FLAGS.len() <= 256, "a bit a flag");

impl Compatibility {
    /// Of a date and flags that were checked; a flag that is not known changes nothing.
    pub fn of(date: &str, flags: &[String]) -> Self {
        let named = |name: &str| !name.is_empty() && flags.iter().any(|flag| flag == name);
        let mut this = Self::default();
        let mut node = false;
        let mut node_v2 = false;
        // nodejs_compat and then nodejs_compat_v2 come before what they switch on.
        for (at, flag) in FLAGS.iter().enumerate() {
            let by_date = |since: &str| !since.is_empty() && date >= since;
            let implied = (node || node_v2 && flag.name == "nodejs_zlib") && by_date(flag.with_node);
            let on = named(flag.name) || !named(flag.off) && (by_date(flag.since) || implied);
            match flag.name {
                "nodejs_compat" => node = on,
                "nodejs_compat_v2" => node_v2 = on,
                _ => {}
            }
            this.on[at / 64] |= u64::from(on) << (at % 64);
        }
        this
    }

    /// Whether a behaviour is on, by the flag's own name.
    pub fn is_on(&self, name: &str) -> bool {
        self.iter().any(|(flag, on)| on && flag == name)
    }

    /// Each flag's name, and whether it is on.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        FLAGS.iter().enumerate().map(|(at, flag)| (flag.name, self.on[at / 64] >> (at % 64) & 1 == 1))
    }
}

/// Refuses flags that do not exist, that are not for everybody, and that contradict each other.
///
/// # Errors
/// `Invalid` that names the flag, as workerd words it.
pub(crate) fn check(flags: &[String]) -> Result<(), CatalogError> {
    let has = |name: &str| !name.is_empty() && flags.iter().any(|flag| flag == name);
    for name in flags {
        let known = FLAGS.iter().find(|flag| flag.name == name || (!flag.off.is_empty() && flag.off == name));
        let shown: String = name.chars().take(80).collect();
        let Some(flag) = known else {
            return Err(CatalogError::Invalid(format!("No such compatibility flag: {shown}")));
        };
        if flag.experimental && flag.name == name {
            return Err(CatalogError::Invalid(format!(
                "The compatibility flag {shown} is experimental and cannot be used in an upload."
            )));
        }
        if flag.name == name && has(flag.off) {
            return Err(CatalogError::Invalid(format!(
                "Compatibility flags are mutually contradictory: {} vs {}",
                flag.name, flag.off
            )));
        }
        if flags.iter().filter(|other| *other == name).count() > 1 {
            return Err(CatalogError::Invalid(format!("Compatibility flag specified multiple times: {shown}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(date: &str, flags: &[&str]) -> Compatibility {
        Compatibility::of(date, &flags.iter().map(|&flag| flag.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn dates_and_flags_switch_as_on_workerd() {
        // Seen on workerd 2026-11-17.
        for (date, flags, name, wanted) in [
            ("2024-01-01", &["nodejs_compat"][..], "nodejs_compat_v2", false),
            ("2024-09-23", &["nodejs_compat"], "nodejs_compat_v2", true),
            ("2025-01-01", &["nodejs_compat", "no_nodejs_compat_v2"], "nodejs_compat_v2", false),
            ("2025-12-10", &["nodejs_compat_v2"], "nodejs_zlib", true),
            ("2025-12-10", &["nodejs_compat_v2"], "nodejs_compat_populate_process_env", false),
            ("2025-03-31", &["nodejs_compat"], "nodejs_compat_populate_process_env", false),
            ("2025-04-01", &["nodejs_compat"], "nodejs_compat_populate_process_env", true),
            ("2025-04-01", &[], "nodejs_compat_populate_process_env", false),
            ("2026-08-03", &[], "nodejs_compat", false),
            ("2026-08-04", &[], "nodejs_compat", true),
            ("2026-09-01", &["no_nodejs_compat"], "nodejs_compat_v2", true),
            ("2026-09-01", &["no_nodejs_compat"], "enable_nodejs_console_module", false),
            ("2026-09-01", &["no_nodejs_compat_v2"], "enable_nodejs_console_module", true),
            ("2022-10-31", &[], "url_standard", true),
            ("2022-10-31", &["url_original"], "url_standard", false),
            ("2022-10-30", &["url_standard"], "url_standard", true),
            ("2023-01-01", &["nodejs_als"], "nodejs_als", true),
        ] {
            assert_eq!(of(date, flags).is_on(name), wanted, "{name} with {date} {flags:?}");
        }
        assert!(of("2021-11-02", &[]).iter().all(|(name, on)| on == (name == "r2_public_beta_bindings")));
    }

    #[test]
    fn what_is_unknown_or_contradictory_is_refused() {
        let refused = |flags: &[&str]| {
            let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
            check(&flags).map_err(|error| error.to_string())
        };
        assert_eq!(refused(&["nodejs_compat", "url_original"]), Ok(()));
        assert_eq!(refused(&["nodejs_compt"]), Err("No such compatibility flag: nodejs_compt".into()));
        assert!(refused(&["unsafe_module"]).unwrap_err().contains("experimental"));
        let both = refused(&["no_nodejs_compat", "nodejs_compat"]).unwrap_err();
        assert_eq!(both, "Compatibility flags are mutually contradictory: nodejs_compat vs no_nodejs_compat");
        assert!(refused(&["nodejs_compat", "nodejs_compat"]).unwrap_err().contains("multiple times"));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> =
            FLAGS.iter().flat_map(|flag| [flag.name, flag.off]).filter(|name| !name.is_empty()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

//! Whom requests are for: the hosts by a pattern or a file, and which of them comes next.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;

use super::random::Random;

/// More hosts than this would be kept in memory for nothing.
const MAX_HOSTS: u64 = 10_000_000;
const MAX_FILE_BYTES: u64 = 256 << 20;
/// What zipf's table takes 8 bytes of each.
const MAX_ZIPF: u64 = 1_000_000;

/// Who gets the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pick {
    /// Each as likely as any other
    Random,
    /// The first one most often, as tenants are: the k-th 1/k^s times as often
    Zipf,
    /// One after the other, over and over
    RoundRobin,
}

/// All hosts.
#[derive(Debug)]
pub enum Hosts {
    /// `prefix{from..to}suffix`; `width`: filled up with zeros to so many digits.
    Pattern {
        prefix: String,
        from: u64,
        count: u64,
        width: usize,
        suffix: String,
    },
    Listed(Vec<String>),
}

impl Hosts {
    /// `t{0..9999}.example.com`, both ends with it, `{000..999}` fills up with zeros as a shell does; or one host.
    ///
    /// # Errors
    /// When it is no such pattern, and which rule it breaks.
    pub fn pattern(text: &str) -> anyhow::Result<Self> {
        let wrong = |rule: &str| format!("the host pattern {text:?}: {rule}");
        let Some((prefix, rest)) = text.split_once('{') else {
            ensure!(!text.contains('}'), wrong("a } without a {"));
            check(text).with_context(|| wrong("not a host"))?;
            return Ok(Self::Listed(vec![text.to_owned()]));
        };
        let (range, suffix) = rest.split_once('}').with_context(|| wrong("a { without a }"))?;
        ensure!(!suffix.contains(['{', '}']), wrong("one range {FROM..TO} is all that it may have"));
        let (from, to) = range.split_once("..").with_context(|| wrong("a range is {FROM..TO}, such as {0..9999}"))?;
        let number = |end: &str| -> anyhow::Result<u64> {
            ensure!(end.len() <= 18 && !end.is_empty(), wrong("an end of the range has 1 to 18 digits"));
            ensure!(end.bytes().all(|byte| byte.is_ascii_digit()), wrong("the ends of the range are whole numbers"));
            Ok(end.parse()?)
        };
        let (first, last) = (number(from)?, number(to)?);
        ensure!(first <= last, wrong("the range's first number is above its last"));
        let count = last - first + 1;
        ensure!(count <= MAX_HOSTS, wrong("a range has at most 10,000,000 hosts"));
        let padded = [from, to].iter().any(|end| end.len() > 1 && end.starts_with('0'));
        let width = if padded { from.len().max(to.len()) } else { 0 };
        let hosts = Self::Pattern { prefix: prefix.into(), from: first, count, width, suffix: suffix.into() };
        let mut longest = String::new();
        hosts.write(count - 1, &mut longest);
        check(&longest).with_context(|| wrong("does not make hosts"))?;
        Ok(hosts)
    }

    /// One host a line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no host: which.
    pub fn file(path: &Path) -> anyhow::Result<Self> {
        let named = || format!("the hosts file {}", path.display());
        let size = std::fs::metadata(path).with_context(named)?.len();
        ensure!(size <= MAX_FILE_BYTES, "{}: larger than 256 MiB", named());
        let text = std::fs::read_to_string(path).with_context(named)?;
        let mut hosts = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            check(line).with_context(|| format!("{}, line {}", named(), number + 1))?;
            ensure!((hosts.len() as u64) < MAX_HOSTS, "{}: more than 10,000,000 hosts", named());
            hosts.push(line.to_owned());
        }
        ensure!(!hosts.is_empty(), "{}: no host in it", named());
        Ok(Self::Listed(hosts))
    }

    pub fn count(&self) -> u64 {
        match self {
            Self::Pattern { count, .. } => *count,
            Self::Listed(hosts) => hosts.len() as u64,
        }
    }

    /// Appends one.
    pub fn write(&self, which: u64, to: &mut String) {
        match self {
            Self::Pattern { prefix, from, width, suffix, .. } => {
                // Writing to a String does not fail.
                let _ = write!(to, "{prefix}{:0width$}{suffix}", from + which);
            }
            Self::Listed(hosts) => to.push_str(hosts.get(which as usize).map_or("", String::as_str)),
        }
    }
}

/// A host, with a port or without.
fn check(host: &str) -> anyhow::Result<()> {
    ensure!(!host.is_empty() && host.len() <= 259, "a host has 1 to 253 characters, and a port at most");
    let authority: http::uri::Authority = host.parse().with_context(|| format!("{host:?} is not a host"))?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        bail!("{host:?}: a host has no user and is not empty");
    }
    Ok(())
}

/// Which one comes next, for one thread.
#[derive(Debug, Clone)]
pub struct Picker {
    count: u64,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Random(Random),
    /// Sums of the shares, ascending to 1.
    Zipf(Random, std::sync::Arc<[f64]>),
    RoundRobin {
        next: u64,
        step: u64,
    },
}

impl Picker {
    /// For the threads of a run: round robin goes through the hosts once for all of them together.
    ///
    /// # Errors
    /// When zipf has too many hosts, or an exponent that it cannot have.
    pub fn for_threads(pick: Pick, count: u64, exponent: f64, seed: u64, threads: u64) -> anyhow::Result<Vec<Self>> {
        let table: std::sync::Arc<[f64]> = if pick == Pick::Zipf {
            ensure!(count <= MAX_ZIPF, "--pick zipf: at most 1,000,000 hosts, not {count}");
            ensure!((0.0..=10.0).contains(&exponent), "--zipf-exponent {exponent}: from 0 to 10");
            let mut sum = 0.0;
            let sums = (1..=count).map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            });
            let sums: Vec<f64> = sums.collect();
            let whole = sums.last().copied().unwrap_or(1.0);
            sums.iter().map(|part| part / whole).collect()
        } else {
            [].into()
        };
        let each = (0..threads).map(|thread| {
            let random = Random::new(seed ^ (thread + 1).wrapping_mul(0xa076_1d64_78bd_642f));
            let way = match pick {
                Pick::Random => Way::Random(random),
                Pick::Zipf => Way::Zipf(random, table.clone()),
                Pick::RoundRobin => Way::RoundRobin { next: thread % count.max(1), step: threads % count.max(1) },
            };
            Self { count, way }
        });
        Ok(each.collect())
    }

    /// Below the count of hosts.
    pub fn next(&mut self) -> u64 {
        match &mut self.way {
            Way::Random(random) => random.below(self.count),
            Way::Zipf(random, sums) => {
                let share = random.share();
                (sums.partition_point(|sum| *sum <= share) as u64).min(self.count - 1)
            }
            Way::RoundRobin { next, step } => {
                let this = *next;
                *next = (this + *step) % self.count;
                this
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str) -> Vec<String> {
        let hosts = Hosts::pattern(pattern).expect(pattern);
        (0..hosts.count()).map(|which| name(&hosts, which)).collect()
    }

    fn name(hosts: &Hosts, which: u64) -> String {
        let mut name = String::new();
        hosts.write(which, &mut name);
        name
    }

    #[test]
    fn a_pattern_makes_its_hosts() {
        assert_eq!(all("t{8..11}.test"), ["t8.test", "t9.test", "t10.test", "t11.test"]);
        assert_eq!(all("{08..10}"), ["08", "09", "10"]);
        assert_eq!(all("x{0..0}.test:8080"), ["x0.test:8080"]);
        assert_eq!(all("one.test"), ["one.test"]);
        assert_eq!(Hosts::pattern("t{0..9999999}.test").expect("the most").count(), 10_000_000);
    }

    #[test]
    fn a_wrong_pattern_is_told_its_rule() {
        for (pattern, rule) in [
            ("t{1..}", "1 to 18 digits"),
            ("t{1-4}", "{FROM..TO}"),
            ("t{4..1}", "above its last"),
            ("t{a..b}", "whole numbers"),
            ("t{0..10000000}", "10,000,000"),
            ("t{0..1", "{ without a }"),
            ("t0..1}", "} without a {"),
            ("{0..1}.{0..1}", "one range"),
            ("a b{0..1}", "does not make hosts"),
            ("user@host", "not a host"),
            ("", "not a host"),
        ] {
            let error = format!("{:#}", Hosts::pattern(pattern).expect_err(pattern));
            assert!(error.contains(rule) && error.contains(&format!("{pattern:?}")), "{error}");
        }
    }

    /// How often each of `count` hosts is picked by two threads that take turns.
    fn tally(pick: Pick, count: u64, rounds: u64) -> Vec<u64> {
        let mut pickers = Picker::for_threads(pick, count, 1.0, 7, 2).expect("pickers");
        let mut times = vec![0; count as usize];
        for _ in 0..rounds {
            for picker in &mut pickers {
                times[picker.next() as usize] += 1;
            }
        }
        times
    }

    #[test]
    fn random_is_even() {
        // A standard deviation is 300 here.
        for times in tally(Pick::Random, 10, 500_000) {
            assert!((98_500..101_500).contains(&times), "{times}");
        }
    }

    #[test]
    fn zipf_gives_the_kth_a_kth_as_many() {
        let times = tally(Pick::Zipf, 1_000, 500_000);
        let whole: f64 = (1..=1_000).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [1_usize, 2, 3, 10, 100] {
            let expected = 1e6 / rank as f64 / whole;
            let off = times[rank - 1] as f64 / expected;
            assert!((off - 1.0).abs() < 5.0 / expected.sqrt(), "rank {rank}: {off}");
        }
        assert_eq!(times.iter().sum::<u64>(), 1_000_000);
    }

    #[test]
    fn round_robin_takes_each_once_a_turn() {
        assert_eq!(tally(Pick::RoundRobin, 10, 50), [10; 10]);
        assert_eq!(tally(Pick::RoundRobin, 7, 70), [20; 7]);
        assert_eq!(tally(Pick::RoundRobin, 1, 5), [10]);
    }
}

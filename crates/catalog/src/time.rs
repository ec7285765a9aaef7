//! Points in time as the API shows them: RFC 3339 UTC with microseconds (contract §1.5).

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MICROS: i64 = 1_000_000;

impl Timestamp {
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_secs() as i64 * MICROS + i64::from(since.subsec_micros()))
    }

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Reads RFC 3339, of any offset.
    pub fn parse(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000).ok().map(Self)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }
}

/// A time as it is written, in RFC 3339, UTC, with microseconds.
#[derive(Clone, Copy)]
pub struct TimestampText([u8; 27]);

impl TimestampText {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Another time within the same second: so many microseconds (below a million) after its begin.
    pub fn set_micros(&mut self, micros: u32) {
        self.put(20, 26, micros);
    }

    fn put(&mut self, from: usize, to: usize, mut value: u32) {
        for digit in self.0[from..to].iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
}

impl Timestamp {
    /// Without the machinery of formatting: lists show thousands, and each request's line has one.
    pub fn text(self) -> TimestampText {
        let mut text = TimestampText(*b"1970-01-01T00:00:00.000000Z");
        let at = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(MICROS));
        if let Ok(at) = at
            && let Ok(year) = u32::try_from(at.year())
        {
            let (month, day) = (u32::from(u8::from(at.month())), u32::from(at.day()));
            let (hour, minute, second) = at.to_hms();
            text.put(0, 4, year);
            text.put(5, 7, month);
            text.put(8, 10, day);
            text.put(11, 13, hour.into());
            text.put(14, 16, minute.into());
            text.put(17, 19, second.into());
            text.put(20, 26, self.0.rem_euclid(MICROS) as u32);
        }
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn shows_six_digits_and_z() {
        let shown = |micros| Timestamp::from_micros(micros).to_string();
        assert_eq!(shown(1_767_323_045_123_400), "2026-01-02T03:04:05.123400Z");
        assert_eq!(shown(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(shown(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(shown(253_402_300_799_999_999), "9999-12-31T23:59:59.999999Z");
        assert_eq!(shown(i64::MAX), shown(0), "beyond what the form can say");
        let mut text = Timestamp::from_micros(1_767_323_045_123_400).text();
        text.set_micros(7);
        assert_eq!(text.as_str(), "2026-01-02T03:04:05.000007Z");
    }
}

//! `--hdr`: the latencies of every second as a log that HdrHistogram's own tools read and draw.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use super::tally::Tally;

/// The tools show milliseconds; the histograms have nanoseconds.
const SHOWN: f64 = 1e6;

/// The file, where there is to be one.
pub struct Log(Option<Open>);

struct Open {
    file: File,
    serializer: V2DeflateSerializer,
    began: SystemTime,
    /// Its header has been written.
    headed: bool,
}

impl Log {
    /// # Errors
    /// When the file cannot be made.
    pub fn begin(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = File::create(path).with_context(|| format!("--hdr {}", path.display()))?;
        let (serializer, began) = (V2DeflateSerializer::new(), SystemTime::now());
        Ok(Self(Some(Open { file, serializer, began, headed: false })))
    }

    /// An interval: from when on since the begin, and how long.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, interval: &Tally, since: Duration, length: Duration) -> anyhow::Result<()> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        let mut text = Vec::new();
        let mut builder = IntervalLogWriterBuilder::new();
        builder.add_comment("latencies in nanoseconds, counted from when a request was due");
        builder.with_start_time(open.began).with_base_time(open.began).with_max_value_divisor(SHOWN);
        let mut writer = builder.begin_log_with(&mut text, &mut open.serializer)?;
        writer.write_histogram(&interval.latency, since, length, None)?;
        // A writer begins with the header; the file has it once.
        let again = std::mem::replace(&mut open.headed, true);
        for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| !again || !line.starts_with(b"#")) {
            open.file.write_all(line)?;
        }
        Ok(())
    }
}

//! The size of an upload's code as Cloudflare measures it: all modules together, compressed with gzip
//! (contract §5.2). Counted as it streams, never held.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use super::Catalog;
use crate::{CatalogError, Code, ModuleKind};

impl Catalog {
    /// Source maps do not count: they are never run. Off the async threads, since a refusal can take
    /// as long as compressing all that the limit on uncompressed bytes lets through.
    ///
    /// # Errors
    /// [`CatalogError::TooLarge`].
    pub(super) async fn compressed_size_check(&self, code: &Code) -> Result<(), CatalogError> {
        let max = self.settings.max_compressed_code_bytes;
        let modules = code.modules.iter().filter(|module| module.kind != ModuleKind::SourceMap);
        let modules: Vec<Bytes> = modules.map(|module| module.content.clone()).collect();
        let bytes: u64 = modules.iter().map(|content| content.len() as u64).sum();
        // Nothing that matters grows when it is compressed.
        if bytes <= max {
            return Ok(());
        }
        let fits = tokio::task::spawn_blocking(move || {
            // The quick level nearly always decides; near the line it is the usual one, which is what
            // clients show as the upload's size.
            fits(&modules, Compression::fast(), max) || fits(&modules, Compression::default(), max)
        });
        // It cannot panic; a node that stops refuses.
        if fits.await.unwrap_or(false) {
            return Ok(());
        }
        Err(CatalogError::TooLarge(format!(
            "the modules have more than {max} bytes together when compressed with gzip ({bytes} bytes \
             uncompressed); at most {max} are allowed"
        )))
    }
}

fn fits(modules: &[Bytes], level: Compression, max: u64) -> bool {
    let mut encoder = GzEncoder::new(Count { left: max }, level);
    modules.iter().try_for_each(|content| encoder.write_all(content)).and_then(|()| encoder.try_finish()).is_ok()
}

/// Takes this many bytes, then no more, so that what does not fit ends there.
struct Count {
    left: u64,
}

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => {
                self.left = left;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_the_size_that_gzip_gives() {
        let text: String = (0..20_000).map(|n| format!("{n} ")).collect();
        let modules = [Bytes::from(text), Bytes::from_static(b"export default {}")];
        let mut whole = GzEncoder::new(Vec::new(), Compression::default());
        for module in &modules {
            whole.write_all(module).expect("memory takes all");
        }
        let size = whole.finish().expect("memory takes all").len() as u64;
        assert!(size < modules[0].len() as u64 / 2);
        assert!(fits(&modules, Compression::default(), size));
        assert!(!fits(&modules, Compression::default(), size - 1));
    }
}

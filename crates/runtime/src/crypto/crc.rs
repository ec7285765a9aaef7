//! The checksums of `crypto.DigestStream`: CRC-32, CRC-32C and CRC-64/NVME, big endian.

use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc, Table};

use super::{Args, Output, Refused};

static CRC32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// name, checksum of what came before (empty: nothing did), data → checksum.
pub fn update(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (name, before, data) = (args.text()?, args.bytes()?, args.bytes()?);
    // All three are reflected and inverted at both ends: the register is the inverted checksum, mirrored.
    let narrow = |crc: &'static Crc<u32, Table<16>>| {
        let before = before.try_into().map_or(0, u32::from_be_bytes);
        let mut digest = crc.digest_with_initial((!before).reverse_bits());
        digest.update(data);
        digest.finalize().to_be_bytes()
    };
    match name {
        "crc32" => out.put(&narrow(&CRC32)),
        "crc32c" => out.put(&narrow(&CRC32C)),
        "crc64nvme" => {
            let before = before.try_into().map_or(0, u64::from_be_bytes);
            let mut digest = CRC64.digest_with_initial((!before).reverse_bits());
            digest.update(data);
            out.put(&digest.finalize().to_be_bytes())
        }
        _ => Err(Refused::internal()),
    }
}

//! Round trips in pieces of every size, and what is refused.

use super::*;

fn all(mut push: impl FnMut(&[u8]) -> Step, mut input: &[u8], piece: usize) -> (Vec<u8>, i32, usize) {
    let (mut out, mut left) = (Vec::new(), input.len());
    loop {
        let part = &input[..input.len().min(piece)];
        let step = push(part);
        assert!(step.out.len() <= PIECE);
        out.extend_from_slice(&step.out);
        input = &input[step.taken..];
        left -= step.taken;
        if matches!(step.step, step::END | step::FAILED) || step.step == step::MORE && input.is_empty() {
            return (out, step.step, left);
        }
    }
}

fn deflated(kind: i32, input: &[u8], piece: usize) -> Vec<u8> {
    let mut deflate = Deflate::new(kind);
    let (mut out, step, left) = all(|part| deflate.push(part, false), input, piece);
    assert_eq!((step, left), (step::MORE, 0));
    let (end, step, _) = all(|part| deflate.push(part, true), &[], piece);
    assert_eq!(step, step::END);
    out.extend(end);
    out
}

fn inflated(kind: i32, input: &[u8], piece: usize) -> (Vec<u8>, i32, usize) {
    let mut inflate = Inflate::new(kind);
    all(|part| inflate.push(part), input, piece)
}

#[test]
fn what_is_compressed_comes_back() {
    let noise: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for data in [&[][..], b"a", &[7; 200_000], &noise] {
        for kind in [format::GZIP, format::ZLIB, 2] {
            for piece in [1, 100, PIECE] {
                if piece == 1 && data.len() > 1000 {
                    continue;
                }
                let packed = deflated(kind, data, piece);
                assert_eq!(inflated(kind, &packed, piece), (data.to_vec(), step::END, 0));
                let more = [&packed[..], b"more"].concat();
                assert_eq!(inflated(kind, &more, PIECE), (data.to_vec(), step::END, 4));
                let cut = &packed[..packed.len() - 1];
                assert_eq!(inflated(kind, cut, piece).1, step::MORE);
            }
        }
    }
}

#[test]
fn gzip_headers_with_all_parts() {
    let plain = deflated(format::GZIP, b"data", PIECE);
    for flags in 0..=0x1f {
        let mut packed = vec![0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 2, 255];
        if flags & 4 != 0 {
            packed.extend_from_slice(&[3, 0, b'x', 0, b'y']);
        }
        if flags & 8 != 0 {
            packed.extend_from_slice(b"name\0");
        }
        if flags & 16 != 0 {
            packed.extend_from_slice(b"comment\0");
        }
        if flags & 2 != 0 {
            let mut crc = Crc::new();
            crc.update(&packed);
            packed.extend_from_slice(&crc.sum().to_le_bytes()[..2]);
        }
        packed.extend_from_slice(&plain[10..]);
        for piece in [1, PIECE] {
            assert_eq!(inflated(format::GZIP, &packed, piece), (b"data".to_vec(), step::END, 0), "{flags}");
        }
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let plain = deflated(format::GZIP, b"data", PIECE);
    let broken = |at: usize| {
        let mut packed = plain.clone();
        packed[at] ^= 0x80;
        inflated(format::GZIP, &packed, PIECE).1
    };
    for at in [0, 1, 2, 3, 10, plain.len() - 8, plain.len() - 1] {
        assert_eq!(broken(at), step::FAILED, "{at}");
    }
    assert_eq!(inflated(format::ZLIB, b"no zlib", PIECE).1, step::FAILED);
    assert_eq!(inflated(2, &[0xff; 100], PIECE).1, step::FAILED);
}

#[test]
fn a_bomb_comes_in_pieces() {
    let packed = deflated(format::ZLIB, &vec![0; 8 << 20], PIECE);
    assert!(packed.len() < PIECE);
    let mut inflate = Inflate::new(format::ZLIB);
    let first = inflate.push(&packed);
    assert_eq!((first.step, first.out.len()), (step::FULL, PIECE));
    assert!(first.taken < packed.len());
}

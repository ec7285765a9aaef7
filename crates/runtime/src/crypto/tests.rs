//! Published vectors, and what hostile values come to.

use super::*;

fn answer(kind: i32, build: impl FnOnce(&mut Writer<'_>)) -> Result<Vec<u8>, Refused> {
    let mut message = Vec::new();
    let mut write = Writer::new(&mut message);
    write.int(kind);
    build(&mut write);
    run(&message, &mut || false)
}

fn bytes(kind: i32, build: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let answer = answer(kind, build).unwrap();
    Reader::new(&answer).bytes().unwrap().to_vec()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

#[test]
fn digests() {
    for (hash, expected) in [
        ("MD5", "900150983cd24fb0d6963f7d28e17f72"),
        ("SHA-1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("SHA-384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"),
        (
            "SHA-512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        assert_eq!(
            bytes(what::DIGEST, |write| {
                write.text(hash).bytes(b"abc");
            }),
            hex(expected),
            "{hash}"
        );
    }
}

#[test]
fn a_digest_in_pieces_is_the_digest() {
    let data: Vec<u8> = (0..700u32).map(|i| i as u8).collect();
    for hash in ["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"] {
        let whole = bytes(what::DIGEST, |write| {
            write.text(hash).bytes(&data);
        });
        let mac = bytes(what::HMAC, |write| {
            write.text(hash).bytes(b"key").bytes(&data);
        });
        for size in [1, 63, 64, 65, 127, 128, 129, 256, 700] {
            let inner = bytes(what::HMAC_BEGIN, |write| {
                write.text(hash).bytes(b"key");
            });
            let states = [Vec::new(), inner].map(|begun| {
                data.chunks(size).fold(begun, |state, piece| {
                    bytes(what::HASH_UPDATE, |write| {
                        write.text(hash).bytes(&state).bytes(piece);
                    })
                })
            });
            let digest = bytes(what::HASH_FINISH, |write| {
                write.text(hash).bytes(&states[0]).bytes(b"");
            });
            assert_eq!(digest, whole, "{hash} by {size}");
            let tag = bytes(what::HMAC_FINISH, |write| {
                write.text(hash).bytes(b"key").bytes(&states[1]).null();
            });
            assert_eq!(tag, mac, "{hash} by {size}");
        }
    }
}

#[test]
fn a_state_of_another_size_is_refused() {
    let state = bytes(what::HASH_UPDATE, |write| {
        write.text("SHA-256").null().bytes(b"abc");
    });
    for wrong in [&state[..state.len() - 1], &[&state[..], &[0]].concat(), &[1], &[255; 40], &[255; 300]] {
        for hash in ["MD5", "SHA-1", "SHA-256", "SHA-512"] {
            let refused = answer(what::HASH_UPDATE, |write| {
                write.text(hash).bytes(wrong).bytes(b"abc");
            });
            assert_eq!(refused.unwrap_err().name, "OperationError", "{hash} {}", wrong.len());
        }
    }
}

#[test]
fn hmac_rfc_4231() {
    let tag = |hash, key: &[u8], data: &[u8]| {
        bytes(what::HMAC, |write| {
            write.text(hash).bytes(key).bytes(data);
        })
    };
    assert_eq!(
        tag("SHA-256", &[0x0b; 20], b"Hi There"),
        hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    );
    assert_eq!(
        tag("SHA-256", &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
        hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    );
}

#[test]
fn checksums() {
    let crc = |name, before: &[u8], data: &[u8]| {
        bytes(what::CRC, |write| {
            write.text(name).bytes(before).bytes(data);
        })
    };
    for (name, expected) in [("crc32", "cbf43926"), ("crc32c", "e3069283"), ("crc64nvme", "ae8b14860a799888")] {
        assert_eq!(crc(name, &[], b"123456789"), hex(expected));
        assert_eq!(crc(name, &crc(name, &crc(name, &[], b""), b"1234"), b"56789"), hex(expected));
    }
}

#[test]
fn derivations() {
    let okm = bytes(what::HKDF, |write| {
        write.text("SHA-256").bytes(&[0x0b; 22]).bytes(&hex("000102030405060708090a0b0c"));
        write.bytes(&hex("f0f1f2f3f4f5f6f7f8f9")).int(42);
    });
    let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_eq!(okm, hex(expected), "RFC 5869, A.1");
    let pbkdf2 = |iterations, len| {
        answer(what::PBKDF2, |write| {
            write.text("SHA-1").bytes(b"password").bytes(b"salt").int(iterations).int(len);
        })
    };
    for (iterations, expected) in
        [(1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"), (4096, "4b007901b765489abead49d926f721d065a429c1")]
    {
        let answer = pbkdf2(iterations, 20).unwrap();
        assert_eq!(Reader::new(&answer).bytes().unwrap(), hex(expected), "RFC 6070");
    }
    // On each side of what is derived at a time.
    assert!(pbkdf2(1, 1 << 20).is_ok());
    assert!(pbkdf2(1, (1 << 20) + 1).is_err());
    assert!(pbkdf2(100_000, 40 * 20 + 1).is_err());
    assert!(pbkdf2(0, 20).is_err());
    assert!(pbkdf2(1, -1).is_err());
}

fn aes(
    mode: &str,
    encrypt: bool,
    key: &str,
    nonce: &str,
    aad: &str,
    bits: i32,
    data: &[u8],
) -> Result<Vec<u8>, Refused> {
    let answer = answer(what::AES, |write| {
        write.text(mode).bool(encrypt).bytes(&hex(key)).bytes(&hex(nonce)).bytes(&hex(aad)).int(bits).bytes(data);
    })?;
    Ok(Reader::new(&answer).bytes().unwrap().to_vec())
}

#[test]
fn aes_gcm_with_nonces_of_any_length() {
    let key = "feffe9928665731c6d6a8f9467308308";
    let aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    let text = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    for (nonce, sealed) in [
        (
            "cafebabefacedbaddecaf888",
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05\
             1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
        ),
        (
            "cafebabefacedbad",
            "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b42\
             4989b5e1ebac0f07c23f45983612d2e79e3b0785561be14aaca2fccb",
        ),
    ] {
        let sealed = hex(sealed);
        assert_eq!(aes("AES-GCM", true, key, nonce, aad, 128, &text).unwrap(), sealed);
        assert_eq!(aes("AES-GCM", false, key, nonce, aad, 128, &sealed).unwrap(), text);
        let short = &sealed[..sealed.len() - 4];
        assert_eq!(aes("AES-GCM", true, key, nonce, aad, 96, &text).unwrap(), short);
        assert_eq!(aes("AES-GCM", false, key, nonce, aad, 96, short).unwrap(), text);
        let mut wrong = sealed.clone();
        wrong[3] ^= 1;
        assert_eq!(aes("AES-GCM", false, key, nonce, aad, 128, &wrong).unwrap_err().name, "OperationError");
        assert!(aes("AES-GCM", false, key, nonce, "00", 128, &sealed).is_err());
    }
    assert!(aes("AES-GCM", false, key, "00", "", 128, &[0; 15]).is_err());
    assert!(aes("AES-GCM", true, "00", "00", "", 128, &[]).is_err());
}

#[test]
fn aes_modes_of_sp_800_38a() {
    let key = "2b7e151628aed2a6abf7158809cf4f3c";
    let block = hex("6bc1bee22e409f96e93d7e117393172a");
    let sealed = aes("AES-CBC", true, key, "000102030405060708090a0b0c0d0e0f", "", 0, &block).unwrap();
    assert_eq!((sealed.len(), &sealed[..16]), (32, &hex("7649abac8119b246cee98e9b12e9197d")[..]));
    let counter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    assert_eq!(aes("AES-CTR", true, key, counter, "", 128, &block).unwrap(), hex("874d6191b620e3261bef6864990db6ce"));
    // A counter of a few bits comes round within its bits, as one block after the other says.
    let data = [7; 64];
    let all = aes("AES-CTR", true, key, "000000000000000000000000000000ff", "", 2, &data).unwrap();
    for (i, counter) in ["ff", "fc", "fd", "fe"].iter().enumerate() {
        let counter = format!("000000000000000000000000000000{counter}");
        let one = aes("AES-CTR", true, key, &counter, "", 128, &data[..16]).unwrap();
        assert_eq!(all[i * 16..][..16], one, "block {i}");
    }
    assert!(aes("AES-CTR", true, key, counter, "", 2, &[7; 65]).is_err());
    assert!(aes("AES-CTR", true, key, counter, "", 129, &[7; 1]).is_err());
}

#[test]
fn aes_kw_rfc_3394() {
    let wrap = |wrap, data: &[u8]| {
        answer(what::AES_WRAP, |write| {
            write.bool(wrap).bytes(&hex("000102030405060708090a0b0c0d0e0f")).bytes(data);
        })
    };
    let (key, wrapped) =
        (hex("00112233445566778899aabbccddeeff"), hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"));
    assert_eq!(Reader::new(&wrap(true, &key).unwrap()).bytes().unwrap(), wrapped);
    assert_eq!(Reader::new(&wrap(false, &wrapped).unwrap()).bytes().unwrap(), key);
    for wrong in [&[0; 24][..], &[0; 8], &[0; 7], &[]] {
        assert!(wrap(false, wrong).is_err());
    }
}

#[test]
fn ed25519_rfc_8032_and_x25519_rfc_7748() {
    let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let key = bytes(what::OKP_PRIVATE, |write| {
        write.bool(false).bytes(&seed);
    });
    assert_eq!(key[32..], public);
    let signature = bytes(what::ED25519_SIGN, |write| {
        write.bytes(&key).bytes(b"");
    });
    assert_eq!(
        signature,
        hex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b")
    );
    let verified = |data: &[u8]| {
        bytes(what::ED25519_VERIFY, |write| {
            write.bytes(&public).bytes(&signature).bytes(data);
        })
    };
    assert_eq!((verified(b""), verified(b"x")), (vec![1], vec![0]));
    let scalar = hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    let point = hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    let private = bytes(what::OKP_PRIVATE, |write| {
        write.bool(true).bytes(&scalar);
    });
    assert_eq!(
        bytes(what::X25519, |write| {
            write.bytes(&private).bytes(&point);
        }),
        hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    );
    assert!(
        answer(what::X25519, |write| {
            write.bytes(&private).bytes(&[0; 32]);
        })
        .is_err()
    );
}

#[test]
fn ecdsa_rfc_6979() {
    let point = hex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
         7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    let signature = hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    let verified = |data: &[u8]| {
        bytes(what::ECDSA_VERIFY, |write| {
            write.text("SHA-256").text("P-256").bytes(&point).bytes(&signature).bytes(data);
        })
    };
    assert_eq!((verified(b"sample"), verified(b"simple")), (vec![1], vec![0]));
}

/// Private and public key of an answer.
fn pair(answer: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut values = Reader::new(answer);
    assert!(values.bool().unwrap());
    (values.bytes().unwrap().to_vec(), values.bytes().unwrap().to_vec())
}

#[test]
fn rsa_of_odd_sizes_signs_and_decrypts() {
    let generated = answer(what::RSA_GENERATE, |write| {
        write.int(1024).bytes(&[3]);
    });
    let (private, public) = pair(&generated.unwrap());
    for salt in [-1, 0, 13] {
        let signature = bytes(what::RSA_SIGN, |write| {
            write.text("SHA-1").bytes(&private).int(salt).bytes(b"data");
        });
        let verified = |data: &[u8]| {
            bytes(what::RSA_VERIFY, |write| {
                write.text("SHA-1").bytes(&public).int(salt).bytes(&signature).bytes(data);
            })
        };
        assert_eq!((verified(b"data"), verified(b"other")), (vec![1], vec![0]), "{salt}");
    }
    let cipher = |encrypt, key: &[u8], label: &[u8], data: &[u8]| {
        answer(what::RSA_CIPHER, |write| {
            write.bool(encrypt).text("SHA-256").bytes(key).bytes(label).bytes(data);
        })
    };
    let sealed = cipher(true, &public, b"label", b"data").unwrap();
    let sealed = Reader::new(&sealed).bytes().unwrap().to_vec();
    assert_eq!(Reader::new(&cipher(false, &private, b"label", &sealed).unwrap()).bytes().unwrap(), b"data");
    assert!(cipher(false, &private, b"another", &sealed).is_err());
    assert!(cipher(true, &public, b"", &[0; 128]).is_err());
}

#[test]
fn a_generation_that_nobody_wants_ends() {
    let mut message = Vec::new();
    Writer::new(&mut message).int(what::RSA_GENERATE).int(16_384).bytes(&[1, 0, 1]);
    let mut asked = 0;
    let stopped = run(&message, &mut || {
        asked += 1;
        asked > 2
    });
    assert_eq!((stopped.unwrap_err().name, asked), ("OperationError", 3));
}

#[test]
fn encodings_come_back_whatever_the_kind() {
    let imported = |private, encoding: &[u8]| {
        answer(what::IMPORT_DER, |write| {
            write.bool(private).bytes(encoding);
        })
    };
    let kinds = [
        (
            "EC",
            Some("P-521"),
            answer(what::EC_GENERATE, |write| {
                write.text("P-521");
            }),
        ),
        (
            "Ed25519",
            None,
            answer(what::OKP_GENERATE, |write| {
                write.bool(false);
            }),
        ),
        (
            "X25519",
            None,
            answer(what::OKP_GENERATE, |write| {
                write.bool(true);
            }),
        ),
        (
            "RSA",
            None,
            answer(what::RSA_GENERATE, |write| {
                write.int(512).bytes(&[1, 0, 1]);
            }),
        ),
    ];
    for (kind, curve, generated) in kinds {
        let (private, public) = pair(&generated.unwrap());
        for (is_private, key) in [(true, &private), (false, &public)] {
            let encoding = bytes(what::EXPORT_DER, |write| {
                write.text(kind).text_or_null(curve).bool(is_private).bytes(key);
            });
            let back = imported(is_private, &encoding).unwrap();
            let mut values = Reader::new(&back);
            values.bool().unwrap();
            assert_eq!((values.text().unwrap(), values.text_or_null().unwrap()), (kind, curve));
            assert_eq!(values.bytes().unwrap(), key, "{kind}");
            // Nothing that a byte of it may be brings the library to more than an error.
            for at in 0..encoding.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut wrong = encoding.clone();
                    wrong[at] ^= flip;
                    let _ = imported(is_private, &wrong);
                }
                assert!(imported(is_private, &encoding[..at]).is_err());
            }
        }
    }
    assert!(imported(true, &vec![0x30; (64 << 10) + 1]).is_err());
}

#[test]
fn values_that_are_none_of_its_own_are_errors_of_every_computation() {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    const TEXTS: [&str; 8] = ["SHA-256", "MD5", "P-256", "AES-GCM", "AES-CTR", "RSA", "Ed25519", "AAAA"];
    for kind in 0..40 {
        for _ in 0..300 {
            let mut message = Vec::new();
            let mut write = Writer::new(&mut message);
            write.int(kind);
            for _ in 0..next() % 9 {
                match next() % 6 {
                    0 => write.null(),
                    1 => write.int(next() as i32 % 300 - 5),
                    2 => write.text(TEXTS[next() % 8]),
                    3 => write.bool(next() % 2 == 0),
                    4 => write.value(Value::Far { at: next() as u32, len: next() as u32 }),
                    _ => write.bytes(&vec![next() as u8; [0, 1, 12, 16, 32, 64, 65, 100][next() % 8]]),
                };
            }
            let _ = run(&message, &mut || true);
        }
    }
}

#[test]
fn regions_of_a_call_are_the_guests_own() {
    let mut host = Host::new();
    let mut memory = vec![0; 65_536];
    let mut message = Vec::new();
    Writer::new(&mut message).text("SHA-256").value(Value::Far { at: 4096, len: 1024 });
    memory[..message.len()].copy_from_slice(&message);
    let mut ask = |message: (u32, u32), out| call(&mut host, &mut memory, what::DIGEST, message, out);
    let whole = (0, message.len() as u32);
    assert_eq!(ask(whole, (8192, 32)), Some(32));
    // The output may begin where an input ends, and not before.
    assert_eq!(ask(whole, (4096 + 1024, 32)), Some(32));
    assert!(ask(whole, (4096 + 1023, 32)).unwrap() < 0);
    assert!(ask(whole, (8192, 31)).unwrap() < 0);
    for (message, out) in
        [(whole, (65_505, 32)), (whole, (u32::MAX, 32)), ((u32::MAX, 8), (0, 0)), ((65_530, 8), (0, 0))]
    {
        assert_eq!(ask(message, out), None, "{message:?} {out:?}");
    }
    let expected = bytes(what::DIGEST, |write| {
        write.text("SHA-256").bytes(&[0; 1024]);
    });
    assert_eq!(memory[8192..][..32], expected);
}

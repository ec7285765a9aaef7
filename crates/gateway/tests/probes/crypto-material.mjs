// Key pairs that stand for nothing: made once for these probes, used nowhere else.

export const p256 = {
  pkcs8:
    'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguhooRtiiJohOevWU3uC6xAt3quPsTG8/QzejFoc/KSmhRANCAATjTNTu' +
    'GEudOCW5iwsNpF2wVKENy+UDWMG1jBkc2/Vue7wpEWzcX+OLJmEqCn4zsEwULH0aZPC9LU2kt1+vd405',
  spki:
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE40zU7hhLnTgluYsLDaRdsFShDcvlA1jBtYwZHNv1bnu8KRFs3F/jiyZhKgp+M7BMFCx9' +
    'GmTwvS1NpLdfr3eNOQ==',
  jwk: {
    kty: 'EC',
    x: '40zU7hhLnTgluYsLDaRdsFShDcvlA1jBtYwZHNv1bns',
    y: 'vCkRbNxf44smYSoKfjOwTBQsfRpk8L0tTaS3X693jTk',
    crv: 'P-256',
    d: 'uhooRtiiJohOevWU3uC6xAt3quPsTG8_QzejFoc_KSk',
  },
};

export const p384 = {
  pkcs8:
    'MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDlEC65I8LGdnb3QszXCwE9+KnHuNvkrySMCNhUSASbyTBr8LnY8g3IJ6R9' +
    '01Ev8tShZANiAASjtEve/Qn9JqMMtZEgSQf773y+kVDxFSaGpBcWxfTQiig2HlJ0jn9B/fkMWTq6020psKSOYDa4lBW09ISCh8y2ozzA' +
    '1CdynGRndXKEWer+RsJOLyeLjyua+D3lG3C+Zak=',
  spki:
    'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEo7RL3v0J/SajDLWRIEkH++98vpFQ8RUmhqQXFsX00IooNh5SdI5/Qf35DFk6utNtKbCkjmA2' +
    'uJQVtPSEgofMtqM8wNQncpxkZ3VyhFnq/kbCTi8ni48rmvg95RtwvmWp',
  jwk: {
    kty: 'EC',
    x: 'o7RL3v0J_SajDLWRIEkH--98vpFQ8RUmhqQXFsX00IooNh5SdI5_Qf35DFk6utNt',
    y: 'KbCkjmA2uJQVtPSEgofMtqM8wNQncpxkZ3VyhFnq_kbCTi8ni48rmvg95RtwvmWp',
    crv: 'P-384',
    d: '5RAuuSPCxnZ290LM1wsBPfipx7jb5K8kjAjYVEgEm8kwa_C52PINyCekfdNRL_LU',
  },
};

export const p521 = {
  pkcs8:
    'MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIA5BEeQAtAvElvylg7VdZw85ltxhVR75i3eus+eUwL6dD5C2u9s4rgJX4f' +
    'fbhDguvWY6ySZJGrPwtWooW5iTIQ/YahgYkDgYYABAE0cGzNmlgqWUtxTwwW7yn0MInvubhIx26o0nR0xJT198qpp3uSjJiSiOiPjeyi' +
    'M4DxNCRaR4Nr+aSIfDZL4gaEOgBx9V/Re0vPYbr3z4LbiB6NVfgARQx1hJJE6julwmv5aUdPi07u7HoqYVraS0Fb6AcI8qXeKNJYMkkl' +
    'IG3+FTET8g==',
  spki:
    'MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBNHBszZpYKllLcU8MFu8p9DCJ77m4SMduqNJ0dMSU9ffKqad7koyYkojoj43sojOA8TQk' +
    'WkeDa/mkiHw2S+IGhDoAcfVf0XtLz2G698+C24gejVX4AEUMdYSSROo7pcJr+WlHT4tO7ux6KmFa2ktBW+gHCPKl3ijSWDJJJSBt/hUx' +
    'E/I=',
  jwk: {
    kty: 'EC',
    x: 'ATRwbM2aWCpZS3FPDBbvKfQwie-5uEjHbqjSdHTElPX3yqmne5KMmJKI6I-N7KIzgPE0JFpHg2v5pIh8NkviBoQ6',
    y: 'AHH1X9F7S89huvfPgtuIHo1V-ABFDHWEkkTqO6XCa_lpR0-LTu7seiphWtpLQVvoBwjypd4o0lgySSUgbf4VMRPy',
    crv: 'P-521',
    d: 'AOQRHkALQLxJb8pYO1XWcPOZbcYVUe-Yt3rrPnlMC-nQ-QtrvbOK4CV-H324Q4Lr1mOskmSRqz8LVqKFuYkyEP2G',
  },
};

export const other256 = {
  pkcs8:
    'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8C/UdNx5r3THCDVjL6pNWkK7qFAJjOem+Zr1GA9dIzKhRANCAASIgy+3' +
    'ApG7tQ8N6qxnZKPdORRKoxm9PaOOJv0BLUmxfU2vs8R9VllZa2Jiul3cQfhob4K0yxZyKs99unQqPnpS',
  spki:
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiIMvtwKRu7UPDeqsZ2Sj3TkUSqMZvT2jjib9AS1JsX1Nr7PEfVZZWWtiYrpd3EH4aG+C' +
    'tMsWcirPfbp0Kj56Ug==',
  jwk: {
    kty: 'EC',
    x: 'iIMvtwKRu7UPDeqsZ2Sj3TkUSqMZvT2jjib9AS1JsX0',
    y: 'Ta-zxH1WWVlrYmK6XdxB-GhvgrTLFnIqz326dCo-elI',
    crv: 'P-256',
    d: '8C_UdNx5r3THCDVjL6pNWkK7qFAJjOem-Zr1GA9dIzI',
  },
};

export const ed25519 = {
  pkcs8:
    'MC4CAQAwBQYDK2VwBCIEIEQnY9oK3Tht82/xbRqv4pfEHWjmsPdacuzfQx1iG6Ya',
  spki:
    'MCowBQYDK2VwAyEAmMIoCt6Lxat28jSJRIMva3GGnitJyaS+fFdzJB/1tZ4=',
  jwk: {
    crv: 'Ed25519',
    d: 'RCdj2grdOG3zb_FtGq_il8QdaOaw91py7N9DHWIbpho',
    x: 'mMIoCt6Lxat28jSJRIMva3GGnitJyaS-fFdzJB_1tZ4',
    kty: 'OKP',
  },
};

export const x25519 = {
  pkcs8:
    'MC4CAQAwBQYDK2VuBCIEICDhQ4mr0wGZJ5W3tdzSZ0pvfy9n0BOOvAF+tpEYtGVE',
  spki:
    'MCowBQYDK2VuAyEAhKPZn1C+YyZXNVHIdvbbZso3j9XJgq62NolZKgknRgQ=',
  jwk: {
    crv: 'X25519',
    d: 'IOFDiavTAZknlbe13NJnSm9_L2fQE468AX62kRi0ZUQ',
    x: 'hKPZn1C-YyZXNVHIdvbbZso3j9XJgq62NolZKgknRgQ',
    kty: 'OKP',
  },
};

export const otherX25519 = {
  pkcs8:
    'MC4CAQAwBQYDK2VuBCIEICDNUNlQ+FjkUURzkc2tWm6IsJscBZFZtnH0p9ZD/ERN',
  spki:
    'MCowBQYDK2VuAyEA7hua8acnhhmdNizZxjP969LDyZcoI1f1Ve8D/hT6xRU=',
  jwk: {
    crv: 'X25519',
    d: 'IM1Q2VD4WORRRHORza1aboiwmxwFkVm2cfSn1kP8RE0',
    x: '7hua8acnhhmdNizZxjP969LDyZcoI1f1Ve8D_hT6xRU',
    kty: 'OKP',
  },
};

export const rsa = {
  pkcs8:
    'MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQDjcpD2Rp1Eo0XNJHRlDMc7eSdhJvmgT4CVQxrZvyvk4eAfPX8y0NTt' +
    'ZoVXOxFSo287NIyEbiNiYeTNQuvpFm2ddGMdTEKNUf2EsRRjUF8fhvqZn8CVftPBoxyNqx5Xzi4k9VE90Vso+oU68jwfhJcpBVvLumcF' +
    'c1MwQCEJeTAwUeriB/2DUSKZQXq0NUSGbyPPUxAFZDnNCYr4xLlHFDG0zXeLR9PyiRl/CubYZA5kRMv11Ira6IblBc4KbcQ7oRXrOoB0' +
    '4zoRgWRFLqGw1PVdrIPf2ul0oxfWGfUqXV6PivDYVs0iO6x09tWZ3/kkCgVAWSiPdinPdlI1Hu3fOovtAgMBAAECggEACdexrOAY9PwG' +
    'KcGaU6vcqahWHLHCw/JW/EdQFY4W5CMN/4TRWl8CIVHdNceRRZEtGcJiWQlMvpt7zGNsH/l/z03WqLoMVN8qk/oxlSuOcBCaf+STZCes' +
    'X/SRom+hIWIPD/XrAw3eqkGgW4VB8Igie1+NIIbhW/dXUgTN4HZj9gy3HOpUlkp48dSsWTEOrktdqOBy6kYUMRc3NjA5nzWz/S5y0Pa9' +
    'gBUF87CUdttGXYZxJz9Hy/1o+zYrTxyeGPS+ExQuSFSOMwf74fIXkzBsnZVKwOnjr8+/V9o6HjTxvv7OJJN9qbyRpT92agtsLR7mSoND' +
    '1g6iLwMsV4HRgZ0iGwKBgQD2z9CbcH2pZeZA4bIk9U0ZGhVBpS++8ZP/iqNotnTi2/DGi6zhOnFTTKM8gQSDQtObTzXmoWtMoEyOBwH3' +
    'AQkp7oeq0j9cEcE79rFSD7eQjkdhkLPdZQzDmuJxfhgDNKli8KyUO6LB1r6jfWcTOAqOXYhB9OgHAKBS3UjCEujV4wKBgQDr6jRkS20P' +
    'qwbeMHnSKhkD5UQHWc8VwXiDN2W7vNovU2eQBJ9M8bnWJH0cPSETTrt4tBI/miqdpi1pu2+hpN42Sudere8W4CL9nN8x7k8nAnxt579c' +
    '4nfVbTGNHJw2w/zbDXEUEFU3BDgaaEtiRLCz1xnWZXw+3RLz66EmjWg/7wKBgQCNHoXIWql/EiR1NJcHSrqqf59nyWtjYf2dP0fvt2Nd' +
    '0yP4YiSXIzNozYkILzzFUJBtXP0UwXb4eS9MhfU5pf33W8t2gIB5xC0YfBUnNpVesftebb5p+D00GnsfKVnRe2reh34lw3NsIb0e/bTR' +
    '6FkgzZn7HG0Ok+0XdC8FyIoYwQKBgQDOPgvbeo03216/tEVr1F3WKAKXIo6GCIOgwzdvLyTXpuSs5T2W+ORsL64ol9BonrYKSfKCI/cJ' +
    'p5OgEbr/57BUaptnDEwvBXfRm+kML7iG9Adv1eBYBayZq0JciRyQTDqsDk5DKhw1YrzhaTguCrsoHe56nnJGSuMc12wk1g7DhQKBgQDV' +
    'tRwZZdnA3Uj5nzyhXVlvixOp2ax/SsF+4p6SH0UIzmwPsQBTrTIKRY0fq/01NT+uKIemjH5YiiMi0nKbwtQ0wiQksEH5KzBC2W1j+LQd' +
    'Beg3WIKOfbLbCvELqLFhw6pQwiHbycN0AEAvpRigWH0GFdR2I2lBr/OpYYWSnYyZsA==',
  spki:
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA43KQ9kadRKNFzSR0ZQzHO3knYSb5oE+AlUMa2b8r5OHgHz1/MtDU7WaFVzsR' +
    'UqNvOzSMhG4jYmHkzULr6RZtnXRjHUxCjVH9hLEUY1BfH4b6mZ/AlX7TwaMcjaseV84uJPVRPdFbKPqFOvI8H4SXKQVby7pnBXNTMEAh' +
    'CXkwMFHq4gf9g1EimUF6tDVEhm8jz1MQBWQ5zQmK+MS5RxQxtM13i0fT8okZfwrm2GQOZETL9dSK2uiG5QXOCm3EO6EV6zqAdOM6EYFk' +
    'RS6hsNT1XayD39rpdKMX1hn1Kl1ej4rw2FbNIjusdPbVmd/5JAoFQFkoj3Ypz3ZSNR7t3zqL7QIDAQAB',
  jwk: {
    kty: 'RSA',
    n:
      '43KQ9kadRKNFzSR0ZQzHO3knYSb5oE-AlUMa2b8r5OHgHz1_MtDU7WaFVzsRUqNvOzSMhG4jYmHkzULr6RZtnXRjHUxCjVH9hLEUY1Bf' +
      'H4b6mZ_AlX7TwaMcjaseV84uJPVRPdFbKPqFOvI8H4SXKQVby7pnBXNTMEAhCXkwMFHq4gf9g1EimUF6tDVEhm8jz1MQBWQ5zQmK-MS5' +
      'RxQxtM13i0fT8okZfwrm2GQOZETL9dSK2uiG5QXOCm3EO6EV6zqAdOM6EYFkRS6hsNT1XayD39rpdKMX1hn1Kl1ej4rw2FbNIjusdPbV' +
      'md_5JAoFQFkoj3Ypz3ZSNR7t3zqL7Q',
    e: 'AQAB',
    d:
      'CdexrOAY9PwGKcGaU6vcqahWHLHCw_JW_EdQFY4W5CMN_4TRWl8CIVHdNceRRZEtGcJiWQlMvpt7zGNsH_l_z03WqLoMVN8qk_oxlSuO' +
      'cBCaf-STZCesX_SRom-hIWIPD_XrAw3eqkGgW4VB8Igie1-NIIbhW_dXUgTN4HZj9gy3HOpUlkp48dSsWTEOrktdqOBy6kYUMRc3NjA5' +
      'nzWz_S5y0Pa9gBUF87CUdttGXYZxJz9Hy_1o-zYrTxyeGPS-ExQuSFSOMwf74fIXkzBsnZVKwOnjr8-_V9o6HjTxvv7OJJN9qbyRpT92' +
      'agtsLR7mSoND1g6iLwMsV4HRgZ0iGw',
    p:
      '9s_Qm3B9qWXmQOGyJPVNGRoVQaUvvvGT_4qjaLZ04tvwxous4TpxU0yjPIEEg0LTm0815qFrTKBMjgcB9wEJKe6HqtI_XBHBO_axUg-3' +
      'kI5HYZCz3WUMw5ricX4YAzSpYvCslDuiwda-o31nEzgKjl2IQfToBwCgUt1IwhLo1eM',
    q:
      '6-o0ZEttD6sG3jB50ioZA-VEB1nPFcF4gzdlu7zaL1NnkASfTPG51iR9HD0hE067eLQSP5oqnaYtabtvoaTeNkrnXq3vFuAi_ZzfMe5P' +
      'JwJ8bee_XOJ31W0xjRycNsP82w1xFBBVNwQ4GmhLYkSws9cZ1mV8Pt0S8-uhJo1oP-8',
    dp:
      'jR6FyFqpfxIkdTSXB0q6qn-fZ8lrY2H9nT9H77djXdMj-GIklyMzaM2JCC88xVCQbVz9FMF2-HkvTIX1OaX991vLdoCAecQtGHwVJzaV' +
      'XrH7Xm2-afg9NBp7HylZ0Xtq3od-JcNzbCG9Hv200ehZIM2Z-xxtDpPtF3QvBciKGME',
    dq:
      'zj4L23qNN9tev7RFa9Rd1igClyKOhgiDoMM3by8k16bkrOU9lvjkbC-uKJfQaJ62CknygiP3CaeToBG6_-ewVGqbZwxMLwV30ZvpDC-4' +
      'hvQHb9XgWAWsmatCXIkckEw6rA5OQyocNWK84Wk4Lgq7KB3uep5yRkrjHNdsJNYOw4U',
    qi:
      '1bUcGWXZwN1I-Z88oV1Zb4sTqdmsf0rBfuKekh9FCM5sD7EAU60yCkWNH6v9NTU_riiHpox-WIojItJym8LUNMIkJLBB-SswQtltY_i0' +
      'HQXoN1iCjn2y2wrxC6ixYcOqUMIh28nDdABAL6UYoFh9BhXUdiNpQa_zqWGFkp2MmbA',
  },
};

export const rsa1024 = {
  pkcs8:
    'MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBANXG7g2Eez6f4bkJsJoRWZ/HFquCqO580FLAs+QcXsbHLzAEX4VlEpgF' +
    'go/C6nEn+Q2TqtmeDoP+vMs9G8g3bG2tSVF5TsE7krteFKUwi3FVfAcmxfiwbQjqZoGY6fHunussKr5nLJC788oBteirXXgkQ0Z4xOKU' +
    'M3RraqRzyVsxAgEDAoGBAI6EnrOtp38VQSYGdbwLkRUvZHJXG0moiuHVzUK9lISEyiAC6ljuDGVZAbUsnEtv+15iceZpXwKp0zIovTAk' +
    '8vKQ5PJM9yRArAw7MBdyxbDdUvdvqWVck6UPT0cbk984pk6B9N+rreyaxNhnKJFO0QNCUdWNVr7b7G2MHoVDoTqjAkEA7f67hkzpcX8P' +
    'ypCJFMNUh/1/pz/9uS6jZVgatogPnsAgdvcTWyl7nbgCnWFpbOwpm8sGLOxlprzG8ttzutxYMwJBAOXzKn+PIWkRmTq7+O+fk4GCFFgH' +
    '4uxg7e4XfDkEE3rlVPJEW4p+MjYUgsmXpUg3yaT9f/fWXqOUCSZhaNN7KwsCQQCeqdJZiJug/1/cYFtjLOMFU6pvf/57dGzuOrx5sApp' +
    '1Wr5+gzncP0T0AG+QPDzSBu9MgQd8u5vKISh56J8kuV3AkEAmUzG/7TA8LZmJyf7SmpiVla4Oq/snZXz9A+oJgK3p0ON9tg9Bv7MJA2s' +
    'hmUY2s/bw1OqpTmUbQ1bbuubN6dyBwJBAMQScGNOcGSMbGRYPubnflELJsSpj7AYwv6AOPP8+gOtGVoHjt253BKTrK3MQb6LNeyLOcbt' +
    'nT5VXpsxRQ2LYvg=',
  spki:
    'MIGdMA0GCSqGSIb3DQEBAQUAA4GLADCBhwKBgQDVxu4NhHs+n+G5CbCaEVmfxxargqjufNBSwLPkHF7Gxy8wBF+FZRKYBYKPwupxJ/kN' +
    'k6rZng6D/rzLPRvIN2xtrUlReU7BO5K7XhSlMItxVXwHJsX4sG0I6maBmOnx7p7rLCq+ZyyQu/PKAbXoq114JENGeMTilDN0a2qkc8lb' +
    'MQIBAw==',
  jwk: {
    kty: 'RSA',
    n:
      '1cbuDYR7Pp_huQmwmhFZn8cWq4Ko7nzQUsCz5BxexscvMARfhWUSmAWCj8LqcSf5DZOq2Z4Og_68yz0byDdsba1JUXlOwTuSu14UpTCL' +
      'cVV8BybF-LBtCOpmgZjp8e6e6ywqvmcskLvzygG16KtdeCRDRnjE4pQzdGtqpHPJWzE',
    e: 'Aw',
    d:
      'joSes62nfxVBJgZ1vAuRFS9kclcbSaiK4dXNQr2UhITKIALqWO4MZVkBtSycS2_7XmJx5mlfAqnTMii9MCTy8pDk8kz3JECsDDswF3LF' +
      'sN1S92-pZVyTpQ9PRxuT3zimToH036ut7JrE2GcokU7RA0JR1Y1WvtvsbYwehUOhOqM',
    p: '7f67hkzpcX8PypCJFMNUh_1_pz_9uS6jZVgatogPnsAgdvcTWyl7nbgCnWFpbOwpm8sGLOxlprzG8ttzutxYMw',
    q: '5fMqf48haRGZOrv475-TgYIUWAfi7GDt7hd8OQQTeuVU8kRbin4yNhSCyZelSDfJpP1_99Zeo5QJJmFo03srCw',
    dp: 'nqnSWYiboP9f3GBbYyzjBVOqb3_-e3Rs7jq8ebAKadVq-foM53D9E9ABvkDw80gbvTIEHfLubyiEoeeifJLldw',
    dq: 'mUzG_7TA8LZmJyf7SmpiVla4Oq_snZXz9A-oJgK3p0ON9tg9Bv7MJA2shmUY2s_bw1OqpTmUbQ1bbuubN6dyBw',
    qi: 'xBJwY05wZIxsZFg-5ud-UQsmxKmPsBjC_oA48_z6A60ZWgeO3bncEpOsrcxBvos17Is5xu2dPlVemzFFDYti-A',
  },
};

// The numbers of the contract with the host, as ABI.md lists them: operations the platform starts,
// events it is called with, questions it asks synchronously, and how a body is named on the wire.

export const OP_RESPOND = 1;
export const OP_THROW = 2;
export const OP_FETCH = 3;
export const OP_CANCEL = 4;
export const OP_TIMER = 5;
export const OP_LOG = 6;
export const OP_READ = 7;
export const OP_READ_CANCEL = 8;
export const OP_WRITE = 9;
export const OP_CLOSE = 10;
export const OP_ABORT = 11;
export const OP_CRYPTO = 12;
export const OP_DONE = 13;
export const OP_STARTED = 14;
export const OP_CLEAR = 16;
export const OP_WAITING = 17;
export const OP_ENDED = 18;
export const OP_EXCEPTION = 19;
export const OP_EXIT = 40;
export const OP_WS_OFFER = 50;
export const OP_WS_PASS = 51;
export const OP_WS_ACCEPT = 52;
export const OP_WS_SEND = 53;
export const OP_WS_CLOSE = 54;
export const OP_WS_DROP = 55;
export const OP_TURN = 56;
export const OP_CACHE = 70;

export const EVENT_START = -1;
export const EVENT_DISPATCH = 0;
export const EVENT_COMPLETE = 1;
export const EVENT_ABORTED = 2;
export const EVENT_CANCELLED = 3;
export const EVENT_ENV = 4;
export const EVENT_TRAINED = 5;
export const EVENT_TAIL = 6;
export const EVENT_ENDED = 7;
export const EVENT_NODE = 9;
export const EVENT_WS_MESSAGE = 20;
export const EVENT_WS_CLOSED = 21;
export const EVENT_WS_LOST = 22;
export const EVENT_WS_FAILED = 23;
export const CALL_COMMONJS = 30;
export const CALL_SITES = 40;
export const CALL_SCRIPT = 41;
export const CALL_ATTRIBUTES = 42;
export const CALL_REJECTION = 43;

export const REFUSED_OVER = 3;

// Who wants console lines, bits in the status of DISPATCH and TAIL: a terminal, or those that get the values.
export const CONSOLE_TEXT = 1;
export const CONSOLE_VALUES = 2;

export const STATUS_OK = 0;
export const STATUS_END = 2;

export const SYNC_MODULE_RESOLVE = 1;
export const SYNC_URL_PARSE = 3;
export const SYNC_URL_SET = 4;
export const SYNC_RANDOM = 5;
export const SYNC_DECODE = 6;
export const SYNC_ENCODING = 7;
export const SYNC_GLOBAL_SCOPE = 9;
export const SYNC_ENV = 10;
export const SYNC_STREAM_SMALL = 11;
export const SYNC_CF = 12;
export const SYNC_COMPATIBILITY = 30;
export const SYNC_REQUIRED_SOURCE = 31;
export const SYNC_HTML_SELECTOR = 60;
export const SYNC_HTML_BEGIN = 61;
export const SYNC_HTML_SCAN = 62;
export const SYNC_HTML_APPLY = 63;
export const SYNC_HTML_END = 64;
export const SYNC_HTML_ENCODE = 65;
export const SYNC_COMPRESS_BEGIN = 66;
export const SYNC_COMPRESS_PUSH = 67;
export const SYNC_COMPRESS_END = 68;
export const SYNC_DEFAULT_CACHE = 70;

export const CACHE_MATCH = 0;
export const CACHE_PUT = 1;
export const CACHE_DELETE = 2;
export const SYNC_PATTERN = 80;
export const SYNC_PATTERN_INPUT = 81;

export const BODY_NONE = 0;
export const BODY_WHOLE = 1;
export const BODY_GUEST = 2;
export const BODY_HOST = 3;

export const VERBATIM = 4096; // added to RESPOND's status: the body is encoded already
export const RAW_RESPONSE = 4; // added to FETCH's redirect mode: nothing is decoded

export const BINDING_NETWORK = -1;

// The stream of a completed FETCH that began a WebSocket: its number is the operation's.
export const FETCHED_SOCKET = -2;

export const CRYPTO_DIGEST = 1;
export const CRYPTO_HASH_UPDATE = 2;
export const CRYPTO_HASH_FINISH = 3;
export const CRYPTO_HMAC = 4;
export const CRYPTO_HMAC_BEGIN = 5;
export const CRYPTO_HMAC_FINISH = 6;
export const CRYPTO_CRC = 7;
export const CRYPTO_EQUAL = 8;
export const CRYPTO_AES = 9;
export const CRYPTO_AES_WRAP = 10;
export const CRYPTO_HKDF = 11;
export const CRYPTO_PBKDF2 = 12;
export const CRYPTO_RSA_GENERATE = 13;
export const CRYPTO_RSA_JWK = 14;
export const CRYPTO_RSA_CIPHER = 15;
export const CRYPTO_RSA_SIGN = 16;
export const CRYPTO_RSA_VERIFY = 17;
export const CRYPTO_EC_GENERATE = 18;
export const CRYPTO_EC_RAW = 19;
export const CRYPTO_EC_JWK = 20;
export const CRYPTO_ECDSA_SIGN = 21;
export const CRYPTO_ECDSA_VERIFY = 22;
export const CRYPTO_ECDH = 23;
export const CRYPTO_OKP_GENERATE = 24;
export const CRYPTO_OKP_PRIVATE = 25;
export const CRYPTO_ED25519_SIGN = 26;
export const CRYPTO_ED25519_VERIFY = 27;
export const CRYPTO_X25519 = 28;
export const CRYPTO_IMPORT_DER = 29;
export const CRYPTO_EXPORT_DER = 30;
export const CRYPTO_EXPORT_JWK = 31;
export const CRYPTO_BASE64URL = 32;
export const CRYPTO_BASE64URL_DECODE = 33;

// What the engine knows of the platform's classes (engine/objects.c): constructors, and what a getter gives.
export const QUICK_RESPONSE = 1;
export const QUICK_URL = 2;
export const GET_FIELD = 0;
export const GET_REQUEST_HEADERS = 1;
export const GET_RESPONSE_HEADERS = 2;
export const GET_URL = 3;

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
export const OP_DIGEST = 12;
export const OP_DONE = 13;
export const OP_STARTED = 14;
export const OP_CLEAR = 16;
export const OP_WAITING = 17;
export const OP_EXIT = 40;

export const EVENT_START = -1;
export const EVENT_DISPATCH = 0;
export const EVENT_COMPLETE = 1;
export const EVENT_ABORTED = 2;
export const EVENT_CANCELLED = 3;
export const EVENT_ENV = 4;
export const EVENT_TRAINED = 5;
export const EVENT_NODE = 9;
export const CALL_COMMONJS = 30;

export const STATUS_OK = 0;
export const STATUS_END = 2;

export const SYNC_MODULE_RESOLVE = 1;
export const SYNC_URL_PARSE = 3;
export const SYNC_URL_SET = 4;
export const SYNC_RANDOM = 5;
export const SYNC_DECODE = 6;
export const SYNC_ENCODING = 7;
export const SYNC_DIGEST = 8;
export const SYNC_GLOBAL_SCOPE = 9;
export const SYNC_ENV = 10;
export const SYNC_STREAM_SMALL = 11;
export const SYNC_COMPATIBILITY = 30;
export const SYNC_REQUIRED_SOURCE = 31;

export const BODY_NONE = 0;
export const BODY_WHOLE = 1;
export const BODY_GUEST = 2;
export const BODY_HOST = 3;

export const BINDING_NETWORK = -1;

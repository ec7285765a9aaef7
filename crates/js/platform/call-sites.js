// What Error.prepareStackTrace gets: call sites as V8 has them, made from the frames that the engine lists. Functions and
// receivers are never told (V8 gives none of strict code either): the platform's own would be among them.
import * as host from 'switchyard:host';
import { CALL_SITES } from './abi.js';

// Positions in a frame, as the engine writes it.
const TEXT = 0;
const TYPE = 1;
const FUNCTION = 2;
const METHOD = 3;
const FILE = 4;
const LINE = 5;
const COLUMN = 6;
const TOPLEVEL = 7;
const CONSTRUCTOR = 8;
const ASYNC = 9;
const INDEX = 10;
const FIRST_LINE = 11;
const FIRST_COLUMN = 12;

let make;

class CallSite {
  #frame;

  static {
    make = (frame) => {
      const site = new CallSite();
      site.#frame = frame;
      return site;
    };
  }

  getColumnNumber() {
    return this.#frame[COLUMN];
  }
  getEnclosingColumnNumber() {
    return this.#frame[FIRST_COLUMN];
  }
  getEnclosingLineNumber() {
    return this.#frame[FIRST_LINE];
  }
  getEvalOrigin() {
    this.#frame;
    return undefined;
  }
  getFileName() {
    return this.#frame[FILE];
  }
  getFunction() {
    this.#frame;
    return undefined;
  }
  getFunctionName() {
    return this.#frame[FUNCTION];
  }
  getLineNumber() {
    return this.#frame[LINE];
  }
  getMethodName() {
    return this.#frame[METHOD];
  }
  getPosition() {
    this.#frame;
    return 0;
  }
  getPromiseIndex() {
    return this.#frame[INDEX];
  }
  getScriptHash() {
    this.#frame;
    return '';
  }
  getScriptNameOrSourceURL() {
    return this.#frame[FILE];
  }
  getThis() {
    this.#frame;
    return undefined;
  }
  getTypeName() {
    return this.#frame[TYPE];
  }
  isAsync() {
    return this.#frame[ASYNC];
  }
  isConstructor() {
    return this.#frame[CONSTRUCTOR];
  }
  isEval() {
    this.#frame;
    return false;
  }
  isNative() {
    this.#frame;
    return false;
  }
  isPromiseAll() {
    return this.#frame[INDEX] !== null;
  }
  isToplevel() {
    return this.#frame[TOPLEVEL];
  }
  toString() {
    return this.#frame[TEXT];
  }
}

export function installCallSites() {
  host.register(CALL_SITES, (frames) => {
    // In place, by nothing that a script may have replaced.
    for (let i = 0; i < frames.length; i++) frames[i] = make(frames[i]);
    return frames;
  });
}

// What is behind a WebSocket: the other end of a pair in this very instance, or a socket of the host. A pair is
// joined by two inboxes; each message is delivered in a turn of its own, as if it had come from outside. When one
// end of a pair goes out in a response, the other becomes the host's.
import * as host from 'switchyard:host';
import {
  EVENT_WS_CLOSED, EVENT_WS_FAILED, EVENT_WS_LOST, EVENT_WS_MESSAGE, OP_TURN, OP_WS_ACCEPT, OP_WS_CLOSE, OP_WS_DROP,
  OP_WS_OFFER, OP_WS_PASS, OP_WS_SEND,
} from './abi.js';
import { streamBegun, streamEnded } from './context.js';
import { refusal } from './errors.js';
import { entryOf, expect, forget, left, nextId, rejectLeft } from './ops.js';

const MESSAGE = 0;
const CLOSE = 1;
const LOST = 2;
const DISCONNECTED = 3;

// One message on its way inside of an instance.
class Letter {
  constructor(kind, value, reason) {
    this.kind = kind;
    this.value = value; // data; the code of a close, null: none; whether something was lost
    this.reason = reason;
  }
}

// An end of a pair. `socket` is told message(data), closed(code, reason), lost(some), disconnected() and failed(text).
export class PairEnd {
  constructor(socket) {
    this.socket = socket;
    this.peer = null;
    this.inbox = [];
    this.listens = false;
    this.turning = false;
    this.over = false; // nothing is delivered any more
    this.done = false; // the other side's Close was the last word
    this.owner = undefined;
  }

  accept() {
    this.listens = true;
    this.turn();
  }

  send(data) {
    const bytes = typeof data === 'string' ? data : new Uint8Array(data).slice().buffer;
    this.peer.put(new Letter(MESSAGE, bytes, ''));
  }

  close(code, reason) {
    this.peer.put(new Letter(CLOSE, code, reason));
  }

  // This end breaks off: what it has not heard is lost to the other.
  drop() {
    if (this.over) return;
    this.over = true;
    const lost = this.inbox.some((letter) => letter.kind === MESSAGE);
    this.inbox.length = 0;
    this.peer.put(new Letter(LOST, lost, ''));
  }

  put(letter) {
    if (this.over) return;
    this.inbox.push(letter);
    this.turn();
  }

  turn() {
    if (!this.listens || this.turning || this.over || this.inbox.length === 0) return;
    const id = nextId();
    const code = host.op(OP_TURN, id);
    if (code !== 0) throw refusal(code);
    this.turning = true;
    expect(id, this);
  }

  // The turn has come. What a listener does may have ended this end, or made it the host's.
  complete() {
    this.turning = false;
    const letter = this.inbox.shift();
    if (letter === undefined || this.over) return;
    const { kind, value, reason } = letter;
    if (kind === MESSAGE) this.socket.message(value);
    else if (kind === CLOSE) this.hearsClose(value ?? 1005, reason);
    else if (kind === DISCONNECTED) this.socket.disconnected();
    else {
      this.over = true;
      this.socket.lost(value);
    }
    this.turn();
  }

  // As on workerd: whoever hears the last Close lets go of the pipe, which the other side takes for a fault.
  hearsClose(code, reason) {
    const last = this.socket.hasSaid();
    this.socket.closed(code, reason);
    if (!last || this.over) return;
    this.done = true;
    if (!this.peer.done) this.peer.put(new Letter(DISCONNECTED, null, ''));
  }

  // It goes out in a response of `ctx`: the host carries on between its client and the other end. Returns that
  // other end's place.
  offer(ctx) {
    const id = nextId();
    const code = host.op(OP_WS_OFFER, id);
    if (code !== 0) throw refusal(code);
    this.over = true;
    const { peer, inbox } = this;
    const end = new HostEnd(peer.socket, id);
    peer.socket.move(end);
    for (const { kind, value, reason } of inbox) {
      if (kind === MESSAGE) end.send(value);
      else if (kind === CLOSE) end.close(value, reason);
      else end.drop();
    }
    end.keeps(ctx);
    if (peer.listens) end.accept();
  }
}

// An end that the host has.
export class HostEnd {
  constructor(socket, id) {
    this.socket = socket;
    this.id = id;
    this.owner = undefined;
    this.kept = undefined; // the request that goes on as long as this is open
    this.over = false;
    this.said = false;
    this.heard = false;
    expect(id, this);
  }

  keeps(ctx) {
    if (this.over) return;
    this.kept = ctx;
    streamBegun(ctx);
  }

  accept() {
    if (!this.over) host.op(OP_WS_ACCEPT, this.id);
  }

  send(data) {
    if (!this.over) host.op(OP_WS_SEND, this.id, data);
  }

  close(code, reason) {
    if (this.over) return;
    host.op(OP_WS_CLOSE, this.id, code, reason);
    this.said = true;
    if (this.heard) this.end();
  }

  drop() {
    if (this.over) return;
    host.op(OP_WS_DROP, this.id);
    this.end();
  }

  // Untouched into a response.
  offer() {
    host.op(OP_WS_PASS, this.id);
    this.end();
  }

  end() {
    if (this.over) return;
    this.over = true;
    forget(this.id);
    if (this.kept !== undefined) streamEnded(this.kept);
  }

  // The request is over.
  dropped() {
    this.over = true;
  }

  closedByPeer(code, reason) {
    this.heard = true;
    if (this.said) this.end();
    this.socket.closed(code, reason);
  }
}

// Its request's context is that of what comes.
function on(kind, tell) {
  host.register(kind, (id, status, a, b) => {
    const end = entryOf(id);
    if (!(end instanceof HostEnd) || end.over) return;
    if (left !== null) rejectLeft();
    host.contextSet(end.owner);
    tell(end, status, a, b);
  });
}

export function installWebSockets() {
  on(EVENT_WS_MESSAGE, (end, _, data) => end.socket.message(typeof data === 'string' ? data : data.buffer));
  on(EVENT_WS_CLOSED, (end, _, code, reason) => end.closedByPeer(code, reason));
  on(EVENT_WS_LOST, (end, status) => {
    end.end();
    end.socket.lost(status !== 0);
  });
  on(EVENT_WS_FAILED, (end, _, text) => {
    end.end();
    end.socket.failed(text);
  });
}

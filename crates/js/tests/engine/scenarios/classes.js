// Classes of the base: private names, static blocks, accessors, super, species, new.target, mixins; changed at run time.
import { look, attempt } from "script:look.js";

class Account {
  #balance = 0; #history = []; static #count = 0; static #all = new Map();
  static { this.origin = "static block"; }
  constructor(name) { this.name = name; Account.#count++; Account.#all.set(name, this); }
  get balance() { return this.#balance; }
  set balance(v) { this.#check(v); this.#balance = v; }
  #check(v) { if (typeof v !== "number") throw new TypeError("not a number: " + typeof v); }
  pay(n) { this.#balance += n; this.#history.push(n); if (this.#history.length > 25) this.#history = this.#history.slice(-3); return this; }
  #log() { return this.#history.join("/"); }
  log() { return this.#log(); }
  static is(o) { return #balance in o; }
  static find(name) { return this.#all.get(name); }
  static count() { return Account.#count + ":" + Account.#all.size; }
  static forget(name) { return Account.#all.delete(name); }
  static steal(o) { return o.#balance; }
}
class Saver extends Account {
  rate = 2; static kinds = ["plain"]; ["computed" + 1] = "c";
  pay(n) { super.pay(n * this.rate); return this; }
  get balance() { return super.balance + 0.5; }
  set balance(v) { super.balance = v - 0.5; }
  toString() { return `Saver<${this.name}>`; }
}
const Named = (Base) => class extends Base { #id = 7; id() { return this.#id++; } static mixed = true; };
const Mixed = Named(Saver);
const accounts = [new Account("ann"), new Saver("bob"), new Mixed("cid")];
class Temp { constructor(c) { this.c = c; } static from(f) { return new this((f - 32) / 1.8); } [Symbol.toPrimitive](h) { return h === "string" ? this.c + "C" : this.c; } static [Symbol.hasInstance](x) { return "c" in x; } }
const temp = new Temp(20);
function Old() { if (!new.target) return "called"; this.t = new.target.name; }
class Node2 { next = null; constructor(v, n) { this.v = v; this.next = n; } *[Symbol.iterator]() { for (let n = this; n; n = n.next) yield n.v; } }
let list = new Node2(1, new Node2(2, null));
const factories = [class A { who() { return "A"; } }, class B { who() { return "B"; } }];
class Lazy { static #instance; static get() { return this.#instance ??= new Lazy(); } n = 0; }
class Accessors { static #v = 1; static get v() { return this.#v; } static set v(x) { Accessors.#v = x; } get [Symbol.toStringTag]() { return "Acc" + Accessors.#v; } }
class Base2 { constructor() { this.made = this.make(); } make() { return "base"; } } class Derived2 extends Base2 { field = "set"; make() { return "derived " + this.field; } }
class Counter { static n = 0; id = ++Counter.n; static reset() { Counter.n = 0; } }
const bound = accounts[0].log.bind(accounts[0]);
class Err extends RangeError { constructor(m, o) { super(m, o); this.code = 7; } get name() { return "Err"; } }

export const scenarios = {
  privateFields(i) { return accounts.map((a) => a.pay(i % 7).balance).join() + accounts[i % 3].log(); },
  privateIn(i) { return [Account.is(accounts[i % 3]), Account.is({}), attempt(() => Account.steal({})), attempt(() => Account.is(i)), Account.steal(accounts[1])].join(); },
  privateSetter(i) { const a = accounts[i % 3]; const was = a.balance; a.balance = i; return was + attempt(() => { a.balance = "x" + i; }) + a.balance; },
  privateStaticMap(i) { const a = new Account("n" + i % 20); Account.forget("n" + (i * 7) % 20); return Account.count() + Account.find("ann").name + (Account.find(a.name) === a); },
  replaceInstance(i) { if (i % 6 === 0) accounts[i % 3] = new [Account, Saver, Mixed][i % 3]("r" + i % 5); return accounts.map(String).join() + accounts[i % 3].name; },
  mixinId(i) { const m = new Mixed("m"); Account.forget("m"); return m.id() + m.id() + accounts[2].constructor.mixed + (accounts[2].id?.() ?? "none"); },
  mixinAgain(i) { const K = Named(factories[i % 2]); factories[i % 2] = i % 10 ? factories[i % 2] : class Fresh { who() { return "F" + i; } }; const k = new K(); return k.id() + (k.who?.() ?? "") + K.mixed; },
  patchMethod(i) { const old = Account.prototype.pay; Account.prototype.pay = function (n) { return old.call(this, n + 1); }; accounts[1].pay(i % 3); Account.prototype.pay = old; return accounts[1].balance; },
  patchSuper(i) { const own = Object.getPrototypeOf(Saver.prototype); Object.setPrototypeOf(Saver.prototype, { pay(n) { this.caught = n; return this; }, get balance() { return i; } }); const r = accounts[1].pay(i).caught + accounts[1].balance; Object.setPrototypeOf(Saver.prototype, own); delete accounts[1].caught; return r; },
  staticFields(i) { Saver.kinds.push("k" + i); if (Saver.kinds.length > 12) Saver.kinds = ["plain"]; Mixed.kinds = i % 4 ? Saver.kinds : ["own"]; const r = Mixed.kinds.length + ":" + Saver.kinds.length; delete Mixed.kinds; return r + Mixed.origin; },
  fieldsAdded(i) { const a = accounts[i % 3]; a["f" + i % 8] = { i }; delete a["f" + (i * 3) % 8]; a.rate = i % 5; return look(a); },
  toPrimitive(i) { temp.c += i % 3; if (temp.c > 100) temp.c = 0; return `${temp}` + (temp + 1) + (temp > 30) + Temp.from(i).c.toFixed(2); },
  hasInstance(i) { return [({ c: i }) instanceof Temp, ({}) instanceof Temp, new Old() instanceof Old].join(); },
  newTarget(i) { return new Old().t + Old() + Reflect.construct(Old, [], class Nt {}).t + new (class extends Old {})().t; },
  linkedList(i) { list = new Node2(i, list); let n = 0; for (let l = list; l; l = l.next) if (++n > 20) { l.next = null; } return [...list].join(); },
  reverseList(i) { let back = null; for (let l = list; l;) { const next = l.next; l.next = back; back = l; l = next; } list = back; return [...list].slice(0, 4).join(); },
  lazySingleton(i) { return ++Lazy.get().n + "" + (Lazy.get() === Lazy.get()); },
  accessorStatics(i) { Accessors.v = i % 10; return Accessors.v + String(new Accessors()) + attempt(() => { class X extends Accessors {} return X.v; }); },
  fieldOrder(i) { return new Derived2().made + new Derived2().field + look(new Derived2()); },
  counterIds(i) { const c = new Counter(); if (i % 30 === 0) Counter.reset(); return c.id; },
  boundMethod(i) { accounts[0].pay?.(i % 2); return bound.name + typeof bound() + bound.length; },
  errorClass(i) { const e = new Err("m" + i, { cause: accounts[0] }); return [e.name, e.message, e.code, e.cause === accounts[0], e instanceof RangeError, String(e), e.stack.split("\n").length > 1].join(); },
  classExpression(i) { const make = (n) => class { static n = n; #p = n; p() { return this.#p; } static own(o) { return #p in o; } }; const A = make(i), B = make(i + 1), a = new A(); return [a.p(), A.own(a), B.own(a), B.n, attempt(() => B.prototype.p.call(a))].join(); },
  superInObjects(i) { const o = { __proto__: { hi() { return "up" + i + this.n; } }, n: i, hi() { return super.hi() + "!"; } }; accounts.hi = o.hi; return o.hi() + attempt(() => accounts.hi()); },
  speciesArray(i) { class L extends Array { static get [Symbol.species]() { return i % 2 ? Array : L; } } return new L(1, 2, 3).map((x) => x * i).constructor.name; },
  derivedMistakes(i) { return attempt(() => new (class extends Account { constructor() { } })()) + attempt(() => new (class extends Account { constructor() { super("t"); super("t"); } })()) + attempt(() => new (class extends null { })()) + attempt(() => Account()) + Account.forget("t"); },
  constructorReturns(i) { class R { #x = i; constructor(o) { return o; } } class S extends R { #y = i; static y(o) { return #y in o ? o.#y : "no"; } } const o = { i }; new S(o); return S.y(o) + S.y({}) + attempt(() => new S(o)); },
  defineOnClass(i) { Object.defineProperty(Saver, "label", { get: () => "L" + i, configurable: true }); return Saver.label + Mixed.label + attempt(() => { Saver.prototype = {}; }); },
};
